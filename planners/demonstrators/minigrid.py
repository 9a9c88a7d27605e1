"""A teacher for MiniGrid and BabyAI: a rule for each obstacle, so that its decisions are worked examples."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from embodied_mem.planners.grounding import Goal, candidates, ground, words
from embodied_mem.records import SkillCall
from embodied_mem.records.decisions import Act, CallRecord, Context, Decision, Stop, Trigger
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.skills import Parameter, Skill

# Obstacle code -> what gets past it, as instructions: the phrases of the world's skills turn them into calls.
# `{subject}` is the first subject of the failure. `_remedies` adds the rules that take more than a line.
REMEDIES: dict[str, tuple[str, ...]] = {
    "unseen": ("explore",),
    "closed": ("open {subject}",),
    "hands_full": ("drop",),
    "not_held": ("take {subject}",),
    "no_room": ("take {subject}",),
    "gone": (),  # another object that fits is chosen
}


@dataclass(slots=True)
class _Step:
    """A call to complete.

    Attributes:
        goal: The clause that it comes from.
        obstacle: Code of the obstacle that it gets past; empty for a clause of the instruction.
        reason: Why it is made.
        chosen: Parameter -> object, once chosen.
    """

    goal: Goal
    obstacle: str = ""
    reason: str = "a clause of the instruction"
    chosen: dict[str, str] = field(default_factory=dict)


class MiniGridDemonstrator:
    """A teacher that knows every remedy: it plays by a rule for each obstacle, one call at a time.

    It was given what other planners have to learn, and it reads the obstacle codes, which no planner that
    learns may read. So it is never an arm that competes; it makes examples. An agent with
    `record_decisions=True` records its play as experiences of the kind `decision`, each a situation and the
    call that was right there, or the failure that showed an obstacle.

    It draws no random numbers and recalls nothing. It stops where it has no rule, or where the instruction
    names no skill.
    """

    def __init__(self) -> None:
        self._begin([])

    def for_episode(self) -> "MiniGridDemonstrator":
        """Return a demonstrator with the state of one episode."""
        return MiniGridDemonstrator()

    def describe(self) -> JsonObject:
        """Its name; it has no settings."""
        return {"name": "minigrid_demonstrator"}

    def decide(self, context: Context) -> Decision:
        """Return the next call of the instruction, or of the remedy for what the last call failed on."""
        last = context.last
        if context.trigger is Trigger.START:
            self._begin(ground(context.task.text, context.skills))
            if not self._goals:
                return Stop("the instruction names no skill")
        elif last is not None and (last.result.is_success or last.result.obstacle == "empty_handed"):
            self._complete()
        elif last is not None and not self._repair(last, context):
            return Stop(f"no rule for: {last.result.reason or last.result.status}")
        return self._next(context)

    def _begin(self, goals: list[Goal]) -> None:
        self._goals, self._next_goal = goals, 0
        self._steps: list[_Step] = []  # the last one is to be done first
        self._n_moved: Counter[str] = Counter()  # how often each object was taken out of the way
        self._done: set[tuple[str, str]] = set()  # (skill, object) of goals that did not end the episode

    def _complete(self) -> None:
        step = self._steps.pop()
        if not step.obstacle:
            self._done |= {(step.goal.skill, name) for name in step.chosen.values()}
            self._next_goal = (self._next_goal + 1) % len(self._goals)

    # What to do about a failure

    def _repair(self, failed: CallRecord, context: Context) -> bool:
        """Put the remedy for a failure on top of the steps; False without one."""
        step = self._steps[-1]
        if step.obstacle == "unseen":  # the step below says whether to look on
            self._steps.pop()
        if step.obstacle == "blocked" and step.goal.skill == "go_to":  # any other place will do
            self._steps.pop()
            return True
        texts = self._remedies(failed, context)
        goals = _grounded(texts, context.skills, besides=failed.call)
        if goals is None or self._is_under_way(goals):
            goals = _grounded(self._open_a_box(context), context.skills)
        if goals is None:
            return False
        result = failed.result
        self._steps += [_Step(goal, result.obstacle, f"remedy of: {result.reason}") for goal in goals[::-1]]
        return True

    def _remedies(self, failed: CallRecord, context: Context) -> Sequence[str] | None:
        """Instructions, in order, that get past the obstacle; None if there is no rule for it."""
        subject = _subject(failed)
        if failed.result.obstacle == "locked":
            key = f"{words(subject)[0]} key"
            is_held = candidates(key, [context.observation.facts.get("held")])
            return (f"open {subject}",) if is_held else (f"take {key}", f"open {subject}")
        if failed.result.obstacle == "blocked":
            return self._put_away(subject, context)
        texts = REMEDIES.get(failed.result.obstacle)
        return None if texts is None else [text.format(subject=subject) for text in texts]

    def _put_away(self, blocker: str, context: Context) -> Sequence[str]:
        """Take it; it is put down where the hand is needed. If it blocks again, carry it to another place."""
        n_moved = self._n_moved[blocker]
        self._n_moved[blocker] += 1
        places = [name for name in _known(context) if name != blocker]
        if not n_moved or not places:
            return (f"take {blocker}",)
        return (f"take {blocker}", f"go to {places[n_moved % len(places)]}", "drop")

    def _is_under_way(self, goals: Iterable[Goal]) -> bool:
        """Whether one of them is a step already, so that its own obstacle is what it should get past."""
        steps = [(step.goal.skill, step.chosen or step.goal.phrases) for step in self._steps]
        return any((goal.skill, goal.phrases) in steps for goal in goals if goal.phrases)

    def _open_a_box(self, context: Context) -> Sequence[str] | None:
        """Open a box that no goal is about: it may hide a key. None if there is no such box."""
        wanted = [phrase for goal in self._goals for phrase in goal.phrases.values()]
        boxes = candidates("box", _known(context))
        unwanted = [box for box in boxes if not any(candidates(phrase, [box]) for phrase in wanted)]
        if not unwanted:
            return None
        is_held = unwanted[0] == context.observation.facts.get("held")
        return ("drop", f"open {unwanted[0]}") if is_held else (f"open {unwanted[0]}",)

    # What to call next

    def _next(self, context: Context) -> Decision:
        if not self._steps:
            self._steps.append(_Step(self._goals[self._next_goal]))
        call = self._call(self._steps[-1], context)
        if call is None:
            looking = _grounded(REMEDIES["unseen"], context.skills)
            if looking is None:
                return Stop("nothing to look around with: this demonstrator is for MiniGrid and BabyAI")
            sought = " and ".join(self._steps[-1].goal.phrases.values())
            self._steps.append(_Step(looking[0], "unseen", f"looking for {sought}"))
            call = SkillCall(looking[0].skill)
        return Act(plan=(call,), obstacle=self._steps[-1].obstacle, reason=self._steps[-1].reason)

    def _call(self, step: _Step, context: Context) -> SkillCall | None:
        """The call of a step with the objects at hand; None if one of them has not been seen."""
        skill = next((skill for skill in context.skills if skill.name == step.goal.skill), None)
        if skill is None:
            return None
        for parameter in skill.parameters:
            chosen = self._choose(step, parameter)
            if chosen is None:
                return None
            step.chosen[parameter.name] = chosen
        return SkillCall(skill.name, dict(step.chosen))

    def _choose(self, step: _Step, parameter: Parameter) -> str | None:
        """The object chosen before, else the one of that name, else one that fits and is not done yet."""
        phrase = step.goal.phrases[parameter.name]
        if " you" in phrase:  # "on your left" is relative to the start, which the world works out
            return phrase
        for known in (step.chosen.get(parameter.name), phrase):
            if known in parameter.choices:
                return known
        others = [name for key, name in step.chosen.items() if key != parameter.name]
        fitting = [name for name in candidates(phrase, parameter.choices) if name not in others]
        fitting.sort(key=lambda name: ((step.goal.skill, name) in self._done, words(name)[-1] == "door"))
        return fitting[0] if fitting else None


def _grounded(
    texts: Sequence[str] | None, skills: Sequence[Skill], *, besides: SkillCall | None = None
) -> list[Goal] | None:
    """The goals of instructions, without a call that is made again anyway; None if a skill is missing."""
    if texts is None:
        return None
    found = [ground(text, skills) for text in texts]
    if not all(found):
        return None
    goals = [goal for goals in found for goal in goals]
    return [goal for goal in goals if besides is None or SkillCall(goal.skill, dict(goal.phrases)) != besides]


def _subject(failed: CallRecord) -> str:
    """What the failure is about: the first object it names, else the call's first argument, else nothing."""
    return next(map(str, (*failed.result.subjects, *failed.call.arguments.values())), "")


def _known(context: Context) -> list[str]:
    """Every object that a skill can be called with, the held one too, in the order seen."""
    choices = (choice for skill in context.skills for p in skill.parameters for choice in p.choices)
    return list(dict.fromkeys(map(str, choices)))
