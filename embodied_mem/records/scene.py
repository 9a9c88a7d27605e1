"""`SceneView`: the part of a scene that a planner asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from embodied_mem.records.json_values import JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneView:
    """What the agent knows of its surroundings, in words and as facts.

    Attributes:
        text: Description in words, within the budget that was asked for; empty if nothing is known.
        facts: The same as JSON: objects with their states and places, if the world provides them.
    """

    text: str = ""
    facts: Mapping[str, JsonValue] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text
