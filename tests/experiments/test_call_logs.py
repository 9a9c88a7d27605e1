"""A purge reaches the logs of model calls of the run that a store belongs to, and names what remains."""

import json
from pathlib import Path
from typing import Any

import pytest

from embodied_mem.errors import ExperimentError
from embodied_mem.experiments.call_logs import purge_call_logs, run_of
from embodied_mem.experiments.cli import main
from embodied_mem.experiments.locks import folder_lock
from embodied_mem.planners.llm.models.call_log import FILE
from embodied_mem.records import Experience, Origin, Outcome, Scope, Task
from embodied_mem.store import MemoryStore
from tests.experiments.synthetic_run import episode_row, write_rows
from tests.experiments.test_model_calls import logged

ADA = Experience(
    id="m-0/0",
    task=Task("bring the cup to the desk"),
    state="a kitchen with a cup",
    outcome=Outcome(explanation="the cup fell"),
    scope=Scope(person="Ada"),
    origin=Origin(attempt="m-0"),
)
KEPT = Experience(id="m-1/0", task=Task("wait"), state="a hall")
LINES = {
    "shows it": logged("other-0#0", examples=["x", "m-0/0"]),
    "is of its episode": logged("m-0#3"),
    "names it": logged("other-0#1", prompt="what m-0/0 says"),
    "has its task": logged("other-0#2", prompt="Task: bring the cup to the desk.\nAction:"),
    "has its state": logged("other-0#3", prompt="Seen: a kitchen with a cup; no more"),
    "has its explanation": logged("other-0#4", answer="the cup fell"),
    "names the person": logged("other-0#5", system="You help Ada."),
    "has it in an error": logged("other-0#6", error="no answer to: Ada"),
    "is torn": '{"place": "other-0#7", "prompt": "bri\n',
}
OTHERS = [
    logged("m-1#0"),
    logged("other-0#8", prompt="Adam, bring the cup"),
    logged("m-00#1", examples=["y"]),
]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of one lifetime whose store has both experiences, and whose log has every line."""
    folder = write_rows(tmp_path / "run", [episode_row()])
    lifetime = folder / "lifetimes" / "memory" / "00"
    with MemoryStore.open(lifetime / "memory") as store:
        store.memory().record(ADA)
        store.memory().record(KEPT)
    (lifetime / "planner").mkdir()
    lines = [line for pair in zip(LINES.values(), OTHERS * 3, strict=True) for line in pair]
    (lifetime / "planner" / FILE).write_text("".join(lines), "utf-8")
    return folder


def log_of(run: Path) -> Path:
    return run / "lifetimes" / "memory" / "00" / "planner" / FILE


def store_of(run: Path) -> Path:
    return run / "lifetimes" / "memory" / "00" / "memory"


def purge(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main(["memory", "purge", *map(str, words)])
    return code, *capsys.readouterr()


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_line_that_tells_of_a_purged_experience_goes(run: Path, line: str) -> None:
    log_of(run).write_text(line + "".join(OTHERS), "utf-8")
    assert purge_call_logs(run, [ADA]).removed == {log_of(run): 1}
    assert log_of(run).read_text("utf-8") == "".join(OTHERS)


def test_logs_of_other_arms_are_searched_too(run: Path) -> None:
    other = run / "lifetimes" / "random" / "01" / "planner" / FILE
    other.parent.mkdir(parents=True)
    other.write_text(LINES["shows it"], "utf-8")
    assert purge_call_logs(run, [ADA]).removed == {log_of(run): 9, other: 1}


def test_without_experiences_nothing_is_rewritten(run: Path) -> None:
    before = log_of(run).stat().st_ino
    assert purge_call_logs(run, []).removed == {}
    assert log_of(run).stat().st_ino == before


def test_the_command_purges_the_store_and_its_logs(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = purge(capsys, store_of(run), "--person", "Ada", "--yes")
    assert (code, "removed 1 experiences" in out) == (0, True)
    assert f"with 9 lines of {log_of(run)}" in out
    assert "not reached: other run folders with their logs of model calls" in out
    assert f"not reached: the rows and numbers in {run}" in out
    left = b"".join(path.read_bytes() for path in run.rglob("*") if path.is_file())
    for secret in (b"m-0/0", b"bring the cup to the desk", b"a kitchen with a cup", b"the cup fell", b"Ada."):
        assert secret not in left, secret
    with MemoryStore.open(store_of(run)) as store:
        assert [each.id for each in store.experiences()] == ["m-1/0"]


def test_the_command_counts_first_and_changes_nothing(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = log_of(run).read_bytes()
    code, out, _ = purge(capsys, store_of(run), "m-0/0", "--json")
    report: dict[str, Any] = json.loads(out)
    assert (code, report["is_dry_run"], report["call_logs"]) == (1, True, {str(log_of(run)): 9})
    assert log_of(run).read_bytes() == before


def test_withdrawn_experiences_are_known_to_the_logs_too(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with MemoryStore.open(store_of(run)) as store:
        store.memory().withdraw(0)
    purge(capsys, store_of(run), "m-0/0", "--yes")
    assert log_of(run).read_text("utf-8") == "".join(OTHERS * 3)


def test_what_remains_is_named(run: Path) -> None:
    info = json.loads((run / "run.json").read_text("utf-8"))
    model = {"name": "recorded", "options": {"path": "answers.jsonl.gz"}}
    info["config"] = {"planner": {"name": "llm", "options": {"llm": model}}}
    (run / "run.json").write_text(json.dumps(info), "utf-8")
    (run / "report.html").write_text("...", "utf-8")
    said = " ".join(purge_call_logs(run, [ADA]).remaining)
    for part in ("answers.jsonl.gz", "report.html, until it is written anew", "llm record"):
        assert part in said


def test_a_log_that_a_run_is_writing_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = log_of(run).read_bytes()
    with folder_lock(store_of(run).parent):
        code, _, error = purge(capsys, store_of(run), "m-0/0", "--yes")
        assert (code, "another process is writing" in error) == (1, True)
        with pytest.raises(ExperimentError):
            purge_call_logs(run, [ADA])
    assert log_of(run).read_bytes() == before
    with MemoryStore.open(store_of(run)) as store:
        assert len(list(store.experiences())) == 2  # nothing was purged


def test_a_store_outside_a_run_has_no_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with MemoryStore.open(tmp_path / "lab") as store:
        store.memory().record(ADA)
    assert run_of(tmp_path / "lab") is None
    code, out, _ = purge(capsys, tmp_path / "lab", "m-0/0", "--json", "--yes")
    assert (code, json.loads(out)["call_logs"]) == (0, {})
