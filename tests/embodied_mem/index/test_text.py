import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_mem.errors import StoreError
from embodied_mem.index.text import TextColumn
from embodied_mem.lexical import LexicalIndex
from embodied_mem.synonyms import NO_SYNONYMS, Synonyms, default_synonyms

WORDS = st.sampled_from(
    [
        *("red", "ball", "balls", "box", "door", "opened", "turquoise", "turquois", "yellow", "yelow", "12"),
        *(
            "the",
            "is",
            "to",
            "pick",
            "up",
            "fridge",
            "refrigerator",
            "冰箱",
            "Kühlschrank",
            "kuehlschrank",
            "ключ",
        ),
    ]
)
TEXTS = st.lists(WORDS, max_size=9).map(" ".join)
SIZES = st.integers(1, 5)


def column(texts, *, tail_rows=3, segment_rows=7, **options):
    result = TextColumn(default_synonyms(), tail_rows=tail_rows, segment_rows=segment_rows, **options)
    result.extend(texts)
    return result


def reference(texts):
    result = LexicalIndex(default_synonyms())
    for text in texts:
        result.add(text)
    return result


def visible_rows(n):
    prefix = st.integers(0, n).map(lambda seen: np.arange(n) < seen)
    scattered = st.lists(st.booleans(), min_size=n, max_size=n).map(lambda seen: np.array(seen, np.bool_))
    return st.one_of(st.none(), prefix, scattered)


class TestAgainstTheReference:
    @settings(deadline=None)
    @given(st.lists(TEXTS, max_size=24), TEXTS, SIZES, st.data())
    def test_similarities_are_those_of_the_lexical_index_to_the_last_bit(self, texts, query, size, data):
        found = column(texts, tail_rows=size, segment_rows=2 * size + 1)
        visible = data.draw(visible_rows(len(texts)))
        expected = reference(texts).similarities(query, visible)
        assert found.similarities(query, None, visible).tolist() == expected.tolist()

    @settings(deadline=None)
    @given(st.lists(TEXTS, min_size=1, max_size=24), TEXTS, SIZES, st.data())
    def test_a_few_rows_have_the_similarities_that_they_have_among_all(self, texts, query, size, data):
        found = column(texts, tail_rows=size, segment_rows=2 * size + 1)
        rows = np.array(sorted(data.draw(st.sets(st.integers(0, len(texts) - 1)))), np.int64)
        assert found.similarities(query, rows).tolist() == found.similarities(query)[rows].tolist()

    @settings(deadline=None)
    @given(st.lists(TEXTS, max_size=24), TEXTS, st.integers(0, 6), st.data())
    def test_the_best_are_the_highest_and_of_equals_the_newest(self, texts, query, n, data):
        visible, mask = data.draw(visible_rows(len(texts))), data.draw(visible_rows(len(texts)))
        values = reference(texts).similarities(query, visible)
        values = values if mask is None else np.where(mask, values, 0.0)
        order = np.lexsort((-np.arange(len(texts)), -values))[:n]
        rows, is_exact = column(texts).best(query, n, mask, visible)
        assert is_exact
        assert rows.tolist() == sorted(order[values[order] > 0].tolist())

    @settings(deadline=None)
    @given(st.lists(TEXTS, max_size=24), TEXTS, st.lists(TEXTS, max_size=4))
    def test_what_comes_back_from_its_arrays_answers_the_same_and_grows_on(self, texts, query, more):
        first = column(texts)
        arrays = {name: array.copy() for name, array in first.to_arrays().items()}
        again = TextColumn.from_arrays(arrays, default_synonyms(), tail_rows=3, segment_rows=7)
        for other in (first, again):
            other.extend(more)
        assert again.similarities(query).tolist() == first.similarities(query).tolist()

    @settings(deadline=None)
    @given(st.lists(st.one_of(st.none(), TEXTS), max_size=20), TEXTS)
    def test_rows_without_a_text_are_not_counted(self, texts, query):
        held = [row for row, text in enumerate(texts) if text is not None]
        found = column(texts).similarities(query)
        assert found[held].tolist() == reference([texts[row] for row in held]).similarities(query).tolist()
        assert not np.delete(found, held).any()

    @settings(deadline=None)
    @given(st.lists(TEXTS, max_size=24), st.lists(SIZES, max_size=8), TEXTS)
    def test_it_does_not_matter_in_which_portions_texts_arrive(self, texts, portions, query):
        bit_by_bit, rest = column([]), list(texts)
        for portion in [*portions, len(texts)]:
            bit_by_bit.extend(rest[:portion])
            rest = rest[portion:]
        assert bit_by_bit.similarities(query).tolist() == column(texts).similarities(query).tolist()

    def test_long_texts_and_many_counts_fit(self):
        texts = ["ball " * 70_000, "ball " * 300, *[f"word{i} ball" for i in range(40)]]
        query = "ball word7 " + "ball " * 5
        found = column(texts, tail_rows=20, segment_rows=40).similarities(query)
        assert found.tolist() == reference(texts).similarities(query).tolist()


class TestWhereTheWordsAreEverywhere:
    """With the limit at 1 place every query is answered by the rough measure first."""

    COMMON = (*["red ball blue box"] * 30, "red ball green key", *["red box"] * 30)

    def test_the_right_row_is_found(self):
        rows, is_exact = column(self.COMMON, max_postings=1).best("red ball green key", 1)
        assert rows.tolist() == [30]
        assert not is_exact

    def test_words_that_every_row_has_find_something(self):
        rows, _ = column(self.COMMON, max_postings=1).best("red", 5)
        assert len(rows) == 5

    def test_a_filter_is_exact_all_the_same(self):
        mask = np.arange(len(self.COMMON)) < 10
        rows, is_exact = column(self.COMMON, max_postings=1).best("red box", 20, mask)
        assert is_exact
        assert rows.tolist() == list(range(10))

    def test_a_row_that_does_not_exist_for_the_query_never_comes_back(self):
        texts = self.COMMON * 3
        visible = np.arange(len(texts)) % 7 > 0
        found = column(texts, max_postings=1)
        rows, _ = found.best("red ball green key", 200, None, visible)
        assert visible[rows].all()

    @settings(deadline=None)
    @given(st.lists(TEXTS, min_size=1, max_size=24), TEXTS)
    def test_nothing_is_missed_while_the_pool_holds_every_row(self, texts, query):
        exact, _ = column(texts).best(query, len(texts))
        rough, _ = column(texts, max_postings=0).best(query, len(texts))
        assert rough.tolist() == exact.tolist()


class TestSnapshots:
    def test_other_synonyms_are_refused(self):
        arrays = column(["red ball"]).to_arrays()
        with pytest.raises(StoreError, match="synonyms"):
            TextColumn.from_arrays(arrays, Synonyms([["ball", "sphere"]]))

    def test_its_arrays_are_plain(self):
        arrays = column(["the red ball"] * 20 + [None]).to_arrays()
        assert all(array.dtype.kind in "ui" for array in arrays.values())

    def test_arrays_that_may_not_be_written_to_will_do(self):
        arrays = column(["red ball"] * 9).to_arrays()
        for array in arrays.values():
            array.flags.writeable = False
        again = TextColumn.from_arrays(arrays, default_synonyms(), tail_rows=3, segment_rows=7)
        again.extend(["blue box"] * 9)
        assert len(again.best("blue box", 20)[0]) == 9


class TestSize:
    def test_texts_of_48_words_take_less_than_300_bytes_each(self):
        rng = np.random.default_rng(0)
        nouns = [f"noun{chr(97 + i)}" for i in range(26)]
        texts = [" ".join(rng.choice(nouns, 46)) + f" id{i}" for i in range(6_000)]
        found = TextColumn(NO_SYNONYMS, tail_rows=1_000, segment_rows=5_000)
        found.extend(texts)
        assert found.nbytes / len(found) < 300

    def test_ids_are_not_compared_by_their_spelling(self):
        found = TextColumn(NO_SYNONYMS)
        found.extend([f"room{i} {i} a{i}b" for i in range(2_000)])
        assert found.nbytes == sum(part.nbytes for part in found._parts()) + found._absent.nbytes
        assert not found.similarities("room99999").any()
