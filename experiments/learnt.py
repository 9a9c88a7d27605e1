"""Count which remembered repairs an arm used against which obstacles, and whether the memories matched.

Repairs are counted by pattern, not by text: `go_to(red key 1)` and `go_to(blue key 2)` are both `go_to(key)`.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from embodied_mem.experiments.rows import CallRow, EpisodeRow, RecalledRow

TOP_REPAIRS = 3
MAX_PATTERN_CHARS = 200
_ARGUMENTS = re.compile(r"\(([^()]*)\)")


@dataclass(frozen=True, slots=True)
class Use:
    """One plan made from memory.

    Attributes:
        lifetime: Number of its lifetime.
        obstacle: The obstacle it responds to; empty for the first plan of an episode.
        is_same: Whether one of its memories is about the same obstacle.
        repairs: Patterns of the remembered plans.
        is_working: Whether every call it led to succeeded.
        is_won: Whether its episode was won.
    """

    lifetime: int
    obstacle: str
    is_same: bool
    repairs: tuple[str, ...]
    is_working: bool
    is_won: bool


def uses(episodes: Iterable[EpisodeRow]) -> Iterator[Use]:
    """Yield every plan made from memory."""
    for episode in episodes:
        details = episode.details()
        working = _working(details.calls, is_won=episode.success)
        known: dict[str, RecalledRow] = {}  # a plan may use a memory recalled at an earlier decision
        for decision in details.decisions:
            known.update((memory.id, memory) for memory in decision.recalled)
            if not decision.acted_on:
                continue
            memories = [known[id_] for id_ in decision.acted_on if id_ in known]
            plans = {repair_pattern(memory.plan or "; ".join(decision.plan)) for memory in memories}
            yield Use(
                lifetime=episode.lifetime,
                obstacle=decision.obstacle,
                is_same=any(memory.obstacle == decision.obstacle for memory in memories),
                repairs=tuple(sorted(plans)),
                is_working=working.get(decision.index, False),
                is_won=episode.success,
            )


def same_obstacle(found: Iterable[Use]) -> dict[str, Any]:
    """Count how often a plan against an obstacle was made from a memory of the same kind of obstacle.

    Plans without an obstacle are counted separately: two empty codes are no match.

    Returns:
        `decisions`: plans made from memory against an obstacle; `same`: those with a memory of the same
        obstacle; `share`: same / decisions or None; `without_obstacle`: plans without an obstacle.
    """
    against = same = without = 0
    for use in found:
        without += not use.obstacle
        against += bool(use.obstacle)
        same += bool(use.obstacle) and use.is_same
    share = same / against if against else None
    return {"decisions": against, "same": same, "share": share, "without_obstacle": without}


def rules(found: Iterable[Use]) -> list[dict[str, Any]]:
    """Return the most used repairs of each obstacle, with how often they worked.

    Returns:
        One entry per obstacle, most frequent first: `obstacle`, `decisions` and `repairs`, each repair with
        `plan` (as a pattern), `decisions`, `worked` (every call of the plan succeeded), `won` (in an episode
        that succeeded) and `lifetimes` (in how many it was used). At most `TOP_REPAIRS` repairs per obstacle.
    """
    tallies: dict[str, dict[str, _Tally]] = defaultdict(lambda: defaultdict(_Tally))
    met: dict[str, int] = defaultdict(int)
    for use in found:
        if not use.obstacle:
            continue
        met[use.obstacle] += 1
        for plan in use.repairs:
            tallies[use.obstacle][plan].add(use)
    return [
        {"obstacle": obstacle, "decisions": met[obstacle], "repairs": _repairs(tallies[obstacle])}
        for obstacle in sorted(tallies, key=lambda name: (-met[name], name))
    ]


def repair_pattern(plan: str) -> str:
    """Return a plan with each argument reduced to its last word that is not a number.

    >>> repair_pattern("pick_up(red key 1), toggle(locked door 2)")
    'pick_up(key), toggle(door)'
    """
    pattern = _ARGUMENTS.sub(lambda match: f"({', '.join(map(_noun, match[1].split(',')))})", plan)
    return pattern if len(pattern) <= MAX_PATTERN_CHARS else pattern[: MAX_PATTERN_CHARS - 1] + "…"


@dataclass(slots=True)
class _Tally:
    decisions: int = 0
    worked: int = 0
    won: int = 0
    lifetimes: set[int] = field(default_factory=set)

    def add(self, use: Use) -> None:
        self.decisions += 1
        self.worked += use.is_working
        self.won += use.is_won
        self.lifetimes.add(use.lifetime)


def _noun(argument: str) -> str:
    words = [word for word in argument.split() if not word.isdigit()]
    return words[-1] if words else argument.strip()


def _working(calls: Sequence[CallRow], *, is_won: bool) -> dict[int, bool]:
    """Index of a decision -> whether every call it led to succeeded, or won the episode."""
    found: dict[int, bool] = {}
    for call in calls:
        succeeded = call.status == "success" or (call.status == "ended" and is_won)
        found[call.decision] = found.get(call.decision, True) and succeeded
    return found


def _repairs(tallies: dict[str, _Tally]) -> list[dict[str, Any]]:
    ordered = sorted(tallies, key=lambda plan: (-tallies[plan].decisions, -tallies[plan].won, plan))
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
