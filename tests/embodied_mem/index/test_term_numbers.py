"""Numbers stand for the terms that `Synonyms.apply(words(text))` gives, whatever the order of texts."""

from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_mem.index.term_numbers import TermNumbers
from embodied_mem.synonyms import NO_SYNONYMS, default_synonyms
from embodied_mem.words import words

SYNONYMS = default_synonyms()
SAID = """pick Picks up picked put down go to the kitchen sink counter CounterTop KitchenSink in way can not
cannot living room let of key42 42 doors Tür tür 厨房 ing s is"""
WORD = st.sampled_from(SAID.split())
TEXT = st.lists(WORD, max_size=12).map(" ".join)
BATCHES = st.lists(st.lists(st.one_of(TEXT, st.none()), max_size=6), max_size=6)


def rows_of(numbers: TermNumbers, texts: list[str | None]) -> list[list[int]]:
    flat, lengths = numbers.of(texts)
    ends = lengths.cumsum().tolist()
    return [flat[end - length : end].tolist() for end, length in zip(ends, lengths.tolist(), strict=True)]


@given(batches=BATCHES)
@settings(max_examples=300, deadline=None)
def test_each_number_stands_for_the_term(batches: list[list[str | None]]) -> None:
    numbers = TermNumbers(SYNONYMS)
    for texts in batches:
        rows = rows_of(numbers, texts)
        terms = list(numbers.numbers)
        assert [[terms[number] for number in row] for row in rows] == [
            [] if text is None else SYNONYMS.apply(words(text)) for text in texts
        ]
    assert list(numbers.numbers.values()) == list(range(len(numbers)))


def test_a_phrase_is_met_before_and_after_its_words() -> None:
    numbers = TermNumbers(SYNONYMS)
    [[phrase]] = rows_of(numbers, ["pick up"])
    rows = rows_of(numbers, ["up", "pick", "pick up", "up pick"])
    assert rows[2] == [phrase]
    assert [len(row) for row in rows] == [1, 1, 1, 2]


def test_terms_that_are_known_already_keep_their_places() -> None:
    numbers = TermNumbers(SYNONYMS)
    assert numbers.of_terms(["sink", "pick", "up"]) == [0, 1, 2]
    assert rows_of(numbers, ["picks up the basin"])[0][-1] == 0


def test_without_synonyms_words_are_stemmed_only() -> None:
    numbers = TermNumbers(NO_SYNONYMS)
    assert rows_of(numbers, ["Doors door", "pick up"]) == [[0, 0], [1, 2]]
