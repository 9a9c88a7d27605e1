"""The numbers of `LexicalIndex` are those of its formula, however the texts arrived and are packed."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_mem.text.lexical import LexicalIndex, made_by, meaning
from embodied_mem.text.similar_words import trigrams
from embodied_mem.text.synonyms import NO_SYNONYMS, Synonyms, default_synonyms
from embodied_mem.text.words import words

SAID = """red ball balls box door opened turquoise turquois yellow yelow 12 the is to pick picks up put down
fridge refrigerator living room 冰箱 Kühlschrank kuehlschrank ключ"""
WORDS = st.sampled_from(SAID.split())
TEXTS = st.lists(WORDS, max_size=9).map(" ".join)
MANY = st.lists(TEXTS, max_size=24)
SIZES = st.integers(1, 9)


# What version 0.1.0 gave.
GOLDEN_TEXTS = (
    "go to the red ball",
    "pick up the red ball and put it down near the blue box",
    "open the turquoise door with the key, then close the turquoise door again",
    "the refrigerator was closed; the mug is inside the refrigerator next to the milk, the apple and "
    "another mug",
    "",
    "room 1234 id7",
    "unlock the yellow door",
    "把牛奶从冰箱里拿出来",
    "ball ball ball",
)
GOLDEN = {
    "go to the red ball": [
        1,
        0.5136187042353316,
        0.05416661128717952,
        0.05416661128717952,
        0,
        0,
        0.05416661128717952,
        0,
        0.24310234291543728,
    ],
    "ball ball red zorp": [0.60593211667259, 0.5136006314597771, 0, 0, 0, 0, 0, 0, 0.3096247654715364],
    "unlok the turquois door in the yelow room 1234": [
        0.01855051346281105,
        0.024707322466525922,
        0.3564216919903722,
        0.025506956011365194,
        0,
        0.38028249855801277,
        0.24257959208427096,
        0,
        0,
    ],
    "put the cup in the fridge": [
        0.02943247570180259,
        0.3084905525587455,
        0.04046965408997857,
        0.6438306026194007,
        0,
        0,
        0.02943247570180259,
        0,
        0,
    ],
    "冰箱 牛奶": [0, 0, 0, 0, 0, 0, 0, 0.8024898011101848, 0],
}


def index(texts, block_rows=7):
    result = LexicalIndex(default_synonyms(), block_rows=block_rows)
    result.extend(texts)
    return result


def terms_of(text):
    return Counter(default_synonyms().apply(words(text)))


def likeness(one, other):
    """Dice's coefficient of the letter triples."""
    left, right = trigrams(one), trigrams(other)
    return 2 * len(left & right) / (len(left) + len(right)) if left and right else 0.0


def share(count, own, length, query_length, alike=1.0):
    damping = 1.2 * (1 + 0.3 * math.log(max(length / query_length, 1)))
    return alike * min(count / (count + damping) * (own + 1.2) / own, 1)


def similarity(query, document, documents):
    """The formula as it is described in `embodied_mem.text.lexical`, for one document."""
    asked, own, all_terms = terms_of(query), terms_of(document), list(map(terms_of, documents))
    known = set().union(*all_terms)
    covered = total = 0.0
    for term, count in asked.items():
        n_documents = sum(term in terms for terms in all_terms)
        if n_documents:
            weight, alike = math.log(1 + len(documents) / n_documents), [(1.0, term)]
        else:
            weight = math.log(1 + math.sqrt(len(documents)))
            alike = sorted((-likeness(term, other), other) for other in known if likeness(term, other) >= 0.6)
            alike = [(-negative, other) for negative, other in alike[:3]]
        weight *= meaning(term)
        shares = [share(own[other], count, own.total(), asked.total(), like) for like, other in alike]
        covered, total = covered + weight * max(shares, default=0.0), total + weight
    return covered / total if total else 0.0


def visible_rows(n):
    first_ones = st.integers(0, n).map(lambda seen: np.arange(n) < seen)
    scattered = st.lists(st.booleans(), min_size=n, max_size=n).map(lambda seen: np.array(seen, np.bool_))
    return st.one_of(st.none(), first_ones, scattered)


class TestAgainstTheFormula:
    @settings(deadline=None, max_examples=300)
    @given(MANY, TEXTS, SIZES, st.data())
    def test_each_document_has_the_similarity_of_the_formula(self, texts, query, size, data):
        visible = data.draw(visible_rows(len(texts)))
        shown = np.ones(len(texts), np.bool_) if visible is None else visible
        documents = [text for text, is_shown in zip(texts, shown, strict=True) if is_shown]
        found = index(texts, size).similarities(query, visible)
        expected = [similarity(query, document, documents) for document in documents]
        np.testing.assert_allclose(found[shown], expected, rtol=0, atol=1e-12)
        assert not found[~shown].any()

    @settings(deadline=None)
    @given(st.lists(st.one_of(st.none(), TEXTS), max_size=20), TEXTS, SIZES, st.data())
    def test_rows_without_a_text_are_no_documents(self, texts, query, size, data):
        visible = data.draw(visible_rows(len(texts)))
        held = [row for row, text in enumerate(texts) if text is not None]
        found = index(texts, size).similarities(query, visible)
        alone = index([texts[row] for row in held])
        expected = alone.similarities(query, None if visible is None else visible[held])
        assert found[held].tolist() == expected.tolist()
        assert not np.delete(found, held).any()

    @pytest.mark.parametrize("block_rows", [2, 100])
    @pytest.mark.parametrize("query", GOLDEN)
    def test_the_numbers_stay_what_they_are(self, query, block_rows):
        found = index(GOLDEN_TEXTS, block_rows).similarities(query)
        # Two units in the last place, as the logarithms of processors differ.
        np.testing.assert_array_max_ulp(found, np.array(GOLDEN[query], np.float64), maxulp=2)


class TestToTheLastBit:
    NOUNS = tuple(f"noun{chr(97 + i)}" for i in range(26))

    def texts(self, n, seed=0):
        rng = np.random.default_rng(seed)
        return [" ".join(rng.choice(self.NOUNS, int(rng.integers(1, 30)))) for _ in range(n)]

    @settings(deadline=None)
    @given(MANY, TEXTS, SIZES, st.data())
    def test_it_does_not_matter_how_many_are_packed_together(self, texts, query, size, data):
        visible = data.draw(visible_rows(len(texts)))
        packed, loose = index(texts, size), index(texts, 1_000)
        assert packed.similarities(query, visible).tolist() == loose.similarities(query, visible).tolist()

    @settings(deadline=None)
    @given(MANY, TEXTS, SIZES, st.data())
    def test_a_few_rows_have_the_similarities_that_they_have_among_all(self, texts, query, size, data):
        found, visible = index(texts, size), data.draw(visible_rows(len(texts)))
        rows = np.array(
            sorted(data.draw(st.sets(st.sampled_from(range(len(texts))))) if texts else []), np.int64
        )
        expected = found.similarities(query, visible)[rows]
        assert found.similarities(query, visible, rows).tolist() == expected.tolist()

    @settings(deadline=None)
    @given(MANY, st.lists(SIZES, max_size=8), TEXTS)
    def test_it_does_not_matter_in_which_portions_texts_arrive(self, texts, portions, query):
        bit_by_bit, rest = index([]), list(texts)
        for portion in [*portions, len(texts)]:
            bit_by_bit.extend(rest[:portion])
            rest = rest[portion:]
        assert bit_by_bit.similarities(query).tolist() == index(texts).similarities(query).tolist()

    def test_in_large_blocks_common_words_and_rare_ones_add_up_in_the_order_of_the_query(self):
        rng = np.random.default_rng(0)
        kinds = [f"kind{chr(97 + i)}{chr(97 + j)}" for i in range(20) for j in range(20)]
        texts = [
            f"{text} {rng.choice(kinds)} {rng.choice(kinds)} id{n}"
            for n, text in enumerate(self.texts(6_000))
        ]
        packed, loose = index(texts, 2_500), index(texts, 10_000)
        rows = np.flatnonzero(rng.random(6_000) < 0.1)
        for query in (texts[17], "nouna kindab nounb kindcd nounz id3 zorp kindaa", "nounx kindax nouny"):
            found = packed.similarities(query)
            assert found.tolist() == loose.similarities(query).tolist()
            assert packed.similarities(query, None, rows).tolist() == found[rows].tolist()

    def test_a_text_has_a_similarity_of_1_to_itself(self):
        texts = self.texts(200)
        found = index(texts)
        assert [found.similarities(text)[row] for row, text in enumerate(texts)] == [1.0] * 200

    def test_words_that_only_later_texts_have_change_nothing(self):
        texts = self.texts(100)
        later = [f"{text} later{i}" for i, text in enumerate(self.texts(50, seed=1))]
        early, late = index(texts), index([*texts, *later])
        visible = np.arange(150) < 100
        for query in ("nouna nounb later3 nounc zzz", *texts[:20], *later[:20]):
            then = late.similarities(query, visible)[:100]
            assert then.tolist() == early.similarities(query).tolist()

    def test_long_texts_and_high_counts_fit(self):
        texts = ["ball " * 70_000, "ball " * 300, *[f"word{i} ball" for i in range(40)]]
        for query in ("ball word7 " + "ball " * 5, texts[0]):
            expected = [similarity(query, text, texts) for text in texts]
            for block_rows in (20, 1_000):
                found = index(texts, block_rows).similarities(query)
                np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)

    def test_a_word_is_counted_65535_times_at_most(self):
        text = "㌔" * 65_536  # one character that stands for two, each pair of which is a word
        for block_rows in (1, 2):
            assert index([text], block_rows).similarities(text).tolist() == [1.0]


class TestSnapshots:
    @settings(deadline=None)
    @given(st.lists(st.one_of(st.none(), TEXTS), max_size=24), TEXTS, st.lists(TEXTS, max_size=4))
    def test_what_comes_back_from_its_arrays_answers_the_same_and_grows_on(self, texts, query, more):
        first = index(texts)
        arrays = {name: array.copy() for name, array in first.to_arrays().items()}
        for array in arrays.values():
            array.flags.writeable = False
        again = LexicalIndex.from_arrays(arrays, default_synonyms())
        for _ in range(2):
            assert len(again) == len(first)
            assert again.similarities(query).tolist() == first.similarities(query).tolist()
            for other in (first, again):
                other.extend(more)

    def test_its_arrays_are_plain_numbers(self):
        arrays = index(["the red ball"] * 20 + [None]).to_arrays()
        assert all(array.dtype.kind in "ui" for array in arrays.values())

    def test_what_it_was_made_by_tells_synonyms_apart(self):
        assert made_by(NO_SYNONYMS) == made_by(Synonyms()) != made_by(Synonyms([["ball", "sphere"]]))


class TestSize:
    @pytest.mark.parametrize("block_rows", [1_000, 10_000])
    def test_texts_of_48_words_take_less_than_300_bytes_each(self, block_rows):
        rng = np.random.default_rng(0)
        nouns = [f"noun{chr(97 + i)}" for i in range(26)]
        found = index([" ".join(rng.choice(nouns, 46)) + f" id{i}" for i in range(6_000)], block_rows)
        assert found.nbytes / len(found) < 300

    def test_an_id_takes_less_than_40_bytes_once_it_is_packed(self):
        found = index([f"id{i}" for i in range(10_000)], 5_000)
        assert found.nbytes / len(found) < 40

    def test_ids_are_not_compared_by_their_spelling(self):
        found = index([f"room{i} {i} a{i}b" for i in range(2_000)])
        assert not found.similarities("room99999").any()
