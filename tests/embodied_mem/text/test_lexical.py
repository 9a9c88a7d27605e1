# ruff: noqa: RUF001 - other alphabets have letters that look like Latin ones
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.text.lexical import LexicalIndex
from embodied_mem.text.synonyms import Synonyms, default_synonyms

WORDS = st.sampled_from(
    ["red", "blue", "ball", "balls", "box", "door", "opened", "turquoise", "冰箱", "12", "rde"]
)
TEXTS = st.lists(WORDS, max_size=6).map(" ".join)


def index(*texts, synonyms=None):
    result = LexicalIndex(synonyms or Synonyms())
    for text in texts:
        result.add(text)
    return result


def test_the_same_words_give_1():
    found = index("go to the red ball", "open the door").similarities("Go to the RED ball!")
    assert found[0] == pytest.approx(1.0)


def test_nothing_shared_gives_0():
    assert index("go to the red ball").similarities("wash dishes").tolist() == [0.0]


@pytest.mark.parametrize("text", ["", "   ", "?!"])
def test_an_empty_query_covers_nothing(text):
    assert index("go to the red ball", "").similarities(text).tolist() == [0.0, 0.0]


def test_an_empty_index_has_no_similarities():
    assert index().similarities("red ball").shape == (0,)


@given(st.lists(TEXTS, max_size=8), TEXTS, st.randoms())
def test_similarities_lie_between_0_and_1_and_equal_texts_tie(texts, query, random):
    found = index(*texts).similarities(query)
    assert ((found >= 0) & (found <= 1)).all()
    for text in set(texts):
        assert len({value for value, other in zip(found.tolist(), texts, strict=True) if other == text}) == 1


@given(st.lists(TEXTS, min_size=1, max_size=6), st.lists(TEXTS, max_size=6), TEXTS)
def test_documents_that_are_not_visible_change_nothing(texts, hidden, query):
    alone = index(*texts).similarities(query)
    visible = np.array([True] * len(texts) + [False] * len(hidden))
    found = index(*texts, *hidden).similarities(query, visible)
    np.testing.assert_allclose(found[: len(texts)], alone, atol=1e-12)
    assert not found[len(texts) :].any()


def test_a_similarity_does_not_depend_on_a_better_hit():
    """A score divided by the best hit's would say 1.0 for whatever is least bad."""
    query = "put the green key into the drawer"
    poor = index("wash the window", *["sweep the floor"] * 20).similarities(query)
    with_better = index("wash the window", *["sweep the floor"] * 20, query).similarities(query)
    assert poor.max() < 0.2
    assert with_better[0] == pytest.approx(poor[0], abs=0.1)


def test_rare_words_count_more_than_common_ones():
    common = ["go to the red ball", "go to the blue box", "go to the grey door", "go to the red key"] * 5
    found = index("the turquoise", "go to", *common).similarities("go to the turquoise ball")
    assert found[0] > found[1]


def test_a_word_nobody_knows_lowers_the_similarity():
    documents = ["go to the red ball", "open the blue door", "wash the dishes"]
    without = index(*documents).similarities("go to the ball")[0]
    with_unknown = index(*documents).similarities("go to the zorp ball")[0]
    assert 0.3 < with_unknown < without


def test_a_small_memory_does_not_make_its_only_words_worthless():
    found = index(*["go to the red ball"] * 10).similarities("go to the blue ball")
    assert found[0] > 0.5


def test_a_long_document_is_a_little_less_like_a_short_query():
    long = "the red ball " + "and much else that was seen on the way " * 5
    short, longer = index("the red ball", long).similarities("the red ball")
    assert 0.6 < longer < short


def test_repeating_a_word_does_not_win_over_covering_more():
    repeated, covering = index("ball ball ball ball", "red ball").similarities("the red ball")
    assert covering > repeated


def test_a_misspelt_or_bent_word_finds_its_like():
    found = index("unlock the yellow door", "wash dishes").similarities("unlok the yelow door")
    assert found[0] > 0.6
    assert found[1] == 0


def test_numbers_are_never_taken_for_one_another():
    one, other = index("room 1234", "room 1235").similarities("1236")
    assert (one, other) == (0, 0)


def test_synonyms_count_as_the_same_word():
    documents = ["place a mug inside the refrigerator", "go to the red ball"]
    plain = index(*documents).similarities("put the cup inside the fridge")
    informed = index(*documents, synonyms=default_synonyms()).similarities("put the cup inside the fridge")
    assert plain[0] < 0.5 < 0.8 < informed[0]


def test_the_right_text_comes_first_for_each_of_a_few_paraphrases():
    pairs = {
        "put the cup in the fridge": "place a mug inside the refrigerator",
        "grab the crimson sphere": "pick up the red ball",
        "switch on the desk lamp": "turn on the light on the table",
        "unlocking the yellow door": "unlock the yellow gate with the key",
        "fridge is shut": "the refrigerator was closed",
        "walk to the blue crate": "go to the blue box",
    }
    found = index(*pairs.values(), synonyms=default_synonyms())
    for place, query in enumerate(pairs):
        assert int(np.argmax(found.similarities(query))) == place


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("Kühlschranktür geöffnet", ["den Kühlschrank öffnen", "das Fenster schließen"]),
        ("die Schlüssel", ["der Türschlüssel liegt hier", "ein roter Ball"]),
        ("从冰箱里拿牛奶", ["把牛奶从冰箱里拿出来", "关上卧室窗户"]),
        ("冷蔵庫から牛乳を取る", ["冷蔵庫から牛乳を取り出す", "寝室の窓を閉める"]),
        ("냉장고에서 우유 꺼내기", ["냉장고에서 우유를 꺼낸다", "침실 창문을 닫는다"]),
        ("достать молоко из холодильника", ["возьми молоко, оно в холодильнике", "закрой окно"]),
        ("IŞIKLARI KAPAT", ["yatak odasındaki ışıkları kapat", "buzdolabından süt al"]),
        ("buzdolabından süt", ["buzdolabı kapalı", "ışıkları kapat"]),
        ("خذ الحَلِيب", ["خذ الحليب من الثلاجة", "افتح الباب بالمفتاح الان"]),
        ("abre el cajon", ["el cajón está cerrado", "corta el tomate"]),
    ],
)
def test_other_languages_find_the_right_text(query, texts):
    right, wrong = index(*texts, synonyms=default_synonyms()).similarities(query)
    assert right > wrong
