"""The keys of an observation: how many, how large, and under which names."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from embodied_mem.records.observation_keys import MAX_DIGEST, MAX_PARTS, block_means, observation_keys
from embodied_mem.records.queries import observation_vector


@pytest.mark.parametrize(
    ("observation", "fields"),
    [
        (np.zeros((2, 3)), ["observation/2x3"]),
        (np.array(3.0), ["observation/scalar"]),
        (0.5, ["observation/scalar"]),
        (3, ["observation/integer"]),
        (True, ["observation/integer"]),
        ([1, 2], ["observation/2"]),
        ((1.0, 2.0), ["observation/2"]),
        ((1, 2), ["observation/0/integer", "observation/1/integer"]),
        (np.zeros((64, 64)), ["observation/64x64"]),
        (np.zeros((84, 84, 3), np.uint8), ["observation/84x84x3~"]),
        ({"b": np.zeros(4), "a": [{"c": 1}]}, ["observation/a/0/c/integer", "observation/b/4"]),
        ({"a/3": np.zeros(3), "a": {"3": np.zeros(3)}}, ["observation/a/3/3"]),
        ({"x": np.zeros(600), "y": "text", "z": None}, ["observation/x/600~"]),
        ({1: 1, "\ud800" * 200: 2}, ["observation/1/integer", f"observation/{chr(0xFFFD) * 100}/integer"]),
    ],
)  # fmt: skip
def test_fields_are_named_by_path_and_shape(observation: Any, fields: list[str]) -> None:
    assert [vector.field for vector in observation_keys(observation).vectors] == fields


def test_a_plain_array_has_the_vector_it_always_had() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    (vector,) = observation_keys(array).vectors
    assert vector == observation_vector(array)
    assert (vector.space.name, vector.space.version, vector.space.config_hash) == (
        "flattened-observation",
        "1",
        "2x3",
    )


@given(hnp.arrays(st.sampled_from([np.uint8, np.float32, bool]), hnp.array_shapes(max_dims=4, max_side=40)))
def test_a_digest_is_small_and_keeps_the_mean_of_halves(array: Any) -> None:
    array = np.nan_to_num(array, posinf=0, neginf=0).clip(-1e6, 1e6)
    means = block_means(array)
    assert means.size <= MAX_DIGEST or means.size == 1
    assert array.min() - 1e-3 <= means.min() <= means.max() <= array.max() + 1e-3
    if array.size <= MAX_DIGEST:
        assert np.array_equal(means, array)


@pytest.mark.parametrize(
    ("shape", "reduced"),
    [
        ((84, 84, 3), (11, 11, 3)),
        ((210, 160, 3), (14, 10, 3)),
        ((4, 84, 84), (4, 11, 11)),
        ((10_000,), (313,)),
    ],
)
def test_the_longest_axis_is_halved_first(shape: tuple[int, ...], reduced: tuple[int, ...]) -> None:
    assert block_means(np.zeros(shape)).shape == reduced


def test_each_number_of_a_digest_is_the_mean_of_its_block() -> None:
    array = np.arange(1024.0)
    assert block_means(array).tolist() == (array.reshape(512, 2).mean(axis=1)).tolist()


def test_the_number_of_parts_is_bounded() -> None:
    assert len(observation_keys({str(n): n for n in range(1_000)}).vectors) == MAX_PARTS


@given(st.integers(), st.integers())
def test_only_equal_integers_are_alike(one: int, other: int) -> None:
    (first,), (second,) = observation_keys(one).vectors, observation_keys(other).vectors
    assert (first == second) is (one % 2**64 == other % 2**64)
