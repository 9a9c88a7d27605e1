"""Folders of runs that earlier releases left: summarised, reported, compared, and gone on with."""

import json

import pytest

from embodied_mem import MemoryStore
from embodied_mem.experiments.compare import compare
from embodied_mem.experiments.outputs import versions
from embodied_mem.experiments.report import write_report
from embodied_mem.experiments.run_command import run
from embodied_mem.experiments.run_folder import read_run
from embodied_mem.experiments.summary import write_summary
from tests.compatibility.conftest import FIXTURES, RELEASES

pytest.importorskip("minigrid")

KILLED_IN = ("lifetimes", "memory", "01")
PLAYED_WITH = ("gymnasium", "minigrid", "numpy")  # other versions may play other episodes


def resume(folder, *overrides):
    """Go on with a run; without overrides in this process, and with a report."""
    run([f"resume={folder}", *(overrides or ("workers=1",))], command="", say=lambda line: None)


def rows_of(folder):
    """The rows of each lifetime as they lie on the disk."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.glob("lifetimes/*/*/episodes.jsonl")
    }


def test_its_summary_is_as_it_was(copied, kept):
    folder = copied("run")
    (folder / "summary.json").unlink()
    write_summary(folder)
    assert (folder / "summary.json").read_bytes() == (kept / "run" / "summary.json").read_bytes()


def test_its_report_shows_every_arm(copied):
    folder = copied("run")
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    page = write_report(folder, read_run(folder), summary).read_text("utf-8")
    assert all(arm in page for arm in summary["arms"])


def test_runs_of_two_releases_are_compared():
    result = compare([FIXTURES / release / "run" for release in RELEASES])
    assert {entry["a"].split("/")[-1] for entry in result["comparisons"]} >= {
        "none",
        "memory",
        "without_kind",
    }
    assert all(entry["is_paired"] and entry["difference"] == 0 for entry in result["comparisons"])


def test_a_finished_run_is_resumed_and_stays_as_it_is(copied, kept):
    folder = copied("run")
    resume(folder, "report=false")
    assert rows_of(folder) == rows_of(kept / "run")
    assert (folder / "summary.json").read_bytes() == (kept / "run" / "summary.json").read_bytes()


def test_an_interrupted_run_ends_as_if_nothing_had_happened(copied, kept):
    folder = copied("interrupted")
    before = rows_of(folder)
    resume(folder)
    after = rows_of(folder)
    assert set(after) == set(rows_of(kept / "run"))
    assert all(after[name].startswith(rows) for name, rows in before.items())
    assert (folder / "report.html").exists()
    check_memory(folder.joinpath(*KILLED_IN))
    played_with = json.loads((folder / "run.json").read_text("utf-8"))["versions"]
    if all(versions().get(name) == played_with[name] for name in PLAYED_WITH):
        assert without_new_measures(folder) == without_new_measures(kept / "run")


def without_new_measures(folder):
    """The summary without what only rows of later releases hold: how memory was used."""
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    for arm in summary["arms"].values():
        arm.pop("memory_use", None)
    return summary


def check_memory(lifetime):
    """It is sound, and holds what its rows say and nothing of the killed episode."""
    last_row = (lifetime / "episodes.jsonl").read_text("utf-8").splitlines()[-1]
    with MemoryStore.open(lifetime / "memory") as store:
        assert store.check().is_clean
        assert store.stats().n_experiences == json.loads(last_row)["memory_size"]


@pytest.mark.slow
@pytest.mark.parametrize("release", ["0.1.0"], indirect=True)  # whose vectors have to be made anew
def test_arms_that_share_an_old_memory_go_on_in_two_processes(copied, kept):
    folder = copied("interrupted")
    resume(folder, "report=false", "workers=2")
    assert set(rows_of(folder)) == set(rows_of(kept / "run"))
