"""Obstacles, the repairs that are tried on them, and the lessons from those that worked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from embodied_mem.planners.lifting import ground_call, is_about, lift_call, lift_text, roles_of
from embodied_mem.records import Experience, Kind, Outcome, Recalled, SkillCall, Status, Task
from embodied_mem.records.decisions import CallRecord


@dataclass(slots=True)
class Repair:
    """A way around an obstacle, in terms of roles.

    Attributes:
        plan: Lifted calls.
        sources: Ids of the recalled experiences it comes from; empty for one found in this episode.
        is_telling: Whether it is about the objects of the obstacle; others are coincidences and not stored.
        uses: How often it was tried on the current obstacle.
        has_failed: Whether one of its calls failed there, so that it is not tried again at once.
    """

    plan: tuple[SkillCall, ...]
    sources: tuple[str, ...] = ()
    is_telling: bool = True
    uses: int = 0
    has_failed: bool = False


@dataclass(slots=True)
class Obstacle:
    """The obstacle that a call failed on.

    Attributes:
        situation: The lifted reason of the failure; memory is queried with it.
        kind: The world's code for it, for metrics.
        roles: Role -> object reference.
        repairs: Repairs to try, best first.
        current: The repair tried last; None before the first.
        n_explored: Number of random calls tried on it.
        n_known: Number of things known when the last repair was chosen.
    """

    situation: str
    kind: str
    roles: Mapping[str, str]
    repairs: list[Repair] = field(default_factory=list)
    current: Repair | None = None
    n_explored: int = 0
    n_known: int = 0

    @classmethod
    def of(cls, record: CallRecord) -> "Obstacle":
        """The obstacle of a failed call."""
        roles = roles_of(record.call, record.result)
        return cls(situation=lift_text(record.result.reason, roles), kind=record.result.obstacle, roles=roles)

    def grounded(self, repair: Repair) -> tuple[SkillCall, ...] | None:
        """The repair applied to the objects at hand; None if one of its roles is missing."""
        calls = [ground_call(call, self.roles) for call in repair.plan]
        return tuple(call for call in calls if call is not None) if None not in calls else None

    def explored_with(self, call: SkillCall) -> None:
        """Note that a random call is tried."""
        self.n_explored += 1
        self.current = Repair(plan=(lift_call(call, self.roles),), is_telling=is_about(call, self.roles))


def distinct_repairs(known: Sequence[tuple[SkillCall, ...]], recalled: Sequence[Recalled]) -> list[Repair]:
    """Repairs to try: those that worked earlier in the episode, then recalled ones; equal plans once."""
    repairs = {plan: Repair(plan=plan) for plan in known}
    for hit in recalled:
        plan = hit.experience.plan
        if plan:
            repair = repairs.setdefault(plan, Repair(plan=plan))
            repair.sources += (hit.experience.id,)
    return list(repairs.values())


@dataclass(slots=True)
class Lessons:
    """Lessons of an episode: which repairs got past which obstacles, and which memories helped."""

    found: dict[tuple[str, tuple[SkillCall, ...]], str] = field(default_factory=dict)
    helped: dict[str, bool | None] = field(default_factory=dict)

    def tried(self, repair: Repair) -> None:
        """Note that a recalled repair is tried; until it helps it counts as not helping."""
        for source in repair.sources:
            self.helped.setdefault(source, False)

    def brought_news(self, repair: Repair) -> None:
        """Note that a recalled repair revealed something new but did not get past the obstacle: no vote."""
        for source in repair.sources:
            if self.helped.get(source) is False:
                self.helped[source] = None

    def worked(self, obstacle: Obstacle) -> None:
        """Note that the repair tried last got past the obstacle."""
        repair = obstacle.current
        if repair is None:
            return
        for source in repair.sources:
            self.helped[source] = True
        # Recalled repairs are never stored again as new, and coincidences crowd out repairs that carry over.
        if not repair.sources and repair.is_telling:
            self.found.setdefault((obstacle.situation, repair.plan), obstacle.kind)

    def votes(self, *, was_won: bool) -> dict[str, bool]:
        """Id of a recalled repair -> whether it helped; one that helped in a lost episode gets no vote."""
        return {key: helped for key, helped in self.helped.items() if helped is False or (was_won and helped)}

    def known(self, situation: str) -> list[tuple[SkillCall, ...]]:
        """Repairs that got past this situation earlier in the episode, newest first."""
        return [plan for known, plan in reversed(self.found) if known == situation]

    def experiences(self, task: Task) -> tuple[Experience, ...]:
        """One experience for each repair found; to be stored only after a won episode."""
        return tuple(
            Experience(
                kind=Kind.REPAIR,
                task=task,
                state=situation,
                plan=plan,
                outcome=Outcome(status=Status.SUCCESS),
                metadata={"obstacle": obstacle},
            )
            for (situation, plan), obstacle in self.found.items()
        )
