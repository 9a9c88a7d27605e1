"""The published numbers: what is committed under experiments/results, and that it can be had again."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "experiments" / "results"
CLAIMS = sorted(  # those of language models have tests of their own
    path.name
    for path in RESULTS.iterdir()
    if path.is_dir() and not path.name.startswith(("llm_", "mechanisms_"))
)


def read(claim: str, name: str) -> dict:
    return json.loads((RESULTS / claim / name).read_text(encoding="utf-8"))


def comparison(summary: dict, a: str, b: str, metric: str) -> dict:
    (found,) = [c for c in summary["comparisons"] if (c["a"], c["b"], c["metric"]) == (a, b, metric)]
    return found


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_says_how_it_was_made(claim):
    run = read(claim, "run.json")
    assert run["seeds"]["range"] == "report"
    assert run["status"] == "finished"
    assert run["command"].startswith("embodied-mem run")
    assert {"python", "numpy", "gymnasium", "minigrid", "embodied_mem"} <= set(run["versions"])
    assert "cpu" in run["machine"]


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize(
    ("against", "metric"), [("none", "success"), ("random", "area"), ("random", "success_at_25")]
)
def test_memory_is_ahead_with_an_interval_above_zero(claim, against, metric):
    found = comparison(read(claim, "summary.json"), "memory", against, metric)
    assert found["lifetimes"] >= 12
    assert found["is_paired"]
    assert found["ci95"][0] > 0


@pytest.mark.parametrize("claim", CLAIMS)
def test_no_episode_recalled_the_very_problem_it_was_solving(claim):
    assert all(arm["leaks"] == 0 for arm in read(claim, "summary.json")["arms"].values())


def test_two_runs_on_different_report_seeds_agree():
    first, second = (read(claim, "summary.json") for claim in ("default_first", "default_second"))
    for against, metric in (("none", "success"), ("random", "area"), ("random", "success_at_25")):
        a, b = (comparison(summary, "memory", against, metric) for summary in (first, second))
        assert a["ci95"][0] <= b["ci95"][1], (against, metric)
        assert b["ci95"][0] <= a["ci95"][1], (against, metric)


@pytest.mark.claim
@pytest.mark.timeout(5_400)
@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_can_be_had_again(claim, tmp_path):
    """Plays the committed command again; its summary is equal where the versions are."""
    run = read(claim, "run.json")
    command = [
        sys.executable,
        "-m",
        "embodied_mem",
        *shlex.split(run["command"])[1:],
        f"out={tmp_path / 'again'}",
    ]
    subprocess.run(command, check=True, cwd=tmp_path)
    again = json.loads((tmp_path / "again" / "summary.json").read_text(encoding="utf-8"))
    versions = json.loads((tmp_path / "again" / "run.json").read_text(encoding="utf-8"))["versions"]
    same = {
        name: versions.get(name) == version
        for name, version in run["versions"].items()
        if name != "git commit"
    }
    if all(same.values()):
        assert again == read(claim, "summary.json")
    for against, metric in (("none", "success"), ("random", "area"), ("random", "success_at_25")):
        assert comparison(again, "memory", against, metric)["ci95"][0] > 0
