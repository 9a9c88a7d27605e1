"""Images in a prompt: pictures of an observation as content blocks, and candidate points drawn on them."""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from embodied_mem.errors import ExperimentError, InvalidRecord
from embodied_mem.optional import require
from embodied_mem.planners.llm.answers.answer_text import one_line
from embodied_mem.store.png import encode_png

MEDIA_TYPE = "image/png"
MAX_POINTS = 99  # what is legible
INK, PAPER = (0, 0, 0), (255, 255, 0)

Images: TypeAlias = Mapping[str, npt.NDArray[np.uint8]]
"""Named pictures, as an observation has them."""

Show: TypeAlias = bool | Callable[[Images], Images]
"""Whether pictures go with a prompt; or a function from them to those that do, such as ones with points."""


@dataclass(frozen=True, slots=True, eq=False)
class PromptImage:
    """A picture that goes with a prompt.

    Attributes:
        name: What it shows, such as the name of the camera.
        pixels: (h, w) grey, (h, w, 3) RGB or (h, w, 4) RGBA, uint8.

    Raises:
        InvalidRecord: The pixels have another shape or type.
    """

    name: str
    pixels: npt.NDArray[np.uint8]

    @property
    def digest(self) -> str:
        """SHA-256 of shape and pixels, which recorded answers are pinned to."""
        return hashlib.sha256(str(self.pixels.shape).encode() + self.pixels.tobytes()).hexdigest()

    @property
    def block(self) -> dict[str, str]:
        """The picture as a content block of LangChain, a PNG in base64."""
        data = base64.b64encode(encode_png(self.pixels)).decode()
        return {"type": "image", "base64": data, "mime_type": MEDIA_TYPE}


def images_of(images: Images, show: Show = True) -> tuple[PromptImage, ...]:
    """The pictures of an observation that go with a prompt, in its order.

    Args:
        images: The named pictures.
        show: Whether they are shown; or what is shown in their place.
    """
    shown = show(images) if callable(show) else images if show else {}
    return tuple(PromptImage(str(name), image) for name, image in shown.items())


def check_takes_images(show: Show, form: str) -> None:
    """Reject images for a model that continues text.

    Raises:
        ExperimentError: Images are to be shown, and the form is not `chat`.
    """
    if show and form != "chat":
        raise ExperimentError(f"images go to a chat model only, and this one is asked as a {form}")


def content_of(text: str, images: Sequence[PromptImage]) -> "str | list[str | dict[str, str]]":
    """What a user says to a chat: the text alone, or each picture under its name and then the text."""
    if not images:
        return text
    blocks: list[str | dict[str, str]] = []
    for image in images:
        blocks += [{"type": "text", "text": f"Image {one_line(image.name)}:"}, image.block]
    return [*blocks, {"type": "text", "text": text}]


def with_points(image: npt.NDArray[np.uint8], points: Sequence[tuple[float, float]]) -> npt.NDArray[np.uint8]:
    """Return a copy of an image with numbered points on it, for a model to choose one by its number.

    So does ExpTeach (section on the image annotation module) with candidates for grasping and placing.

    Args:
        image: (h, w), (h, w, 3) or (h, w, 4) uint8.
        points: (x, y) in pixels from the top left corner, x to the right; the first is number 1. At most 99.

    Returns:
        (h, w, 3) uint8.

    Raises:
        InvalidRecord: A point lies outside of the image, or there are too many.
        MissingExtra: Pillow is not installed.
    """
    draw_on, pillow = require("PIL.ImageDraw", extra="images"), require("PIL.Image", extra="images")
    height, width = image.shape[:2]
    _check_points(points, width, height)
    picture = pillow.fromarray(image).convert("RGB")
    draw = draw_on.Draw(picture)
    radius = max(5, min(width, height) // 40)
    for number, point in enumerate(points, start=1):
        draw.circle(point, radius, fill=PAPER, outline=INK)
        draw.text(point, str(number), fill=INK, anchor="mm", font_size=1.5 * radius)
    return np.asarray(picture, dtype=np.uint8)


def said_of(show: Show) -> str | bool:
    """What the records say of a setting: yes, no, or the name of the function."""
    return getattr(show, "__name__", type(show).__name__) if callable(show) else show


def _check_points(points: Sequence[tuple[float, float]], width: int, height: int) -> None:
    if len(points) > MAX_POINTS:
        raise InvalidRecord(f"there are {len(points)} points; at most {MAX_POINTS} can be told apart")
    for x, y in points:
        if not (0 <= x < width and 0 <= y < height):
            raise InvalidRecord(f"the point ({x:g}, {y:g}) is outside of an image of {width} x {height}")
