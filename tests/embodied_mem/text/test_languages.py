# ruff: noqa: RUF001 - letters that look like Latin ones are meant
"""Arabic and Hebrew words are found with and without the prefixes that are written as part of them."""

import pytest

from embodied_mem import Experience, ExperienceMemory
from embodied_mem.backends.in_memory import InMemoryBackend
from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.text.words import words

# fmt: off
ARABIC = [
    "باب", "ثلاجة", "مفتاح", "مطبخ", "كرة", "صندوق", "طاولة", "كرسي", "غرفة", "نافذة",
    "مصباح", "سرير", "حمام", "كوب", "صحن", "سكين", "بيت", "رجل", "كتاب", "ماء",
]
ARABIC_PREFIXES = ["ال", "وال", "بال", "كال", "فال", "لل", "وبال", "ولل"]
ARABIC_APART = """ورقة رقة | وسادة سادة | لبن بن | بحر حر | ورد رد | والدين دين | الله له | باب اب | كلب لب
| فأس أس | كسر سر | لعب عب | بصل صل | فجر جر | وسط سط | كتف تف | لوح وح | فرن رن | بطل طل | كبد بد"""

HEBREW = [
    "דלת", "מקרר", "מפתח", "מטבח", "כדור", "קופסה", "שולחן", "כיסא", "חדר", "חלון", "מנורה",
    "מיטה", "ארון", "כוס", "צלחת", "סכין", "בית", "ספר", "מגירה", "כפית",
]
HEBREW_PREFIXES = ["ה", "ו", "וה", "ב", "ל", "וב", "ול", "מה", "שה", "כשה", "ומה"]
HEBREW_APART = """לבן בן | מפתח פתח | כדור דור | כחול חול | שחור חור | מנורה נורה | שמלה מלה
| מטבח טבח | בירה ירה | ברכה רכה | ורוד רוד | ורד רד | בצל צל | לחם חם | כלב לב | מים ים | לבנה בנה
| הוראה ראה | בגד גד | מלח לח"""
# fmt: on


def pairs(text):
    return [pair.split() for pair in text.split("|")]


def test_each_language_is_tried_on_twenty_words():
    assert {len(set(ARABIC)), len(set(HEBREW)), len(pairs(ARABIC_APART)), len(pairs(HEBREW_APART))} == {20}


@pytest.mark.parametrize(
    ("word", "prefixes"),
    [*((word, ARABIC_PREFIXES) for word in ARABIC), *((word, HEBREW_PREFIXES) for word in HEBREW)],
)
def test_a_word_is_found_with_each_prefix_and_without(word, prefixes):
    forms = [word, *(prefix + word for prefix in prefixes)]
    assert {tuple(words(form)) for form in forms} == {(word,)}
    memory = ExperienceMemory(InMemoryBackend())
    for form in forms:
        memory.record(Experience(task=form))
    for form in forms:
        assert {hit.score for hit in memory.recall(task=form, k=20)} == {1.0}


@pytest.mark.parametrize(("one", "other"), [*pairs(ARABIC_APART), *pairs(HEBREW_APART)])
def test_words_that_begin_like_a_prefix_are_not_taken_for_others(one, other):
    assert words(one) == [one]
    assert words(other) == [other]


@pytest.mark.parametrize(
    "word", ["בקבוק", "בלון", "לימון", "ורוד", "والد", "بالون", "بطارية", "برنامج", "وسادة"]
)
def test_a_word_that_begins_like_a_prefix_is_found_with_the_article(word):
    article = "ה" if "\u05d0" <= word[0] <= "\u05ea" else "ال"
    assert words(article + word) == words(word)


def test_vowel_marks_do_not_hide_a_prefix():
    assert words("الثَّلَّاجَة") == words("ثلاجة")
    assert words("הַדֶּלֶת") == words("דלת")


def test_vectors_that_were_stored_before_are_as_they_were():
    """The space of the hashed embedder is the same, so its vectors must be too."""
    first, second = HashedEmbedder(64).embed(["הדלת", "דלת"])
    assert first.tolist() != second.tolist()
