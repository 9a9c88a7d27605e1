"""Facts are read from what worlds give with their observations."""

import pytest

from embodied_mem.facts import Extractor, FactsOfObservation, Triplet
from embodied_mem.records.skills import Observation

DOOR = Triplet("red door 1", "in", "this place")


def extracted(facts, *, known=(), text=""):
    return FactsOfObservation().extract(Observation(text=text, facts=facts), known=known)


def test_the_facts_of_a_text_world_are_read_in_the_form_in_which_they_are_stored():
    said = {"visible": [["old key", "carried by", "player"], ["hall", "north of", "kitchen"]], "facts": []}
    found = extracted(said).triplets
    assert found == (Triplet("old key", "held by", "player"), Triplet("kitchen", "north", "hall"))


def test_what_a_worlds_ledger_leaves_out_is_outdated():
    key, apple = Triplet("key", "held by", "player"), Triplet("apple", "in", "fridge")
    found = extracted({"visible": [], "facts": [["key", "carried by", "player"]]}, known=(key, apple))
    assert found.outdated == (apple,)
    assert extracted({"visible": [["key", "in", "box"]]}, known=(apple,)).outdated == ()  # there is no ledger


def test_facts_may_be_texts():
    assert extracted({"facts": ["the cup; in; the sink"]}).triplets == (Triplet("cup", "in", "sink"),)


def test_things_in_view_are_here_and_the_held_one_is_held():
    said = {"visible": ["red door 1"], "known": ["blue ball 1", "red door 1 (locked)"], "held": "key 1"}
    ball, key = Triplet("blue ball 1", "in", "this place"), Triplet("key 1", "held by", "player")
    gone = Triplet("box 1", "in", "this place")
    found = extracted(said, known=(ball, gone, key))
    assert found.triplets == (DOOR, Triplet("red door 1", "is", "locked"), key)
    assert found.outdated == (gone,)


def test_without_a_view_the_things_that_the_text_names_are_in_view():
    found = extracted({"known": ["red door 1", "cup"]}, text="You see a red door 1 and two cupboards.")
    assert found.triplets == (DOOR,)


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"visible": "cup"},
        {"facts": 3, "visible": None},
        {"facts": [["cup", "in"], ["cup", "in", 3], ["", "in", "sink"], {"a": 1}, "cup in sink", None]},
        {"known": [1, None, "(open)"], "held": ["cup"]},
    ],
)
def test_what_has_another_form_is_left_out(facts):
    assert extracted(facts).triplets == ()


def test_it_fulfils_the_contract():
    assert isinstance(FactsOfObservation(), Extractor)
