import pytest

from embodied_mem.words import MAX_INDEXED_CHARS, stem, words


@pytest.mark.parametrize(
    "alike",
    [
        ["box", "boxes"],
        ["open", "opens", "opened", "opening"],
        ["grab", "grabs", "grabbed", "grabbing"],
        ["place", "places", "placed", "placing"],
        ["battery", "batteries"],
        ["tree", "trees"],
        ["dish", "dishes"],
        ["close", "closed", "closing"],
        ["fill", "filled", "filling"],
    ],
)
def test_forms_of_a_word_have_one_stem(alike):
    assert len({stem(word) for word in alike}) == 1


@pytest.mark.parametrize("word", ["red", "glass", "bus", "12s", "bring", "bed", "größes"])
def test_endings_that_are_none_are_kept(word):
    assert stem(word) == word


def test_words_split_at_punctuation_underscores_and_inner_capitals():
    assert words("Go-to the red_ball: CounterTop, x2!") == [
        "go",
        "to",
        "th",
        "red",
        "ball",
        "counter",
        "top",
        "x2",
    ]


def test_letters_that_look_the_same_are_the_same():
    assert words("\uff26\uff32ID\uff27E \ufb01sh STRASSE") == words("fridge fish straße")


def test_scripts_without_spaces_become_pairs():
    assert words("打开冰箱 fridge 门") == ["打开", "开冰", "冰箱", "fridg", "门"]
    assert words("冰箱door") == ["冰箱", "door"]


@pytest.mark.parametrize("text", ["", " ", "?!…", "\x00", "🙂"])
def test_a_text_without_letters_has_no_words(text):
    assert words(text) == []


def test_only_the_beginning_of_a_huge_text_is_looked_at():
    assert words("a " * MAX_INDEXED_CHARS + "end")[-1] == "a"


def test_a_lone_surrogate_does_no_harm():
    assert words("red \ud800 ball") == ["red", "ball"]
