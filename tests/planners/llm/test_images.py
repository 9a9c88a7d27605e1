"""Images in prompts: every pixel arrives at a real HTTP server, and recordings are pinned to them."""

import base64
import io
from dataclasses import replace

import model_server as stand_in
import numpy as np
import pytest

from embodied_mem.agent.answers import run_awaitable
from embodied_mem.errors import ExperimentError, InvalidRecord
from embodied_mem.planners.llm.answers.answer_forms import FreeText
from embodied_mem.planners.llm.models.call_log import digests_of, model_call
from embodied_mem.planners.llm.models.images import PromptImage, content_of, images_of, with_points
from embodied_mem.planners.llm.models.language_model import Request
from embodied_mem.planners.llm.models.prompt import Prompt
from embodied_mem.planners.llm.models.scripted import ScriptedModel
from embodied_mem.planners.llm.models.served import ChatModel
from embodied_mem.planners.llm.roles.describe import ModelDescriber
from embodied_mem.planners.llm.roles.make_role import make_role

pillow = pytest.importorskip("PIL.Image")

RGB = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
GREY = np.arange(12, dtype=np.uint8).reshape(3, 4)


def request(images=()):
    prompt = Prompt("What is there?", "Be brief.")
    return Request(role="r", template="r/t@1", prompt=prompt, choices=FreeText(), images=tuple(images))


def pixels_of(content):
    """The pictures of a message as it arrived, decoded by Pillow, which did not encode them."""
    urls = [block["image_url"]["url"] for block in content if block["type"] == "image_url"]
    assert all(url.startswith("data:image/png;base64,") for url in urls)
    return [np.asarray(pillow.open(io.BytesIO(base64.b64decode(url.split(",", 1)[1])))) for url in urls]


@pytest.mark.parametrize("method", ["json_schema", "grammar", "text"])
def test_every_pixel_arrives_at_the_server_under_its_name(method):
    pytest.importorskip("langchain_openai")
    with stand_in.StandInServer('{"text": "a door"}' if method == "json_schema" else "a door") as server:
        model = ChatModel("openai:tiny", base_url=server.url, method=method, max_retries=0)
        answer = run_awaitable(model.answer(request(images_of({"front": RGB, "left\ncamera": GREY}))))
    assert FreeText().read(answer.text) == "a door"
    system, user = server.bodies[0]["messages"]
    assert system == {"role": "system", "content": "Be brief."}
    for sent, arrived in zip([RGB, GREY], pixels_of(user["content"]), strict=True):
        np.testing.assert_array_equal(sent, arrived)
    texts = [block["text"] for block in user["content"] if block["type"] == "text"]
    assert texts == ["Image front:", "Image left camera:", "What is there?"]


def test_without_images_a_message_is_text():
    assert content_of("hello", ()) == "hello"


def test_a_recording_is_pinned_to_the_pixels_and_without_images_to_nothing_new():
    plain, with_image = request(), request(images_of({"front": RGB}))
    assert "images" not in digests_of(plain, {})
    changed = RGB.copy()
    changed[0, 0, 0] ^= 1
    keys = {model_call(each, {}).key for each in (plain, with_image, request(images_of({"front": changed})))}
    assert len(keys) == 3
    assert model_call(replace(with_image, place="elsewhere"), {}).key in keys
    assert PromptImage("a", RGB).digest != PromptImage("a", RGB.reshape(7, 5, 3)).digest


@pytest.mark.parametrize("role", ["describe", "judge", "extract"])
def test_a_model_that_continues_text_takes_no_images(role):
    with pytest.raises(ExperimentError, match="images go to a chat model only"):
        make_role(role, "model", ScriptedModel([]), images=True)
    assert ModelDescriber(ScriptedModel([], form="chat"), images=True).images


# Points


def test_points_are_drawn_where_they_are_and_nowhere_else():
    image = np.zeros((100, 120, 3), np.uint8)
    marked = with_points(image, [(20, 30), (90, 70)])
    assert marked.shape == image.shape
    assert not image.any()  # a copy
    changed = np.argwhere(marked.any(axis=2))[:, ::-1]
    distances = np.linalg.norm(changed[:, None] - np.array([(20, 30), (90, 70)]), axis=2)
    assert distances.min(axis=1).max() <= 6
    assert (distances.min(axis=0) <= 1).all()


def test_points_carry_their_numbers():
    image = np.zeros((200, 200, 3), np.uint8)
    here = [(100.0, 100.0)]
    one = with_points(image, here)
    two = with_points(with_points(image, [(20, 20), *here]), [])
    around = np.s_[90:111, 90:111]
    assert (one[around] != two[around]).any()  # `1` and `2` at the same point
    np.testing.assert_array_equal(one, with_points(image, here))


def test_grey_images_can_be_marked():
    assert with_points(np.zeros((40, 40), np.uint8), [(20, 20)]).shape == (40, 40, 3)


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([(40, 0)], r"the point \(40, 0\) is outside of an image of 40 x 30"),
        ([(0, -1)], r"outside of an image of 40 x 30"),
        ([(1, 1)] * 100, "there are 100 points; at most 99"),
    ],
)
def test_points_that_cannot_be_drawn_are_refused(points, said):
    with pytest.raises(InvalidRecord, match=said):
        with_points(np.zeros((30, 40, 3), np.uint8), points)
