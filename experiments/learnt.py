"""What an arm learnt: which repairs it acted on against which obstacles, and whether its memories fitted.

Repairs are told apart by pattern, not by text: `go_to(red key 1)` and `go_to(blue key 2)` are one `go_to(key)`.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from embodied_mem.experiments.rows import DecisionRow, EpisodeRow, RecalledRow

TOP_REPAIRS = 3
MAX_PATTERN_CHARS = 200
_ARGUMENTS = re.compile(r"\(([^()]*)\)")


@dataclass(slots=True)
class _Tally:
    decisions: int = 0
    worked: int = 0
    won: int = 0
    lifetimes: set[int] = field(default_factory=set)


def same_obstacle(episodes: Iterable[EpisodeRow]) -> dict[str, Any]:
    """How often a plan made from memory was made from one that had met the same kind of obstacle.

    Plans that answer to no obstacle (the first plan of an episode) are counted apart: that two empty codes are
    equal says nothing.

    Returns:
        `decisions`: plans made from memory against an obstacle; `same`: those with a memory of the same obstacle;
        `share`: same / decisions or None; `without_obstacle`: plans made from memory that answer to no obstacle.
    """
    against = same = without = 0
    for _, decision, memories in _acted(episodes):
        if not decision.obstacle:
            without += 1
            continue
        against += 1
        same += any(memory.obstacle == decision.obstacle for memory in memories)
    share = same / against if against else None
    return {"decisions": against, "same": same, "share": share, "without_obstacle": without}


def rules(episodes: Iterable[EpisodeRow]) -> list[dict[str, Any]]:
    """For each obstacle the repairs acted on most, those of won episodes first.

    Returns:
        One entry an obstacle, most met first: `obstacle`, `decisions` and `repairs`, each repair with `plan` (as a
        pattern), `decisions`, `worked` (every call of the plan succeeded), `won` (in an episode that succeeded)
        and `lifetimes` (in how many it was used). At most `TOP_REPAIRS` repairs an obstacle.
    """
    tallies: dict[str, dict[str, _Tally]] = defaultdict(lambda: defaultdict(_Tally))
    met: dict[str, int] = defaultdict(int)
    for episode, decision, memories in _acted(episodes):
        if not decision.obstacle:
            continue
        met[decision.obstacle] += 1
        for plan in sorted({repair_pattern(memory.plan or "; ".join(decision.plan)) for memory in memories}):
            tally = tallies[decision.obstacle][plan]
            tally.decisions += 1
            tally.worked += _worked(episode, decision)
            tally.won += episode.success
            tally.lifetimes.add(episode.lifetime)
    return [
        {"obstacle": obstacle, "decisions": met[obstacle], "repairs": _repairs(tallies[obstacle])}
        for obstacle in sorted(tallies, key=lambda name: (-met[name], name))
    ]


def repair_pattern(plan: str) -> str:
    """A plan with each argument reduced to its last word that is no number.

    >>> repair_pattern("pick_up(red key 1), toggle(locked door 2)")
    'pick_up(key), toggle(door)'
    """
    pattern = _ARGUMENTS.sub(lambda match: f"({', '.join(map(_noun, match[1].split(',')))})", plan)
    return pattern if len(pattern) <= MAX_PATTERN_CHARS else pattern[: MAX_PATTERN_CHARS - 1] + "…"


def _noun(argument: str) -> str:
    words = [word for word in argument.split() if not word.isdigit()]
    return words[-1] if words else argument.strip()


def _acted(episodes: Iterable[EpisodeRow]) -> Iterator[tuple[EpisodeRow, DecisionRow, list[RecalledRow]]]:
    for episode in episodes:
        known: dict[str, RecalledRow] = {}  # a plan may be made from what an earlier decision recalled
        for decision in episode.decisions:
            known.update((memory.id, memory) for memory in decision.recalled)
            if decision.acted_on:
                yield episode, decision, [known[id_] for id_ in decision.acted_on if id_ in known]


def _worked(episode: EpisodeRow, decision: DecisionRow) -> bool:
    statuses = [call.status for call in episode.calls if call.decision == decision.index]
    return bool(statuses) and all(
        status == "success" or (status == "ended" and episode.success) for status in statuses
    )


def _repairs(tallies: dict[str, _Tally]) -> list[dict[str, Any]]:
    ordered = sorted(tallies, key=lambda plan: (-tallies[plan].won, -tallies[plan].decisions, plan))
    return [
        {
            "plan": plan,
            "decisions": tallies[plan].decisions,
            "worked": tallies[plan].worked,
            "won": tallies[plan].won,
            "lifetimes": len(tallies[plan].lifetimes),
        }
        for plan in ordered[:TOP_REPAIRS]
    ]
