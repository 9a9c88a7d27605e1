"""Whether the evidence was in the prompt, and what tokens of memory brought, from episode rows."""

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from embodied_mem.experiments.evidence import evidence_in_prompt
from embodied_mem.experiments.report import write_report
from embodied_mem.experiments.run_folder import read_run
from embodied_mem.experiments.summary import summarise
from embodied_mem.experiments.tables import print_summary
from tests.experiments.synthetic_run import episode_row, write_rows

WON = "put_next_to(red box 1, blue key 1)"


def decision(*shown: tuple[str, str], not_shown: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
    recalled = [{"id": name, "plan": plan} for name, plan in (*shown, *not_shown)]
    return {"recalled": recalled, "shown": [name for name, _ in shown]}


def learnt(**changes: Any) -> dict[str, Any]:
    values = {
        "success": True,
        "kind": "k",
        "recorded": ["won"],
        "calls": [{"call": WON, "status": "success"}],
    }
    return episode_row(arm="memory", phase="learn", **values | changes)


def share(
    folder: Path, *decisions: dict[str, Any], learn: dict[str, Any], arm: str = "memory"
) -> float | None:
    cost = {"tokens_memory": 500.0 * len(decisions)}
    row = episode_row(arm=arm, phase="held_out", kind="k", decisions=list(decisions), cost=cost, success=True)
    return evidence_in_prompt(read_run(write_rows(folder, [learn, row])), arm)


@pytest.mark.parametrize("arm", ["memory", "reader"])
def test_it_is_the_share_of_decisions_that_showed_an_experience_of_a_won_episode(
    tmp_path: Path, arm: str
) -> None:
    shown = decision(("won", WON), ("unknown", "sing()"))
    left_out = decision(("unknown", "sing()"), not_shown=(("won", WON),))
    assert share(tmp_path, shown, left_out, decision(), shown, learn=learnt(), arm=arm) == 0.5


def test_the_order_of_a_stored_calls_arguments_does_not_matter(tmp_path: Path) -> None:
    stored = decision(("won", "put_next_to(blue key 1, red box 1)"))
    assert share(tmp_path, stored, learn=learnt()) == 1.0


@pytest.mark.parametrize("changes", [{"success": False}, {"kind": "other"}, {"recorded": []}])
def test_what_does_not_solve_the_task_is_no_evidence(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert share(tmp_path, decision(("won", WON)), learn=learnt(**changes)) == 0.0


def test_a_plan_that_a_control_swapped_in_is_no_evidence(tmp_path: Path) -> None:
    assert share(tmp_path, decision(("won", "toggle(red box 1)")), learn=learnt()) == 0.0


def test_the_summary_has_it_where_tokens_of_memory_are_counted(tmp_path: Path) -> None:
    share(tmp_path, decision(("won", WON)), learn=learnt())
    arm = summarise(tmp_path)["arms"]["memory"]
    assert (arm["success_per_1000_tokens_of_memory"], arm["evidence_in_prompt"]) == (2.0, 1.0)
    out = io.StringIO()
    print_summary(summarise(tmp_path), Console(file=out, width=80))
    last = out.getvalue().partition("memory in the prompts")[2]
    assert [line.split() for line in last.splitlines() if line.startswith(" memory")] == [
        ["memory", "500", "2", "100"]
    ]
    assert "Evidence in prompt" in write_report(tmp_path).read_text("utf-8")


def test_the_summary_of_other_runs_is_as_it_was(tmp_path: Path) -> None:
    row = episode_row(cost={"tokens_in": 100.0}, decisions=[decision(("won", WON))])
    arm = summarise(write_rows(tmp_path, [learnt(), row]))["arms"]["memory"]
    assert not {"success_per_1000_tokens_of_memory", "evidence_in_prompt"} & set(arm)
