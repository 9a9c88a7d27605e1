"""What is kept was made by `words`: whoever changes what that gives has to raise the number kept with it.

A saved part of the index holds terms, and is loaded if `WORDS_VERSION` and the synonyms are those that made
it. Vectors of the hashed embedder are compared with others if its `VERSION` is the same.
"""

# ruff: noqa: RUF001 - letters that look like others are what is tested here
import re
from hashlib import blake2b

import pytest

from embodied_mem.embedders import hashed
from embodied_mem.text import similar_words, words
from embodied_mem.text.postings import codes_of
from embodied_mem.text.synonyms import Synonyms

CORPUS = [
    "Go-to the red_ball: CounterTop, x2! Opened, opening, opens; batteries, dishes, glasses, buses, trees.",
    "The robot's gripper grabbed 12 boxes at 3.5 N (room B2), then placed the mugs inside a refrigerator.",
    "Die Türen öffnen; KÜHLSCHRANK, größere Straße, Ausgänge und Schlüssel",
    "Tu\u0308r, cafe\u0301, naïve, El niño abrió la última puerta, où est la clé? Não há chão",
    "KAPIYI AÇIN, ışık İSTANBUL ıssız, dolabın içinde",
    "Откройте холодильник, ёлка и Ещё мяч; відчинити двері",
    "Άνοιξε την πόρτα του ψυγείου· ΚΌΚΚΙΝΗ μπάλα, σς",
    "افتح الثَّلَّاجَة وضع الكُرَةَ الحمراء ــ في الغرفة",
    "פְּתַח את הַדֶּלֶת, הכדור האדום",
    "लाल गेंद को रसोई में रखो। दरवाज़ा खोलो",
    "சிவப்பு பந்தை சமையலறையில் வை",
    "เปิดตู้เย็นแล้วหยิบลูกบอลสีแดง",
    "把牛奶从冰箱里拿出来,放在红色的桌子上",
    "赤いボールを台所に置いて、ドアを開ける。ガラス ｶﾞﾗｽ",
    "빨간 공을 부엌에 놓고 문을 열어라",
    "Mở cửa tủ lạnh, đặt quả bóng đỏ vào bếp",
    "ﬁnd the Ⅳ ① full-width ＡＢＣ１２３ and emoji 🤖🚪 done_now camelCaseHTTPServer2Go",
    "put down the mug near the coffee machine, pick up the cup",
    "stack " * 14_000,  # of which the end is not indexed
    "",
]
SYNONYMS = Synonyms([["cup", "mug"], ["put", "put down", "place"], ["fridge", "refrigerator", "冰箱"]])

GOLDEN_WORDS = {3: "cd95d7ec26a0d1bedadf7094034eee6e"}  # WORDS_VERSION -> digest of what it gives
GOLDEN_HASHED = {"2": "7eac2ca3191c2f506358608af9f2bbb3"}  # VERSION of the hashed embedder -> the same


def digest(value):
    return blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def terms_digest():
    """Of all that a saved part of the text index holds of a text."""
    found = [words.words(text) for text in CORPUS]
    signs = [words.symbols(text) for text in CORPUS]
    terms = [SYNONYMS.apply(each) for each in found]
    known = sorted({term for each in terms for term in each})
    return digest(
        [
            found,
            signs,
            terms,
            [sorted(similar_words.trigrams(term)) for term in known],
            codes_of(known).tolist(),
        ]
    )


def features_digest():
    """Of all that goes into a hashed vector."""
    known = sorted({word for text in CORPUS for word in hashed.words_of(text)})
    features = [hashed._features(word) for word in known]
    return digest([(hashes.tolist(), weights.round(6).tolist()) for hashes, weights in features])


def test_words_give_what_their_version_says():
    assert GOLDEN_WORDS.get(words.WORDS_VERSION) == terms_digest(), (
        "words(), symbols(), trigrams(), Synonyms.apply() or codes_of() gives something else than it did, "
        "and saved parts of the index would be loaded that do not fit: raise WORDS_VERSION in words.py, "
        f"and set GOLDEN_WORDS to the new version with {terms_digest()!r}"
    )


def test_hashed_vectors_are_what_their_version_says():
    assert GOLDEN_HASHED.get(hashed.VERSION) == features_digest(), (
        "the hashed embedder gives something else than it did, and vectors would be compared that do not "
        "fit: raise VERSION in embodied_mem/embedders/hashed.py, and set GOLDEN_HASHED to the new version "
        f"with {features_digest()!r}"
    )


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        (words, "_DOTLESS", {}),
        (words, "_CAMEL", re.compile("(?!)")),
        (words, "_UNSPACED", re.compile("(?!)")),
        (words, "_ACCENTS", re.compile("(?!)")),
        (words, "_ASCII", bytes(range(256))),
        (words, "MAX_INDEXED_CHARS", 60_000),
        (words, "LONGEST_WORD", 0),
        (words, "without_prefix", lambda word: word),
        (words, "_NO_WORD", re.compile("(?!)")),
        (words, "_ASCII_OTHERS", bytes(range(128))),
        (words, "_STEMS", type("Plain", (dict,), {"__missing__": lambda _, word: word})()),
        (similar_words, "trigrams", lambda word: {word[:3]}),
    ],
)
def test_a_change_is_noticed(monkeypatch, module, name, value):
    before = terms_digest()
    monkeypatch.setattr(module, name, value)
    assert terms_digest() != before
