# ruff: noqa: RUF001 - letters that look like others are what is tested here
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.text.words import MAX_INDEXED_CHARS, stem, words


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


@pytest.mark.parametrize(
    "word", ["stack", "Straße", "fac\u0327ade\u0301", "холодильник", "مُحَمَّد", "रसोई", "red_ball"]
)
@pytest.mark.parametrize("separator", [" ", ",", "\n", "…"])
def test_a_huge_text_is_cut_at_the_end_of_a_word(word, separator):
    unit = word + separator
    for shift in range(len(unit)):
        text = "-" * shift + unit * (MAX_INDEXED_CHARS // len(unit) + 2)
        assert set(words(text)) == set(words(word))
        assert len(words(text)) >= len(words(word)) * (MAX_INDEXED_CHARS // len(unit) - 1)


@pytest.mark.parametrize("text", ["x" * 70_000, "冰" * 70_000])
def test_a_run_without_an_end_of_a_word_is_cut_at_the_limit(text):
    assert words(text) == words(text[:MAX_INDEXED_CHARS])


def test_a_lone_surrogate_does_no_harm():
    assert words("red \ud800 ball") == ["red", "ball"]


def old_words(text):
    """What `words` gave before it was made faster, for ASCII texts."""
    camel = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
    return [stem(word) for word in re.findall(r"[^\W_]+", camel.sub(" ", text).casefold())]


@given(st.text(st.characters(max_codepoint=127)) | st.text("abAB1 _-.\n\x1cZz9"))
def test_the_fast_way_through_ascii_finds_the_same_words(text):
    assert words(text) == old_words(text)


@given(st.text())
def test_composed_and_decomposed_characters_are_the_same(text):
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert words(composed) == words(decomposed)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("der Kühlschrank", "DER KUHLSCHRANK"),
        ("Straße", "STRASSE"),
        ("cajón", "cajon"),
        ("évier", "EVIER"),
        ("ковёр", "ковер"),
        ("IŞIKLARI KAPAT", "ışıkları kapat"),
        ("İSTANBUL", "istanbul"),
        ("مُحَمَّد", "محمد"),
        ("الثلاجـــة", "الثلاجة"),
        ("tủ lạnh", "TU LANH"),
        ("łódka", "ŁÓDKA"),
        ("冷蔵庫", "冷蔵庫"),
    ],
)
def test_case_and_accents_make_no_other_word(one, other):
    assert words(one) == words(other)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ガラス", ["ガラ", "ラス"]),  # not カラス, a crow: these marks make another syllable
        ("냉장고 문", ["냉장", "장고", "문"]),
        ("रसोई का दरवाज़ा", 3),
        ("ตู้เย็น", ["ตู", "ู้", "้เ", "เย", "ย็", "็น"]),
        ("дверь заперта", ["дверь", "заперта"]),
    ],
)
def test_marks_that_make_another_syllable_are_kept(text, expected):
    found = words(text)
    assert len(found) == expected if isinstance(expected, int) else found == expected
