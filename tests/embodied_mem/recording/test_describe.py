"""Words for an environment that nobody described."""

import enum
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from embodied_mem.recording import describe
from embodied_mem.records.json_values import check_text


class Actions(enum.IntEnum):
    left = 0
    pick_up = 3


class Named:
    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)

    @property
    def unwrapped(self) -> "Named":
        return self


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("CartPole-v1", "cart pole"),
        ("MiniGrid-Empty-5x5-v0", "mini grid empty 5x5"),
        ("LunarLanderContinuous-v3", "lunar lander continuous"),
        ("ALE/Pong-v5", "ale pong"),
        ("FrozenLake8x8-v1", "frozen lake 8x8"),
        ("", ""),
    ],
)
def test_an_id_is_said_in_words(identifier: str, expected: str) -> None:
    assert describe.identifier_text(identifier) == expected


def test_the_mission_of_the_observation_is_the_task() -> None:
    assert describe.task_text({"mission": "go to the red ball"}, {"task": "other"}) == "go to the red ball"


def test_a_task_in_info_is_found() -> None:
    assert describe.task_text(np.zeros(2), {"instruction": "open the door"}) == "open the door"


def test_a_goal_that_is_no_text_is_not_the_task() -> None:
    assert describe.task_text({"goal": np.zeros(3)}, {}, environment="FetchReach-v4") == "fetch reach"


def test_an_id_without_words_is_kept_as_it_is() -> None:
    assert describe.task_text(0, {}, environment="猫") == "猫"


@pytest.mark.parametrize(
    ("observation", "expected"),
    [
        (3, "3"),
        (np.int64(3), "3"),
        (np.array([0.123456, -2.0, -0.0]), "[0.1235 -2 0]"),
        (np.array([[1, 0], [0, 1]]), "[[1 0] [0 1]]"),
        (np.zeros((84, 84, 3), np.uint8), "image 84x84x3 uint8"),
        (np.zeros((84, 84), np.uint8), "image 84x84 uint8"),
        (np.zeros(400, np.float32), "array 400 float32"),
        (np.array([np.nan, np.inf]), "[nan inf]"),
        ("You see a door.\nIt is shut.", "You see a door.\nIt is shut."),
        ((1, np.array([0.5])), "(1, [0.5])"),
        ({"b": "text as it is", "a": 1}, "a: 1\nb: text as it is"),
        (object(), "a object"),
    ],
)
def test_an_observation_is_said_in_words(observation: Any, expected: str) -> None:
    assert describe.observation_text(observation) == expected


def test_a_megabyte_of_text_is_cut_and_the_cut_is_named() -> None:
    text = describe.observation_text({"story": "x" * 1_000_000})
    assert len(text) < describe.MAX_STATE_CHARS + 50
    assert text.endswith("… (1,000,007 characters)")


def test_deep_nesting_ends() -> None:
    value: Any = "deep"
    for _ in range(2_000):
        value = [value]
    assert "a list" in describe.observation_text(value)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | hnp.arrays(st.sampled_from([np.uint8, np.float32, np.int64, np.bool_]), hnp.array_shapes(max_dims=3)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(VALUES)
def test_any_observation_becomes_text_a_store_can_keep(value: Any) -> None:
    check_text(describe.observation_text(value), field="state")
    check_text(describe.task_text(value, {"task": value}, environment="X-v0"), field="task")


@given(st.dictionaries(st.text(st.characters(), max_size=5), VALUES, max_size=5))
def test_any_info_becomes_json(info: dict[str, Any]) -> None:
    from embodied_mem.records.json_values import to_json_object

    to_json_object(describe.small_json(info), field="info")


def test_info_that_is_not_kept_is_named() -> None:
    info = {"ok": np.float32(0.5), "picture": np.zeros((50, 50)), "object": object(), "nan": np.nan}
    assert describe.small_json(info) == {"ok": 0.5, "left_out": ["picture", "object", "nan"]}


def test_action_names_come_from_an_enum() -> None:
    assert describe.action_names(Named(actions=Actions)) == {0: "left", 3: "pick_up"}


def test_action_names_come_from_meanings() -> None:
    assert describe.action_names(Named(get_action_meanings=lambda: ["NOOP", "UP FIRE"])) == {
        0: "noop",
        1: "up_fire",
    }


def test_action_names_come_from_a_list() -> None:
    assert describe.action_names(Named(action_names=["noop", "sleep"])) == {0: "noop", 1: "sleep"}


def test_actions_without_names_have_none() -> None:
    assert describe.action_names(Named(actions=[object()])) == {}


def test_names_do_not_fit_actions_that_a_wrapper_changed() -> None:
    inner = Named(action_names=["noop", "sleep"], action_space=2)
    outer = type("Outer", (), {"unwrapped": inner, "action_space": 3})()
    assert describe.action_names(outer) == {}
    outer.action_space = 2
    assert describe.action_names(outer) == {0: "noop", 1: "sleep"}


def test_a_discrete_action_is_a_call_of_its_name() -> None:
    assert str(describe.action_call(np.int64(3), {3: "pick_up"}, count=2)) == "pick_up() x2"
    assert str(describe.action_call(2, {})) == "action_2()"


def test_other_actions_are_calls_of_act() -> None:
    assert describe.action_call("open door", {}).arguments == {"action": "open door"}
    assert describe.action_call(np.array([1, 0]), {}).arguments == {"action": [1, 0]}
    assert describe.action_call(np.array([0.1], np.float32), {}).arguments == {"action": [0.1]}


def test_an_action_json_cannot_carry_becomes_text() -> None:
    assert describe.action_json([float("nan")]) == "[nan]"
