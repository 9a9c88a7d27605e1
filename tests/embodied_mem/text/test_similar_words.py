from embodied_mem.text.similar_words import SimilarWords


def test_words_spelt_alike_come_most_alike_first():
    found = SimilarWords(["turquoise", "turquoises", "yellow"]).alike("turquois")
    assert [word for _, word in found] == ["turquoise", "turquoises"]
    assert found[0][0] > found[1][0] >= 0.6


def test_a_word_is_quite_like_itself():
    assert SimilarWords(["yellow"]).alike("yellow") == [(1.0, "yellow")]


def test_numbers_names_with_digits_and_short_words_are_not_kept():
    kept = SimilarWords(["1234", "room1", "red"])
    assert (kept.nbytes, list(kept)) == (0, [])
    assert kept.alike("room2") == []


def test_words_added_after_a_question_are_found():
    kept = SimilarWords(["yellow"])
    kept.alike("yelow")
    kept.add(["yelowish", "yellow"])
    assert {word for _, word in kept.alike("yelowis")} == {"yelowish"}
    assert list(kept) == ["yellow", "yelowish"]


def test_other_alphabets_are_compared_too():
    kept = SimilarWords(["yellow", "ключик", "kühlschrank"])
    assert [word for _, word in kept.alike("ключики")] == ["ключик"]
    assert [word for _, word in kept.alike("kühlschranks")] == ["kühlschrank"]


def test_no_word_is_like_one_where_none_are_kept():
    assert SimilarWords().alike("yellow") == []
