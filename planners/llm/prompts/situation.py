"""`Situation`: the inputs of a prompt, from the moment of a decision or from a recalled experience."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from embodied_mem.records import Experience
from embodied_mem.records.decisions import Context
from embodied_mem.records.json_values import JsonValue, canonical
from embodied_mem.records.situations import what_came_of

TASK, STATE, LAST, SCENE = "task", "state", "last", "scene"


@dataclass(frozen=True, slots=True)
class Situation:
    """What a prompt may say of a moment.

    Attributes:
        texts: Input -> text: `task`, `state` (what is perceived, in words), `last` (what came of the call
            before), `scene` where it was asked for, and each fact of the observation by its name. Empty texts
            stand for nothing.
    """

    texts: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, context: Context, *, with_scene: bool = False) -> "Situation":
        """The situation of a decision; with what is known of the surroundings only if that is asked for."""
        seen = context.observation
        made = cls.from_parts(context.task.text, seen.text, what_came_of(context.last), seen.facts)
        return cls({**made.texts, SCENE: context.scene().text}) if with_scene else made

    @classmethod
    def then(cls, experience: Experience) -> "Situation":
        """The situation that a recalled experience tells of."""
        last = str(experience.metadata.get(LAST) or "")
        state = experience.state.removesuffix(last).rstrip() if last else experience.state
        return cls.from_parts(experience.task.text, state, last, experience.facts)

    @classmethod
    def from_parts(cls, task: str, state: str, last: str, facts: Mapping[str, JsonValue]) -> "Situation":
        """The situation of these parts; a fact does not hide a part of the same name."""
        told = {name: in_words(value) for name, value in facts.items()}
        return cls({**told, TASK: task, STATE: state, LAST: last})

    def because(self, why: str) -> "Situation":
        """The same, with why the last call failed; as it is where that is told already, or not known."""
        last = self.texts.get(LAST, "")
        if not why or why in last:
            return self
        return Situation({**self.texts, LAST: f"{last} {why}".strip()})

    def described(self, state: str) -> "Situation":
        """The same, with what is perceived in other words; as it is without any."""
        return Situation({**self.texts, STATE: state}) if state else self


def in_words(fact: JsonValue) -> str:
    """A fact as a prompt says it: lists with commas, `nothing` for none."""
    if fact is None or fact == []:
        return "nothing"
    if isinstance(fact, list):
        return ", ".join(map(in_words, fact))
    return fact if isinstance(fact, str) else canonical(fact)
