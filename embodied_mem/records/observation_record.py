"""`ObservationRecord`: what a trace keeps of an observation."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from embodied_mem.records.json_values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationRecord:
    """What the agent perceived at one moment, without the pixels.

    Attributes:
        text: Description in words. A call keeps its first 10,000 characters, a trace keeps all of it for the
            first and the last moment of the episode.
        facts: The short JSON facts, at most 200 of at most 4,000 characters each; the names of others are
            listed under `left_out`.
        pose: Position and heading in the world's own frame and units; None if it has none.
        position_m: (x, y) or (x, y, z) in metres in the map frame, x forward, z up; None without a metric
            space.
        images: Name of an image -> SHA-256 of its shape and pixels in lower-case hex; at most 16.
    """

    text: str = ""
    facts: JsonObject = field(default_factory=dict)
    pose: tuple[float, ...] | None = None
    position_m: tuple[float, ...] | None = None
    images: Mapping[str, str] = field(default_factory=dict)
