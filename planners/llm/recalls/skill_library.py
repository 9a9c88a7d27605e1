"""`SkillLibrary`: won episodes as named skills that a planner can call in one go."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from embodied_mem.errors import InvalidRecord
from embodied_mem.planners.grounding import words
from embodied_mem.planners.llm.notes.note import Note
from embodied_mem.planners.llm.recalls.programs import succeeded
from embodied_mem.records import Experience, Kind, SkillCall, Status
from embodied_mem.records.decisions import Context
from embodied_mem.records.filters import where
from embodied_mem.records.json_values import JsonObject, JsonValue
from embodied_mem.records.legal_calls import MAX_LEGAL_CALLS, calls_of
from embodied_mem.records.queries import Query
from embodied_mem.records.skills import Parameter, Skill

MAX_NAME_WORDS = 6
WON = where(kind=[Kind.EPISODE.value, Kind.SKILL.value], outcome=Status.SUCCESS.value)


@dataclass(frozen=True, slots=True)
class ComposedSkill:
    """A plan that won an episode, under a name, with the things it was applied to as parameters.

    Attributes:
        skill: Its name, what it is for, and its parameters with what can be given now.
        steps: Its calls, with `{parameter}` in place of things.
        source: Id of the experience that it comes from.
    """

    skill: Skill
    steps: tuple[SkillCall, ...]
    source: str

    def expanded(self, arguments: Mapping[str, JsonValue]) -> tuple[SkillCall, ...]:
        """Its calls for these things."""
        given: dict[str, JsonValue] = {f"{{{name}}}": value for name, value in arguments.items()}
        return tuple(_with(step, given) for step in self.steps)


class SkillLibrary:
    """Offers plans of won episodes as skills, those whose tasks are most similar.

    Voyager (arXiv 2305.16291, section 2.2) keeps verified programs under a name and recalls the five whose
    descriptions are most similar. Here a program is the calls of a won episode that succeeded, its
    description is the task, and having won is the verification. It needs no model and writes nothing: the
    library is read from the episodes that memory holds.

    Args:
        k: How many to offer, >= 1.
        max_calls: Longest plan that becomes a skill, >= 2.

    Raises:
        InvalidRecord: A number is out of range.
    """

    def __init__(self, k: int = 5, *, max_calls: int = 12) -> None:
        for name, value, low in (("k", k, 1), ("max_calls", max_calls, 2)):
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                raise InvalidRecord(
                    f"{name} of the skill library is {value!r}; expected an integer of at least {low}"
                )
        self._k, self._max_calls = k, max_calls

    def describe(self) -> JsonObject:
        """Its settings."""
        return {"k": self._k, "max_calls": self._max_calls}

    async def offered(self, context: Context) -> list[ComposedSkill]:
        """The skills for the task at hand, the most similar last; each name once, as its most similar."""
        query = Query(task=context.task, where=WON, k=self._k, distinct=True)
        hits = [hit.experience for hit in await context.arecall(query)]
        plans = await succeeded(hits, context)
        named: dict[str, ComposedSkill] = {}
        for hit in hits:
            plan = plans.get(hit.origin.attempt) or hit.plan
            made = compose(hit, plan, context.skills) if len(plan) <= self._max_calls else None
            if made is not None:
                named.setdefault(made.skill.name, made)
        return list(named.values())[::-1]


def compose(
    experience: Experience, plan: Sequence[SkillCall], skills: Sequence[Skill]
) -> ComposedSkill | None:
    """Make a skill of a plan that won: the things that its calls name become parameters.

    Args:
        experience: What was won; names the skill.
        plan: The calls.
        skills: The skills that can be called now.

    Returns:
        The skill; None if the plan has fewer than two calls or names a skill that cannot be called now, or if
        nothing can be given now in place of one of its things, or more than can be listed.
    """
    known = {skill.name: skill for skill in skills}
    if len(plan) < 2 or any(call.name not in known for call in plan):
        return None
    things = _things(plan)
    parameters = tuple(
        Parameter(name=name, choices=_choices(thing, plan, known)) for thing, name in things.items()
    )
    if not 1 <= math.prod(len(parameter.choices) for parameter in parameters) <= MAX_LEGAL_CALLS:
        return None
    skill = Skill(
        name=_name(experience.task.text, things, taken=known),
        parameters=parameters,
        description=experience.task.text,
    )
    roles: dict[str, JsonValue] = {thing: f"{{{name}}}" for thing, name in things.items()}
    return ComposedSkill(skill, tuple(_with(call, roles) for call in plan), experience.id)


def expand(plan: Sequence[SkillCall], offered: Sequence[ComposedSkill]) -> tuple[SkillCall, ...]:
    """The plan with the steps of composed skills in their places."""
    composed = {each.skill.name: each for each in offered}
    return tuple(
        step
        for call in plan
        for step in (composed[call.name].expanded(call.arguments) if call.name in composed else (call,))
    )


def note_of(offered: Sequence[ComposedSkill]) -> Note:
    """What a prompt tells of composed skills: how each is called, and the task that it won."""
    lines = []
    for each in offered:
        names = ", ".join(parameter.name for parameter in each.skill.parameters)
        lines.append(f"{each.skill.name}({names}): {each.skill.description}")
    return Note("Skills learnt", tuple(lines), tuple(each.source for each in offered))


def refused_too(offered: Sequence[ComposedSkill], refused: Collection[SkillCall]) -> frozenset[SkillCall]:
    """Calls of composed skills that begin with a call that is refused."""
    return frozenset(
        call
        for each in offered
        for call in calls_of(each.skill)
        if each.expanded(call.arguments)[0] in refused
    )


def _things(plan: Sequence[SkillCall]) -> dict[str, str]:
    """Thing -> its name as a parameter, in the order in which the plan names them."""
    things = dict.fromkeys(
        value for call in plan for value in call.arguments.values() if isinstance(value, str)
    )
    return {thing: f"thing_{at}" for at, thing in enumerate(things, start=1)}


def _choices(thing: str, plan: Sequence[SkillCall], known: Mapping[str, Skill]) -> tuple[JsonValue, ...]:
    """What can be given now in place of a thing, in every call that names it."""
    places = [
        parameter.choices
        for call in plan
        for parameter in known[call.name].parameters
        if call.arguments.get(parameter.name) == thing
    ]
    first, *others = places
    return tuple(choice for choice in first if all(choice in other for other in others))


def _name(task: str, things: Mapping[str, str], *, taken: Collection[str]) -> str:
    """A name made of the task's words without those of its things; unlike that of any skill of the world."""
    of_things = {word for thing in things for word in words(thing)}
    kept = [word for word in words(task) if word not in of_things and word.isascii()]
    name = "_".join(kept[:MAX_NAME_WORDS]) or "do_it"
    return f"{name}_in_full" if name in taken else name


def _with(call: SkillCall, values: Mapping[str, JsonValue]) -> SkillCall:
    """The call with some of its arguments replaced."""
    arguments = {
        name: values.get(value, value) if isinstance(value, str) else value
        for name, value in call.arguments.items()
    }
    return replace(call, arguments=arguments)
