import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_mem.errors import StoreError
from embodied_mem.index.text import BOUND_ERROR, TextColumn
from embodied_mem.index.text_query import BOUND_UNITS, MAX_BOUNDED_WORDS
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


def column(texts, *, tail_rows=3, segment_rows=7):
    result = TextColumn(default_synonyms(), tail_rows=tail_rows, segment_rows=segment_rows)
    result.extend(texts)
    return result


def similarities(of, text, rows=None, visible=None):
    query = of.ask(text, visible)
    return np.zeros(len(of) if rows is None else len(rows)) if query is None else of.similarities(query, rows)


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
        shown = np.ones(len(texts), np.bool_) if visible is None else visible
        assert similarities(found, query, None, visible)[shown].tolist() == expected[shown].tolist()

    @settings(deadline=None)
    @given(st.lists(TEXTS, min_size=1, max_size=24), TEXTS, SIZES, st.data())
    def test_a_few_rows_have_the_similarities_that_they_have_among_all(self, texts, query, size, data):
        found = column(texts, tail_rows=size, segment_rows=2 * size + 1)
        rows = np.array(sorted(data.draw(st.sets(st.integers(0, len(texts) - 1)))), np.int64)
        assert similarities(found, query, rows).tolist() == similarities(found, query)[rows].tolist()

    @settings(deadline=None)
    @given(st.lists(TEXTS, max_size=24), TEXTS, st.lists(TEXTS, max_size=4))
    def test_what_comes_back_from_its_arrays_answers_the_same_and_grows_on(self, texts, query, more):
        first = column(texts)
        arrays = {name: array.copy() for name, array in first.to_arrays().items()}
        again = TextColumn.from_arrays(arrays, default_synonyms(), tail_rows=3, segment_rows=7)
        for other in (first, again):
            other.extend(more)
        assert similarities(again, query).tolist() == similarities(first, query).tolist()

    @settings(deadline=None)
    @given(st.lists(st.one_of(st.none(), TEXTS), max_size=20), TEXTS)
    def test_rows_without_a_text_are_not_counted(self, texts, query):
        held = [row for row, text in enumerate(texts) if text is not None]
        found = similarities(column(texts), query)
        assert found[held].tolist() == reference([texts[row] for row in held]).similarities(query).tolist()
        assert not np.delete(found, held).any()

    @settings(deadline=None)
    @given(st.lists(TEXTS, max_size=24), st.lists(SIZES, max_size=8), TEXTS)
    def test_it_does_not_matter_in_which_portions_texts_arrive(self, texts, portions, query):
        bit_by_bit, rest = column([]), list(texts)
        for portion in [*portions, len(texts)]:
            bit_by_bit.extend(rest[:portion])
            rest = rest[portion:]
        assert similarities(bit_by_bit, query).tolist() == similarities(column(texts), query).tolist()

    def test_long_texts_and_many_counts_fit(self):
        texts = ["ball " * 70_000, "ball " * 300, *[f"word{i} ball" for i in range(40)]]
        query = "ball word7 " + "ball " * 5
        found = similarities(column(texts, tail_rows=20, segment_rows=40), query)
        assert found.tolist() == reference(texts).similarities(query).tolist()


class TestTheLastBit:
    NOUNS = tuple(f"noun{chr(97 + i)}" for i in range(26))

    def texts(self, n, seed=0):
        rng = np.random.default_rng(seed)
        return [" ".join(rng.choice(self.NOUNS, int(rng.integers(1, 30)))) for _ in range(n)]

    def test_a_text_has_a_similarity_of_1_to_itself(self):
        texts = self.texts(200)
        found, expected = column(texts), reference(texts)
        for row, text in enumerate(texts):
            assert similarities(found, text)[row] == expected.similarities(text)[row] == 1.0

    def test_words_that_only_later_texts_have_change_nothing(self):
        texts = self.texts(100)
        later = [f"{text} later{i}" for i, text in enumerate(self.texts(50, seed=1))]
        early, late = column(texts), column([*texts, *later])
        visible = np.arange(150) < 100
        for query in ("nouna nounb later3 nounc zzz", *texts[:20], *later[:20]):
            then = similarities(late, query, None, visible)[:100]
            assert then.tolist() == similarities(early, query).tolist()


class TestBounds:
    @settings(deadline=None)
    @given(st.lists(TEXTS, min_size=1, max_size=24), TEXTS, SIZES, st.data())
    def test_no_text_is_above_its_bound(self, texts, text, size, data):
        found = column(texts, tail_rows=size, segment_rows=2 * size + 1)
        query = found.ask(text, data.draw(visible_rows(len(texts))))
        if query is not None:
            bounds = found.upper_bounds(query)
            assert (found.similarities(query) <= bounds + BOUND_ERROR).all()
            assert bounds.max() <= 1.0 + len(query.wanted) / BOUND_UNITS + BOUND_ERROR

    def test_of_words_that_occur_once_or_are_asked_for_once_they_are_tight(self):
        rng = np.random.default_rng(0)
        nouns = [f"noun{chr(97 + i)}" for i in range(26)]
        found = TextColumn(NO_SYNONYMS, tail_rows=500, segment_rows=1_000)
        found.extend([" ".join(rng.choice(nouns, 30)) for _ in range(3_000)])
        query = found.ask(" ".join(nouns[:12]))
        assert (
            np.abs(found.upper_bounds(query) - found.similarities(query)).max()
            < 12 / BOUND_UNITS + BOUND_ERROR
        )

    def test_as_many_words_as_fit_into_two_bytes_are_bounded(self):
        found = column([f"word{i}" for i in range(10)])
        assert found.ask(" ".join(f"word{i}" for i in range(10))).has_few_words
        text = " ".join(f"w{i}x" for i in range(MAX_BOUNDED_WORDS + 1))
        found.extend([text] * 4)
        assert not found.ask(text).has_few_words


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
        assert np.flatnonzero(similarities(again, "blue box")).tolist() == list(range(9, 18))


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
        assert not similarities(found, "room99999").any()
