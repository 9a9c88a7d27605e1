import pytest

from embodied_mem.text.function_words import function_words
from embodied_mem.text.lexical import FUNCTION_WORD_WEIGHT, LexicalIndex, meaning
from embodied_mem.text.synonyms import NO_SYNONYMS, default_synonyms
from embodied_mem.text.words import words


@pytest.mark.parametrize("text", ["the", "is", "und", "los", "dans", "это", "için için ve", "على"])
def test_words_that_hold_sentences_together_count_less(text):
    assert meaning(words(text)[-1]) == FUNCTION_WORD_WEIGHT


@pytest.mark.parametrize("text", ["ball", "not", "no", "left", "open", "die", "Tür", "冰箱", "дверь", "12"])
def test_words_that_say_what_it_is_about_count_in_full(text):
    assert {meaning(word) for word in words(text)} == {1.0}


def test_no_synonym_stands_for_a_function_word():
    for word in function_words():
        assert default_synonyms().apply([word]) == [word]


def test_in_a_small_memory_the_thing_counts_more_than_the_verb():
    """Rarity cannot tell them apart yet: each of these words is in one of two texts."""
    index = LexicalIndex(NO_SYNONYMS)
    for text in ("it is in the kitchen", "a ball lies here"):
        index.add(text)
    about, grammar = index.similarities("where is the ball")[::-1]
    assert about > 1.5 * grammar > 0


def test_a_query_of_function_words_alone_finds_texts():
    index = LexicalIndex(NO_SYNONYMS)
    index.add("it is")
    assert index.similarities("is it")[0] == pytest.approx(1.0)
