import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.memory.diversity import Likeness, choose_diverse
from embodied_mem.records import Experience
from embodied_mem.records.spaces import FieldVector, Metric, Space

SPACE = Space(name="net", version="1", dimension=2)


def vector(*values, field="image", space=SPACE):
    return FieldVector(field=field, space=space, values=np.array(values, np.float32))


def by_group(a, b):
    return float(a // 2 == b // 2)  # 0 and 1 are the same, and 2 and 3


class TestChoosing:
    def test_none_gives_the_best(self):
        assert choose_diverse([0.9, 0.8, 0.7, 0.6], 3, 0.0, by_group) == [0, 1, 2]

    def test_some_leaves_out_what_repeats_a_better_one(self):
        assert choose_diverse([0.9, 0.8, 0.7, 0.6], 2, 0.5, by_group) == [0, 2]

    def test_a_repetition_comes_back_where_there_is_room(self):
        assert choose_diverse([0.9, 0.8, 0.7, 0.6], 4, 0.5, by_group) == [0, 2, 1, 3]

    def test_the_best_match_always_comes_back(self):
        assert choose_diverse([0.9, 0.8], 1, 1.0, by_group) == [0]

    def test_nothing_is_chosen_from_nothing(self):
        assert choose_diverse([], 3, 0.5, by_group) == []

    @given(st.lists(st.floats(-1, 1), max_size=12), st.integers(0, 14), st.floats(0, 1))
    def test_as_many_as_asked_and_each_once(self, relevance, k, diversity):
        chosen = choose_diverse(sorted(relevance, reverse=True), k, diversity, by_group)
        assert len(set(chosen)) == len(chosen) == min(k, len(relevance))


class TestLikeness:
    def test_vectors_that_both_have_are_compared(self):
        like = Likeness([Experience(task="a", vectors=(vector(*v),)) for v in [(1, 0), (1, 1), (-1, 0)]])
        assert like(0, 1) == pytest.approx(0.5**0.5)
        assert like(0, 2) == 0

    def test_several_vectors_count_alike(self):
        other = Space(name="other", version="1", dimension=1, metric=Metric.EUCLIDEAN)
        experiences = [
            Experience(task="a", vectors=(vector(1, 0), vector(n, field="pose", space=other))) for n in (0, 1)
        ]
        assert Likeness(experiences)(0, 1) == pytest.approx((1 + 0.5) / 2)

    def test_without_common_vectors_words_are(self):
        like = Likeness([Experience(task="red ball", vectors=(vector(1, 0),)), Experience(task="red box")])
        assert like(0, 1) == pytest.approx(1 / 3)

    def test_two_that_say_nothing_are_the_same(self):
        assert Likeness([Experience(task=""), Experience(task="")])(0, 1) == 1
