"""The folder of a run and its `run.json`."""

import datetime
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from embodied_mem.errors import ExperimentError
from embodied_mem.experiments.config import RunConfig, RunPlan, from_document, to_document
from embodied_mem.experiments.worlds import Worlds

RUN_FILE = "run.json"
PACKAGES = ("numpy", "gymnasium", "minigrid", "embodied-mem")


def new_folder(config: RunConfig, *, now: datetime.datetime) -> Path:
    """Create the folder of a new run.

    Raises:
        ExperimentError: The folder holds a run already, or cannot be created.
    """
    stem = Path("outputs") / f"{now:%Y-%m-%d}" / f"{config.name}_{now:%H-%M-%S}"
    folder = Path(config.out) if config.out else _unused_folder(stem)
    if (folder / RUN_FILE).exists():
        raise ExperimentError(
            f"{folder} holds a run already; resume it with: embodied-mem run resume={folder}"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExperimentError(
            f"cannot create {folder} ({error.strerror}); name another folder with out="
        ) from None
    return folder


def start_document(
    plan: RunPlan, *, command: str, now: datetime.datetime, notes: Sequence[str] = ()
) -> dict[str, Any]:
    """The `run.json` of a new run; `notes` are sentences on the whole run for its summary and report."""
    config = plan.config
    return {
        "name": config.name,
        "config": to_document(config),
        "seeds": {
            "range": plan.seeds.name,
            "first": plan.lifetime_seed(0),
            "last": plan.lifetime_seed(config.lifetimes - 1) + plan.seeds.per_lifetime - 1,
        },
        "arms": [arm.name for arm in plan.arms],
        "beside": list(plan.beside),
        "focus": config.focus,
        **({"comparisons": config.comparisons} if config.comparisons else {}),
        **({"notes": list(notes)} if notes else {}),
        "lifetimes": config.lifetimes,
        "learning_episodes": config.learning_episodes,
        "held_out_episodes": config.held_out_episodes,
        "kinds": list(config.stream.kinds),
        "versions": versions(),
        "machine": machine(),
        "started": now.isoformat(timespec="seconds"),
        "ended": None,
        "status": "running",
        "attempt": 0,
        "knowledge": knowledge(config.stream.kinds),
        "command": command,
    }


def read_document(folder: Path) -> dict[str, Any]:
    """Read the `run.json` of a folder.

    Raises:
        ExperimentError: The file is missing or does not describe a run.
    """
    path = folder / RUN_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise ExperimentError(f"{folder} has no {RUN_FILE}; name the folder of a run") from None
    except ValueError as error:
        raise ExperimentError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(document, dict) or "config" not in document:
        raise ExperimentError(f"{path} does not describe a run; name the folder of a run")
    return document


def read_config(document: Mapping[str, Any]) -> RunConfig:
    """The configuration stored in `run.json`."""
    return from_document(document["config"])


def write_document(folder: Path, document: Mapping[str, Any]) -> None:
    """Write `run.json` atomically."""
    write_atomically(folder / RUN_FILE, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def write_atomically(path: Path, text: str) -> None:
    """Replace a file atomically: a kill leaves the old or the new content."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def versions() -> dict[str, str]:
    """Versions that a result depends on; with `git commit` in a checkout."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name.replace("-", "_")] = version(name)
        except PackageNotFoundError:
            continue
    commit = _git_commit()
    return {**found, "git commit": commit} if commit else found


def machine() -> dict[str, Any]:
    """Hardware and operating system, without the host name."""
    return {
        "cores": n_cores(),
        "cpu": _cpu_model(),
        "memory_gb": _memory_gb(),
        "os": f"{platform.system()} {platform.machine()}",
    }


def n_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def knowledge(kinds: list[str]) -> list[Any]:
    """Knowledge that the worlds of these kinds give to a planner: the distinct lines of their ledgers.

    A world may have a ledger as its attribute `knowledge`: mappings or named tuples.
    """
    worlds = Worlds()
    ledgers: list[Any] = []
    try:
        for kind in kinds:
            for entry in getattr(worlds.get(kind), "knowledge", ()):
                line = entry._asdict() if hasattr(entry, "_asdict") else entry
                if line not in ledgers:
                    ledgers.append(line)
    finally:
        worlds.close()
    return ledgers


def _unused_folder(stem: Path) -> Path:
    folder, number = stem, 2
    while folder.exists():
        folder, number = stem.with_name(f"{stem.name}_{number}"), number + 1
    return folder


def _git_commit() -> str:
    root = Path(__file__).resolve().parents[1]
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return ""
    found = subprocess.run(
        [git, "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40"],
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip()


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):
        return None
