"""Obstacles, the repairs that are tried on them, and what is kept of those that worked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from embodied_mem.planners.lifting import ground_call, is_about, lift_call, lift_text, roles_of
from embodied_mem.records import Experience, Kind, Outcome, Recalled, SkillCall, Status, Task
from embodied_mem.records.decisions import CallRecord


@dataclass(slots=True)
class Repair:
    """A way around an obstacle, said in roles.

    Attributes:
        plan: Lifted calls.
        sources: Ids of the recalled experiences it comes from; empty for one found in this episode.
        is_telling: Whether it speaks of what the obstacle speaks of; others are coincidences and not kept.
        uses: How often it was tried on the obstacle at hand.
        has_failed: Whether one of its calls failed there, so that trying again at once is vain.
    """

    plan: tuple[SkillCall, ...]
    sources: tuple[str, ...] = ()
    is_telling: bool = True
    uses: int = 0
    has_failed: bool = False


@dataclass(slots=True)
class Obstacle:
    """What a call failed on.

    Attributes:
        situation: The reason of the failure, lifted; what memory is asked with.
        kind: The world's code for it, for measuring.
        roles: Role to object reference.
        repairs: What to try, best first.
        current: The repair that is being tried or was tried last; None before the first.
        n_explored: Random calls tried on it.
        n_known: How many things were known when the last repair was chosen.
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
        """The obstacle that a failed call met."""
        roles = roles_of(record.call, record.result)
        return cls(situation=lift_text(record.result.reason, roles), kind=record.result.obstacle, roles=roles)

    def grounded(self, repair: Repair) -> tuple[SkillCall, ...] | None:
        """The repair said of the objects at hand; None if it speaks of one that is not there."""
        calls = [ground_call(call, self.roles) for call in repair.plan]
        return tuple(call for call in calls if call is not None) if None not in calls else None

    def explored_with(self, call: SkillCall) -> None:
        """A random call is being tried."""
        self.n_explored += 1
        self.current = Repair(plan=(lift_call(call, self.roles),), is_telling=is_about(call, self.roles))


def distinct_repairs(known: Sequence[tuple[SkillCall, ...]], recalled: Sequence[Recalled]) -> list[Repair]:
    """What to try: what worked earlier in the episode, then what was recalled; equal plans are one."""
    repairs = {plan: Repair(plan=plan) for plan in known}
    for hit in recalled:
        plan = hit.experience.plan
        if plan:
            repair = repairs.setdefault(plan, Repair(plan=plan))
            repair.sources += (hit.experience.id,)
    return list(repairs.values())


@dataclass(slots=True)
class Lessons:
    """What an episode taught: which repairs got past which obstacles, and which memories helped."""

    found: dict[tuple[str, tuple[SkillCall, ...]], str] = field(default_factory=dict)
    helped: dict[str, bool | None] = field(default_factory=dict)

    def tried(self, repair: Repair) -> None:
        """A recalled repair is being acted on; until it helps it counts as not helping."""
        for source in repair.sources:
            self.helped.setdefault(source, False)

    def brought_news(self, repair: Repair) -> None:
        """A recalled repair showed something new without getting past the obstacle: no vote either way."""
        for source in repair.sources:
            if self.helped.get(source) is False:
                self.helped[source] = None

    def worked(self, obstacle: Obstacle) -> None:
        """The repair tried last got past the obstacle."""
        repair = obstacle.current
        if repair is None:
            return
        for source in repair.sources:
            self.helped[source] = True
        # What memory returned is never stored again as new, and coincidences crowd out what carries over.
        if not repair.sources and repair.is_telling:
            self.found.setdefault((obstacle.situation, repair.plan), obstacle.kind)

    def votes(self, *, was_won: bool) -> dict[str, bool]:
        """Id of a recalled repair -> whether it helped; progress in a lost episode counts neither way."""
        return {key: helped for key, helped in self.helped.items() if helped is False or (was_won and helped)}

    def known(self, situation: str) -> list[tuple[SkillCall, ...]]:
        """Repairs that got past this situation earlier in the episode, newest first."""
        return [plan for known, plan in reversed(self.found) if known == situation]

    def experiences(self, task: Task) -> tuple[Experience, ...]:
        """One experience for each repair found; to be kept only from an episode that was won."""
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
