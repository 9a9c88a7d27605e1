"""What is kept of the observations, scenes and images of an episode, within bounds."""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from embodied_mem.contracts import HasSceneText, HasSceneView, World
from embodied_mem.recording import describe
from embodied_mem.records.decisions import DescribeScene, no_scene
from embodied_mem.records.observation_record import ObservationRecord
from embodied_mem.records.scene import SceneView
from embodied_mem.records.skills import Observation

MAX_CALL_TEXT_CHARS = 10_000
MAX_FACT_CHARS = 4_000
MAX_IMAGES = 16
CHARS_PER_TOKEN = 4  # of English text, for budgets of scenes; tokenizers differ


def record_of(observation: Observation, *, max_chars: int | None = None) -> ObservationRecord:
    """Return what a trace keeps of an observation."""
    text = observation.text if max_chars is None else observation.text[:max_chars]
    images = list(observation.images.items())[:MAX_IMAGES]
    return ObservationRecord(
        text=text,
        facts=describe.small_json(observation.facts, entry_chars=MAX_FACT_CHARS),
        pose=observation.pose,
        position_m=observation.position_m,
        images={str(name): _digest(image) for name, image in images},
    )


def scene_of(world: World) -> DescribeScene:
    """Return the function by which a world describes its surroundings to planners."""
    if isinstance(world, HasSceneView):
        return world.view_scene
    if isinstance(world, HasSceneText):
        return _TextScene(world)
    return no_scene


class _TextScene:
    """The scene of a world that has one text for it."""

    def __init__(self, world: HasSceneText) -> None:
        self._world = world

    def __call__(self, budget_tokens: int | None = None, *, about: Sequence[str] = ()) -> SceneView:
        return SceneView(text=shortened(self._world.scene(), budget_tokens, about=about))


def shortened(text: str, budget_tokens: int | None, *, about: Sequence[str] = ()) -> str:
    """Return the lines of a text that fit into a budget, those that name one of `about` before others.

    The lines keep their order; a line that does not fit is cut.
    """
    room = None if budget_tokens is None else budget_tokens * CHARS_PER_TOKEN
    if room is None or len(text) <= room:
        return text
    lines = text.splitlines(keepends=True)
    wanted = sorted(range(len(lines)), key=lambda at: not any(name in lines[at] for name in about))
    kept: dict[int, str] = {}
    for at in wanted:
        kept[at] = lines[at][:room]
        room -= len(kept[at])
        if room <= 0:
            break
    return "".join(kept[at] for at in sorted(kept)).rstrip()


def _digest(image: "npt.NDArray[np.uint8]") -> str:
    array = np.ascontiguousarray(image)
    shape = f"{array.dtype.str}{array.shape}".encode()
    return hashlib.sha256(shape + array.tobytes()).hexdigest()
