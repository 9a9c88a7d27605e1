import pytest

from embodied_mem.errors import InvalidRecord
from embodied_mem.text.synonyms import Synonyms, default_synonyms, parse
from embodied_mem.text.words import words


def same(synonyms, one, other):
    return synonyms.apply(words(one)) == synonyms.apply(words(other))


def test_members_of_a_group_become_one_term():
    synonyms = Synonyms([["fridge", "refrigerator"], ["mug", "cup"]])
    assert same(synonyms, "the cup in the refrigerators", "the mug in the fridge")
    assert not same(synonyms, "the cup", "the fridge")


def test_the_longest_phrase_wins():
    synonyms = Synonyms([["pick up", "grab"], ["pick up truck", "lorry"], ["pick"]])
    assert same(synonyms, "picking up the ball", "grab the ball")
    assert same(synonyms, "the pick up truck", "the lorry")
    assert not same(synonyms, "pick the ball", "grab the ball")


def test_a_file_may_hold_comments_and_empty_lines():
    assert parse("# looks\n\nred, crimson # warm\n , \n") == [["red", "crimson"]]


def test_a_file_of_ones_own_is_read(tmp_path):
    (tmp_path / "own.txt").write_text("mug, бокал\n", encoding="utf-8")
    assert same(Synonyms.load(tmp_path / "own.txt"), "бокал", "mug")


def test_a_word_in_two_groups_is_refused_by_name():
    with pytest.raises(InvalidRecord, match="'cup' is in two groups: 'mug' and 'trophy'"):
        Synonyms([["mug", "cup"], ["trophy", "cup"]])


@pytest.mark.parametrize("phrase", ["", "!", "one two three four five"])
def test_a_phrase_of_no_or_too_many_words_is_refused(phrase):
    with pytest.raises(InvalidRecord, match="expected 1 to 4"):
        Synonyms([["mug", phrase]])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("pick up the red ball", "grab the crimson sphere"),
        ("put the mug in the fridge", "place the cup in the refrigerator"),
        ("go to the grey door", "walk to the gray gate"),
    ],
)
def test_the_librarys_own_synonyms_know_the_household(one, other):
    assert same(default_synonyms(), one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("open the door", "unlock the door"),
        ("go to the ball", "go to the box"),
        ("pick up", "put down"),
        ("left", "right"),
    ],
)
def test_the_librarys_own_synonyms_keep_apart_what_tasks_tell_apart(one, other):
    assert not same(default_synonyms(), one, other)


def test_the_digest_follows_the_groups_and_not_their_order():
    assert Synonyms([["a", "b"], ["c", "d"]]).digest == Synonyms([["c", "d"], ["a", "b"]]).digest
    assert Synonyms([["a", "b"]]).digest != Synonyms([["a", "c"]]).digest


@pytest.mark.parametrize("group", [[], "red"])
def test_a_group_that_is_no_list_of_words_is_refused(group):
    with pytest.raises(InvalidRecord, match="expected a list of words"):
        Synonyms([group])
