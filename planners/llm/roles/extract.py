"""The role `extract`: what an observation says, as triplets (AriGraph, 2407.04363, its semantic memory)."""

from collections.abc import Iterator
from typing import Protocol

from embodied_mem.planners.llm.asking import Reply
from embodied_mem.planners.llm.roles.role import AskedRole
from embodied_mem.planners.llm.situation import in_words
from embodied_mem.planners.llm.template_text import one_line
from embodied_mem.planners.llm.triplets import Triplet, Triplets
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.skills import Observation

AGENT = "agent"  # the subject of a fact that names none


class Extractor(Protocol):
    """Takes facts out of an observation."""

    async def extract(
        self, observation: Observation, *, task: str = "", last: str = "", place: str = ""
    ) -> Reply[tuple[Triplet, ...]]:
        """Return the triplets, each once; maybe none.

        Args:
            observation: What is perceived.
            task: The task, in words.
            last: What came of the last call, in words.
            place: Where it is asked, for the log and recordings.
        """
        ...


class PlainExtractor:
    """Without a model: the observation's facts.

    `held: red key` becomes `agent; held; red key`, and `chest: {in: kitchen}` becomes `chest; in; kitchen`. A
    list gives a triplet for each of its items; what is empty gives none.
    """

    async def extract(
        self, observation: Observation, *, task: str = "", last: str = "", place: str = ""
    ) -> Reply[tuple[Triplet, ...]]:
        """Return the triplets."""
        return Reply(value=triplets_of(observation))


class ModelExtractor(AskedRole):
    """A model's triplets out of text and images; the observation's facts if its answer cannot be read."""

    role = "extract"

    async def extract(
        self, observation: Observation, *, task: str = "", last: str = "", place: str = ""
    ) -> Reply[tuple[Triplet, ...]]:
        """Return the triplets; at most 20."""
        inputs = {"task": task, "state": observation.text, "last": last}
        reply = await self._ask(Triplets(), inputs, place, images=observation.images)
        return reply.otherwise(triplets_of(observation))


def triplets_of(observation: Observation) -> tuple[Triplet, ...]:
    """The facts of an observation as triplets; see `PlainExtractor`."""
    found = []
    for name, value in observation.facts.items():
        if isinstance(value, dict):
            for relation, other in value.items():
                found += [Triplet(_part(name), _part(relation), text) for text in _values(other)]
        else:
            found += [Triplet(AGENT, _part(name), text) for text in _values(value)]
    return tuple(dict.fromkeys(found))


def _values(value: JsonValue) -> Iterator[str]:
    items = value if isinstance(value, list | tuple) else [value]
    yield from (text for item in items if item is not None and (text := _part(in_words(item))))


def _part(text: str) -> str:
    """A part of a triplet: on one line, without the mark between parts."""
    return one_line(text.replace(";", ","))
