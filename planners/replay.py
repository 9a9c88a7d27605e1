"""Replay: the plans of won episodes, applied to the objects of this one.

For instructions that name no skill, as in a text game: nothing says what to call, but what was called when a
similar task was won in a similar state does. What differs between the two tasks and states ("carrot" there,
"apple" here) is replaced in the calls.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from embodied_mem.planners.grounding import MAX_CHARS, candidates, words
from embodied_mem.planners.lifting import ground_call, lift_call
from embodied_mem.records import Kind, Recalled, SkillCall, Status
from embodied_mem.records.decisions import Act, Context
from embodied_mem.records.filters import Where, where
from embodied_mem.records.json_values import JsonObject, JsonValue
from embodied_mem.records.skills import Parameter, Skill

WON_EPISODES: Where = where(kind=Kind.EPISODE.value, outcome=Status.SUCCESS.value)
MAX_WORDS = 400  # of a task and its state together; comparing two texts takes quadratic time


@dataclass(frozen=True, slots=True)
class Roles:
    """What stands in the same place of two texts: role -> words of the earlier one, and of this one."""

    then: Mapping[str, str]
    now: Mapping[str, str]

    @classmethod
    def between(cls, then: str, now: str) -> "Roles":
        """The parts in which two texts differ while the words around them agree."""
        old, new = words(then)[:MAX_WORDS], words(now)[:MAX_WORDS]
        pairs: dict[str, str] = {}
        for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if tag == "replace":
                pairs.setdefault(" ".join(old[i:j]), " ".join(new[k:m]))
        names = [f"part{at}" for at in range(len(pairs))]
        return cls(
            then=dict(zip(names, pairs.keys(), strict=True)),
            now=dict(zip(names, pairs.values(), strict=True)),
        )

    def applied_to(self, call: SkillCall) -> SkillCall | None:
        """The call with the words of this text; the call itself if it names none of the others."""
        if not any(set(words(str(value))) & self._words for value in call.arguments.values()):
            return call
        return ground_call(lift_call(call, self.then), self.now)

    @property
    def _words(self) -> set[str]:
        return {word for part in self.then.values() for word in part.split()}


class Replay:
    """The plans of recalled episodes, one call after the other, the best plan first.

    A call that cannot be made now is left out: the plan may hold what exploring added to it.

    Args:
        hits: Recalled episodes, best first.
        context: The start of this episode.
    """

    def __init__(self, hits: Sequence[Recalled] = (), context: Context | None = None) -> None:
        ranked = sorted(hits, key=lambda hit: (-hit.score, len(hit.experience.plan)))  # of equals the shorter
        self._shown = tuple(hit.experience.id for hit in hits)
        self._waiting = deque(hit.experience for hit in ranked)
        self._here = _text_of(context.task.text, context.observation.text) if context else ""
        self._source = ""
        self._calls: deque[SkillCall] = deque()
        self._roles = Roles({}, {})
        self._tried: list[str] = []

    def next(self, skills: Sequence[Skill]) -> Act | None:
        """The next call that can be made; None once all plans were carried out."""
        while self._calls or self._begin_next_plan():
            call = self._adapted(self._calls.popleft(), skills)
            if call is not None:
                self._tried += [self._source] if self._source not in self._tried else []
                return Act(
                    plan=(call,),
                    shown=self._shown,
                    acted_on=(self._source,),
                    reason="replays what won a similar task",
                )
        self._source = ""
        return None

    def votes(self, *, was_won: bool) -> dict[str, bool]:
        """Id of an episode that was replayed -> whether this one was won during its replay."""
        return {source: was_won and source == self._source for source in self._tried}

    def _begin_next_plan(self) -> bool:
        while self._waiting and not self._calls:
            episode = self._waiting.popleft()
            self._source, self._calls = episode.id, deque(episode.plan)
            self._roles = Roles.between(_text_of(episode.task.text, episode.state), self._here)
        return bool(self._calls)

    def _adapted(self, call: SkillCall, skills: Sequence[Skill]) -> SkillCall | None:
        """The call applied to this episode, else the call as it was; None if neither can be made now."""
        applied = self._roles.applied_to(call)
        found = _possible(applied, skills) if applied is not None else None
        return found or _possible(call, skills)


def _text_of(task: str, state: str) -> str:
    return f"{task} {state}"[:MAX_CHARS]


def _possible(call: SkillCall, skills: Sequence[Skill]) -> SkillCall | None:
    """The call with arguments that its skill accepts now; None if there are none."""
    skill = next((skill for skill in skills if skill.name == call.name), None)
    if skill is None or {parameter.name for parameter in skill.parameters} != set(call.arguments):
        return None
    arguments: JsonObject = {}
    for parameter in skill.parameters:
        fitting = _fitting(call.arguments[parameter.name], parameter)
        if not fitting:
            return None
        arguments[parameter.name] = fitting[0]
    return SkillCall(call.name, arguments, count=call.count)


def _fitting(value: JsonValue, parameter: Parameter) -> Sequence[JsonValue]:
    if not parameter.choices or value in parameter.choices:
        return (value,)
    return candidates(value, parameter.choices) if isinstance(value, str) else ()
