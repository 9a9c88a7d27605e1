import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.envs.text_games import CommandGrammar, Form
from embodied_mem.envs.text_games.commands import OTHER
from embodied_mem.errors import InvalidRecord, UnknownName
from embodied_mem.records import SkillCall
from embodied_mem.records.legal_calls import legal_calls

GRAMMAR = CommandGrammar(
    [
        Form("go", "go {direction}"),
        Form("go_to", "go to {target}"),
        Form("take", "take {object}"),
        Form("take_from", "take {object} from {source}"),
        Form("look", "look"),
        Form("put", "put {item} on {target}"),
    ]
)
WORDS = st.sampled_from(
    ["go", "to", "take", "from", "on", "put", "look", "jam", "jar", "north", "a.b", "(x)"]
)
COMMANDS = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)


@pytest.mark.parametrize(
    ("command", "call"),
    [
        ("look", SkillCall("look")),
        ("go north", SkillCall("go", {"direction": "north"})),
        ("go to shelf 1", SkillCall("go_to", {"target": "shelf 1"})),
        ("take key", SkillCall("take", {"object": "key"})),
        ("take key from box", SkillCall("take_from", {"object": "key", "source": "box"})),
        ("dance", SkillCall(OTHER, {"command": "dance"})),
    ],
)
def test_a_command_is_read_as_the_most_specific_form(command, call):
    assert GRAMMAR.call_of(command) == call
    assert GRAMMAR.command_of(call) == command


@given(COMMANDS)
def test_any_command_comes_back_from_its_call(command):
    assert GRAMMAR.command_of(GRAMMAR.call_of(command)) == command


@given(st.lists(COMMANDS, min_size=1, max_size=8, unique=True))
def test_each_admissible_command_has_exactly_one_legal_call(commands):
    calls = legal_calls(GRAMMAR.skills(commands, "signature"), limit=10_000)
    for command in commands:
        assert [call for call in calls if _types(call) == command] == [GRAMMAR.call_of(command)]


def test_a_command_has_no_second_call():
    with pytest.raises(InvalidRecord, match="take_from"):
        GRAMMAR.command_of(SkillCall("take", {"object": "key from box"}))
    with pytest.raises(InvalidRecord, match="look"):
        GRAMMAR.command_of(SkillCall(OTHER, {"command": "look"}))


@pytest.mark.parametrize("value", ["", " ", 3, "two\nlines", None])
def test_an_argument_is_one_line_of_text(value):
    with pytest.raises(InvalidRecord, match=r"take\.object"):
        GRAMMAR.command_of(SkillCall("take", {"object": value}))


def test_an_unknown_skill_is_named():
    with pytest.raises(UnknownName, match="take"):
        GRAMMAR.command_of(SkillCall("takes", {"object": "key"}))


def test_choices_are_what_the_commands_name_and_skills_keep_their_parameters():
    skills = {s.name: s for s in GRAMMAR.skills(["take key from box", "take pin from box", "look"], "full")}
    assert list(skills) == ["take_from", "look"]
    assert [(p.name, p.choices) for p in skills["take_from"].parameters] == [
        ("object", ("key", "pin")),
        ("source", ("box",)),
    ]


def test_directions_are_no_things():
    assert GRAMMAR.things_of(["go north", "take key from box", "take key"]) == ["key", "box"]


def _types(call):
    try:
        return GRAMMAR.command_of(call)
    except InvalidRecord:
        return None
