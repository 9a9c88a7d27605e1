import numpy as np

from embodied_mem.text.similar_words import SimilarWords


def kept_words(*words):
    result = SimilarWords()
    result.add(words)
    return result


def test_words_spelt_alike_come_most_alike_first():
    found = kept_words("turquoise", "turquoises", "yellow").alike("turquois")
    assert [word for _, word in found] == ["turquoise", "turquoises"]
    assert found[0][0] > found[1][0] >= 0.6


def test_a_word_is_quite_like_itself():
    assert kept_words("yellow").alike("yellow") == [(1.0, "yellow")]


def test_numbers_names_with_digits_and_short_words_are_not_kept():
    kept = kept_words("1234", "room1", "red")
    assert kept.nbytes == 0
    assert kept.alike("room2") == []


def test_words_added_after_a_question_are_found():
    kept = kept_words("yellow")
    kept.alike("yelow")
    kept.add(["yelowish"])
    assert {word for _, word in kept.alike("yelowis")} == {"yelowish"}


def test_words_come_back_from_their_array():
    kept = kept_words("yellow", "ключик", "kühlschrank")
    again = SimilarWords.from_array(kept.to_array())
    again.add(["yellow"])
    for word in ("yelow", "ключики", "kühlschranks"):
        assert again.alike(word) == kept.alike(word) != []


def test_no_words_come_back_from_an_empty_array():
    assert SimilarWords.from_array(np.zeros(0, np.uint8)).alike("yellow") == []
