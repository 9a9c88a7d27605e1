"""Whether memories fitted the obstacle, and which repairs were learnt."""

import json
from typing import Any

import pytest

from embodied_mem.experiments import learnt
from embodied_mem.experiments.learnt import repair_pattern
from embodied_mem.experiments.rows import EpisodeRow
from tests.experiments.synthetic_run import episode_row


def decision(
    obstacle: str, met: str, *, index: int = 0, acted: bool = True, plan: str = "drop()"
) -> dict[str, Any]:
    memory = {"id": f"m{index}", "score": 1.0, "parts": {"task": 1.0}, "plan": plan, "obstacle": met}
    return {
        "index": index,
        "step": 0,
        "trigger": "failure",
        "plan": [plan],
        "recalled": [memory],
        "acted_on": [memory["id"]] if acted else [],
        "obstacle": obstacle,
    }


def same_obstacle(episodes: list[EpisodeRow]) -> dict[str, Any]:
    return learnt.same_obstacle(learnt.uses(episodes))


def rules(episodes: list[EpisodeRow]) -> list[dict[str, Any]]:
    return learnt.rules(learnt.uses(episodes))


def episode(*decisions: dict[str, Any], **values: Any) -> EpisodeRow:
    return EpisodeRow.parse(json.dumps(episode_row(decisions=list(decisions), **values)).encode())


def test_the_share_counts_plans_made_from_a_memory_of_the_same_obstacle() -> None:
    found = same_obstacle([episode(decision("locked", "locked"), decision("locked", "blocked", index=1))])
    assert found == {"decisions": 2, "same": 1, "share": 0.5, "without_obstacle": 0}


def test_plans_against_no_obstacle_and_memories_not_acted_on_do_not_count() -> None:
    found = same_obstacle([episode(decision("", ""), decision("locked", "locked", index=1, acted=False))])
    assert found == {"decisions": 0, "same": 0, "share": None, "without_obstacle": 1}


def test_a_memory_recalled_by_an_earlier_decision_is_still_known() -> None:
    later = decision("locked", "locked", index=1) | {"recalled": [], "acted_on": ["m0"]}
    assert same_obstacle([episode(decision("unseen", "locked", acted=False), later)])["same"] == 1


def test_repairs_are_counted_by_pattern_and_the_most_used_come_first() -> None:
    def drop(won: bool, lifetime: int) -> EpisodeRow:
        return episode(decision("hands full", "hands full", plan="drop()"), success=won, lifetime=lifetime)

    key = episode(decision("hands full", "hands full", plan="pick_up(red key 1)"), success=True)
    found = rules([drop(True, 0), drop(True, 1), drop(False, 1), key])
    assert [rule["obstacle"] for rule in found] == ["hands full"]
    assert found[0]["decisions"] == 4
    assert found[0]["repairs"][0] == {"plan": "drop()", "decisions": 3, "worked": 0, "won": 2, "lifetimes": 2}
    assert found[0]["repairs"][1]["plan"] == "pick_up(key)"


@pytest.mark.parametrize(
    ("status", "won", "worked"),
    [("success", False, 1), ("ended", True, 1), ("ended", False, 0), ("failure", True, 0)],
)
def test_a_repair_worked_if_every_call_of_its_plan_did(status: str, won: bool, worked: int) -> None:
    calls = [{"call": "drop()", "status": status, "decision": 0}]
    assert rules([episode(decision("x", "x"), calls=calls, success=won)])[0]["repairs"][0]["worked"] == worked


@pytest.mark.parametrize(
    ("plan", "pattern"),
    [
        ("pick_up(red key 1), toggle(locked door 2)", "pick_up(key), toggle(door)"),
        ("put_next_to(red ball 1, blue box 2)", "put_next_to(ball, box)"),
        ("explore()", "explore()"),
        ("wait(3)", "wait(3)"),
        ("", ""),
    ],
)
def test_a_pattern_keeps_skills_and_nouns(plan: str, pattern: str) -> None:
    assert repair_pattern(plan) == pattern
