"""Makes the fixtures of a release, with the interpreter of an environment in which that release is installed.

    PYTHON tests/compatibility/make_fixtures.py FOLDER

FOLDER holds the release's `make_store.py`, a program written against it. Beside it come `store` and
`expected.json` (and whatever else the program writes), `run`, `interrupted`, `configurations.json` and
`modules.json`. Nothing of the release but its command line, `compose_config` and its sources is used here.
"""

import ast
import importlib.util
import json
import os
import pkgutil
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

# A run in which what memory learnt decides what happens, and in which all releases so far do the same.
RUN = (
    "name=small",
    "seeds=tuning",
    "first_lifetime=4",
    "lifetimes=2",
    "learning_episodes=4",
    "held_out_episodes=2",
    "arms=[none,memory,without_kind]",
    "stream.name=two",
    "stream.kinds=[babyai:UnlockPickup,babyai:PutNextS4N1]",
    "limits.max_calls=14",
    "workers=1",
)
KILLED_IN = ("memory", "01")  # arm and lifetime
KILLED_AFTER = 2  # finished episodes of that lifetime
LEFT_OUT = ("report.html", ".lock", "*-shm", "*-checkpoint-lock")  # large, or made again
OVERRIDES = (
    (),
    *([f"experiment={name}"] for name in ("claim", "default", "quick")),
    *([f"stream={name}"] for name in ("admitted", "candidates", "mixed", "one_kind")),
    *([f"planner={name}"] for name in ("case_based", "random_skill")),
    *([f"memory={name}"] for name in ("experience", "none", "random", "recency", "shuffled", "without_kind")),
    ("seeds=tuning", "lifetimes=4", "arms=[none,memory]", "workers=2"),
    ("planner.options.k=10", "stream.kinds=[babyai:UnlockPickup,babyai:Pickup]"),
    ("variants.memory_k1={base: memory, planner_options: {k: 1}}", "arms=[none,memory,memory_k1]"),
    ("memory.options.weights.text=0.5", "memory.options.embedder=null", "planner.options.min_score=0.5"),
    ("comparisons=[[memory,none]]", "arms=[none,memory,floor,expert]", "focus=memory", "report=false"),
    ("limits.max_steps=50", "limits.max_calls=20", "tracker=''", "first_lifetime=12", "out=somewhere"),
    ("stream=one_kind", "memory=recency", "memory.options.inner=experience", "planner=random_skill"),
    RUN,
)


def main(folder: Path) -> None:
    """Make everything anew."""
    subprocess.run([sys.executable, "make_store.py", "."], cwd=folder, check=True)
    for lock in folder.rglob("*-checkpoint-lock"):
        lock.unlink()
    with tempfile.TemporaryDirectory() as name:
        play(Path(name))
        play_and_kill(Path(name))
        for part in ("run", "interrupted"):
            shutil.rmtree(folder / part, ignore_errors=True)
            shutil.copytree(Path(name) / part, folder / part, ignore=shutil.ignore_patterns(*LEFT_OUT))
    for memory in folder.glob("run/lifetimes/*/*/memory"):
        shutil.rmtree(memory)  # those of the interrupted run are enough
    write(folder / "configurations.json", list(configurations()))
    write(folder / "modules.json", dict(public_names("embodied_mem")))


def play(folder: Path) -> None:
    """The whole run, in `run`."""
    subprocess.run([*program(), *RUN, "out=run"], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def play_and_kill(folder: Path) -> None:
    """The same run in `interrupted`, killed within an episode."""
    rows = folder.joinpath("interrupted", "lifetimes", *KILLED_IN, "episodes.jsonl")
    process = subprocess.Popen([*program(), *RUN, "out=interrupted"], cwd=folder, stdout=subprocess.DEVNULL)
    while not rows.exists() or rows.read_bytes().count(b"\n") < KILLED_AFTER:
        if process.poll() is not None:
            raise SystemExit("the run ended before it could be killed")
        time.sleep(0.001)
    time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def program() -> list[str]:
    """The command line of the release."""
    return [sys.executable, "-m", "embodied_mem", "run"]


def configurations() -> Iterator[dict[str, Any]]:
    """Overrides, each with what they composed."""
    from embodied_mem.experiments.compose import compose_config
    from embodied_mem.experiments.config import to_document

    for overrides in OVERRIDES:
        yield {"overrides": list(overrides), "config": to_document(compose_config(overrides))}


def public_names(package: str) -> Iterator[tuple[str, list[str]]]:
    """Every module of a package with the public names that stand in it."""
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.submodule_search_locations is not None
    modules = pkgutil.walk_packages(found.submodule_search_locations, f"{package}.")
    for name in [package, *(module.name for module in modules if not module.name.endswith("__main__"))]:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        tree = ast.parse(Path(spec.origin).read_text("utf-8"))
        yield name, sorted(set(defined_in(tree.body)))


def defined_in(body: Sequence[ast.stmt]) -> Iterator[str]:
    """Public names that these statements define or re-export by intention."""
    for node in body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found = [name]
            case ast.Assign(targets=[ast.Name(id="__all__")]) | ast.AnnAssign(target=ast.Name(id="__all__")):
                yield from ast.literal_eval(node.value or ast.List(elts=[]))
                continue
            case ast.Assign(value=ast.Call(func=ast.Attribute(attr="getLogger"))):
                continue
            case ast.Assign(targets=targets):
                found = [
                    each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)
                ]
            case ast.AnnAssign(target=ast.Name(id=name)):
                found = [name]
            case ast.ImportFrom(names=names):
                found = [alias.name for alias in names if alias.asname == alias.name]
            case ast.Try(body=inner):
                found = list(defined_in(inner))
            case _:
                continue
        yield from (name for name in found if not name.startswith("_"))


def write(path: Path, value: Any) -> None:
    """As JSON, one line an item."""
    items = value.items() if isinstance(value, dict) else ((None, item) for item in value)
    lines = [("" if name is None else f"{json.dumps(name)}: ") + json.dumps(item) for name, item in items]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    path.write_text(f"{opening}\n" + ",\n".join(lines) + f"\n{closing}\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
