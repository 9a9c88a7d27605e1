"""Triplets have one normal form, and are read from text as they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.errors import InvalidRecord
from embodied_mem.facts import Triplet, parse_triplets
from embodied_mem.facts.triplet import normal_name

TEXTS = st.text(max_size=30)


@given(TEXTS)
def test_the_normal_form_of_a_normal_form_is_itself(text):
    assert normal_name(normal_name(text)) == normal_name(text)


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=5))
def test_what_is_written_is_read(parts):
    made = []
    for each in parts:
        try:
            made.append(Triplet(*each))
        except InvalidRecord:
            continue
    read = parse_triplets("\n".join(map(str, made)))
    assert read.triplets == tuple(dict.fromkeys(made))
    assert read.unread == ()


def test_case_articles_quotes_and_underscores_do_not_matter():
    assert Triplet(" The  Red_Apple", "IS IN", '"a fridge".') == Triplet("red apple", "is in", "fridge")


@pytest.mark.parametrize("part", ["", "  ", "'.'", "x" * 201, 3, None])
def test_a_part_that_is_no_name_is_rejected(part):
    with pytest.raises(InvalidRecord, match="triplet"):
        Triplet("cup", "in", part)


def test_a_models_answer_is_read_line_by_line_and_nothing_is_guessed():
    answer = "Here are the facts:\n1. The cup; in; the sink\n- door; is; open;\ncup, in, sink\n;;\na; b; c; d"
    read = parse_triplets(answer)
    assert read.triplets == (Triplet("cup", "in", "sink"), Triplet("door", "is", "open"))
    assert read.unread == ("Here are the facts:", "cup, in, sink", ";;", "a; b; c; d")


def test_a_very_long_answer_is_cut():
    assert len(parse_triplets("\n".join(f"cup {n}; in; sink" for n in range(500))).triplets) == 200
