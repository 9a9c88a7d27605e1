"""Whether the evidence was in the prompt: an experience of a won episode of the same kind of task."""

import re
from collections.abc import Iterable

from embodied_mem.experiments.rows import EpisodeRow
from embodied_mem.experiments.run_folder import Run

_Call = tuple[str, ...]  # a call in words without the order of its arguments
_Learnt = dict[str, tuple[str, frozenset[_Call]]]  # id of an experience -> task kind and calls of its episode
_SEPARATORS = re.compile(r"[(),;]\s*")


def evidence_in_prompt(run: Run, arm: str) -> float | None:
    """Share of an arm's held-out decisions that were shown an experience which solves such a task.

    It solves the task if a learning episode of the same task kind recorded it, that episode was won, and its
    plan is as that episode played it: what a control swapped in does not count. Whether the model made use of
    it is not asked.

    Returns:
        0 to 1; None if the arm made no decision.
    """
    shown = []
    for life in run.complete(arm, "held_out"):
        learnt = _learnt(run, life.number)
        shown += [_is_shown(decision, learnt) for row in life.held_out for decision in _decisions(row)]
    return sum(shown) / len(shown) if shown else None


def _learnt(run: Run, number: int) -> _Learnt:
    """What the won learning episodes of a lifetime recorded, of all arms: one may read another's memory."""
    found: _Learnt = {}
    for arm in run.arms:
        for life in run.complete(arm, "learn"):
            if life.number == number:
                for row in filter(lambda row: row.success, life.learn):
                    details = row.details()
                    calls = frozenset(_call(each.call) for each in details.calls)
                    found |= dict.fromkeys(details.recorded, (row.kind, calls))
    return found


def _decisions(row: EpisodeRow) -> Iterable[tuple[str, dict[str, str]]]:
    """For each decision the task kind, and id -> plan of what it was shown."""
    for decision in row.details().decisions:
        yield row.kind, {hit.id: hit.plan for hit in decision.recalled if hit.id in decision.shown}


def _is_shown(decision: tuple[str, dict[str, str]], learnt: _Learnt) -> bool:
    kind, shown = decision
    for name, plan in shown.items():
        of_kind, calls = learnt.get(name, ("", frozenset()))
        if of_kind == kind and all(_call(each) in calls for each in plan.split("; ") if each):
            return True
    return False


def _call(text: str) -> _Call:
    """A plan from a store names its arguments in another order than the episode did."""
    skill, *arguments = filter(None, _SEPARATORS.split(text))
    return skill, *sorted(arguments)
