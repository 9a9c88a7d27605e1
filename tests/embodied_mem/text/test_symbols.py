# ruff: noqa: RUF001 - characters that look like others are what is tested here
"""Symbols: every visible character can be searched, and tells texts with the same words apart."""

import sys
import unicodedata

import pytest

from embodied_mem import Experience, ExperienceMemory
from embodied_mem.backends.in_memory import InMemoryBackend
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.memory.diversity import Likeness
from embodied_mem.text import lexical
from embodied_mem.text import words as tokenizer
from embodied_mem.text.lexical import LexicalIndex
from embodied_mem.text.words import symbols, words

# fmt: off
VISIBLE = [
    "🔴", "→", "½", "№", "♥", "+", "%", "?", "_",
    "©", "€", "∑", "´", "·", "⠓", "𝄞", "\ue0b0", "🇩🇪",
    "👩\u200d🚀", "1️⃣", "—", "“", "¿", "،", "。", "～", "<>",
    "**", "{}", "¨", "™", "℃", "①", "Ⅳ", "x", "冰",
    "ก",
]
# fmt: on
APART = [
    ("press 🔴", "press 🔵"),
    ("turn → now", "turn ← now"),
    ("x > 3", "x < 3"),
    ("a + b", "a - b"),
    ("really?", "really!"),
    ("C++", "C#"),
    ("5 €", "5 $"),
    ("🔴🔵", "🔴🟢"),
    ("?", "!"),
    ("门 🔴", "门 🔵"),
]


def index(*texts):
    result = LexicalIndex()
    result.extend(texts)
    return result


@pytest.mark.parametrize("symbol", VISIBLE)
def test_a_visible_character_finds_the_texts_that_have_it(symbol):
    found = index(symbol, f"press the {symbol} button", "press the button", "").similarities(symbol)
    assert found[0] == 1.0
    assert 0.0 < found[1] < 1.0
    assert found[2:].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("text", ["", " ", "\n", "\x00", "\u200b", "\u200d\ufe0f", "\ud800", "\u2028"])
def test_what_cannot_be_seen_is_no_symbol(text):
    assert symbols(text) == []


def test_every_character_of_a_font_is_a_word_or_a_symbol():
    """All but invisible ones and marks, which belong to a letter, also in forms of their own."""
    chars = (chr(code) for code in range(sys.maxunicode + 1))
    seen = [char for char in chars if unicodedata.category(char)[0] not in "CZM"]
    lost = [char for char in seen if not words(char) and not symbols(char)]
    parts = {part for char in lost for part in unicodedata.normalize("NFKD", char)}
    assert {part for part in parts if unicodedata.category(part)[0] not in "ZM"} == {"\u0640"}  # tatweel


@pytest.mark.parametrize(("one", "other"), [*APART, *((other, one) for one, other in APART)])
def test_texts_with_the_same_words_are_told_apart(one, other):
    for texts in ((one, other), (other, one)):
        memory = ExperienceMemory(InMemoryBackend())
        for text in texts:
            memory.record(Experience(task=text))
        assert [hit.experience.task.text for hit in memory.recall(task=one)] == [one, other]


def test_words_come_before_symbols():
    found = index("open 🔴 🔵 🟢 ? !", "open the fridge").similarities("open the fridge 🔴 🔵 🟢 ? !")
    assert found[1] > 0.99 > found[0]


def test_punctuation_changes_a_similarity_by_less_than_a_millionth():
    plain = index("open the fridge, then the box", "wash the dishes")
    assert plain.similarities("open the fridge then the box")[0] == 1.0
    assert plain.similarities("Open the fridge; then the box!")[0] == pytest.approx(1.0, abs=1e-6)


def test_a_symbol_is_nothing_shared_where_a_query_has_words():
    """Or every text with a full stop would come before newer ones."""
    assert index("look.", "look", "wash 🔴").similarities("open the door. 🔴").tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("text", [*VISIBLE, "go to the 🔴, then: (stop)!", "x > 3 ...", "🔴 🔴 🔵"])
def test_a_text_is_equal_to_itself(text):
    assert index("wash the dishes", text, f"{text} and more").similarities(text)[1] == 1.0


def test_variants_of_a_symbol_are_equal():
    assert index("really?").similarities("really？").tolist() == [1.0]
    assert index("🕵️").similarities("🕵").tolist() == [1.0]


def test_experiences_that_differ_in_a_sign_are_no_near_duplicates(tmp_path):
    with SqliteBackend(tmp_path / "log.sqlite") as backend:
        memory = ExperienceMemory(backend)
        for task in ("press 🔴", "press 🔵", "press it.", "press it!"):
            memory.record(Experience(task=task))
        found = memory.recall(task="press", distinct=True)
        assert sorted(hit.experience.task.text for hit in found) == ["press it.", "press 🔴", "press 🔵"]


def test_experiences_that_differ_in_a_sign_are_not_the_same_to_a_diverse_recall():
    likeness = Likeness([Experience(task=task) for task in ("press 🔴", "press 🔵", "press 🔴!")])
    assert likeness(0, 1) == pytest.approx(1 / 3)
    assert likeness(0, 2) == 1.0


def test_an_index_saved_by_an_older_version_is_built_anew(tmp_path, monkeypatch, caplog):
    """It lacks the terms that this version looks for."""
    texts = ("press 🔴", "press 🔵", "افتح الباب", "פתח את הדלת")
    with monkeypatch.context() as older:
        older.setattr(lexical, "WORDS_VERSION", 2)
        older.setattr(lexical, "symbols", lambda text: [])
        older.setattr(tokenizer, "without_prefix", lambda word: word)
        with SqliteBackend(tmp_path / "log.sqlite") as backend:
            memory = ExperienceMemory(backend)
            for text in texts:
                memory.record(Experience(task=text))
            assert memory.recall("🔴")[0].score == memory.recall("باب")[0].score == 0.0
            backend.save_index()
    for _ in range(2):  # the first saves the new index
        with SqliteBackend(tmp_path / "log.sqlite") as backend:
            memory = ExperienceMemory(backend)
            asked = ("🔴", "🔵", "باب", "דלת")
            assert tuple(memory.recall(text)[0].experience.task.text for text in asked) == texts
            backend.save_index()
    assert caplog.text == ""
