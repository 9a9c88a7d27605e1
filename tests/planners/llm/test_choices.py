"""The calls that a model may choose from: each can be read back, and grammar and schema admit just these."""

import itertools
import json
import time

import pytest
from gbnf import Grammar
from hypothesis import assume, given
from hypothesis import strategies as st

from embodied_mem.errors import InvalidRecord
from embodied_mem.planners.llm.answers.choices import MAX_ANSWER_CHARS, CallChoices
from embodied_mem.records import SkillCall
from embodied_mem.records.json_values import canonical
from embodied_mem.records.skills import Parameter, Skill

TRICKY = [
    "a, b",
    '"',
    "'a'",
    "3",
    "true",
    "NaN",
    "[",
    "{}",
    ") x2",
    "(",
    "a\nb",
    "\\",
    "\b",
    "\f\x00",
    "`",
    "",
]
TRICKY += ["a) | b", "r0", "é ü", "🔴 ball", "Action: x()", "#", "red  ball", " a", "\x85", "\u2028", "a]-["]
TEXTS = st.sampled_from(TRICKY) | st.text(st.characters(codec="utf-8"), max_size=8)
VALUES = TEXTS | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.floats(-1e9, 1e9)
NAMES = st.sampled_from(["go_to", "put", "go  far", "ros:move", "1. go", "- a", "say"]) | st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "S"], exclude_characters="("),
    min_size=1,
    max_size=6,
)
LISTED = st.lists(VALUES, min_size=1, max_size=4, unique_by=canonical).map(tuple)

PLAIN = st.text(  # written without quotes
    st.characters(codec="utf-8", exclude_characters="()", categories=["L", "N", "P", "S"]), min_size=1
).filter(lambda text: '"' not in str(SkillCall("", {"": text})))


@st.composite
def skills(draw, *, with_free=False):
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    choices = st.just(()) | LISTED if with_free else LISTED
    made = []
    for name in names:
        assume(not name.startswith("{") and name == name.strip())  # an answer with { at the start is JSON
        given_choices = draw(st.lists(choices, max_size=3))
        is_open = draw(st.booleans())
        made.append(
            Skill(
                name=name,
                parameters=tuple(
                    Parameter(name=f"p{at}", choices=each, is_open=is_open and bool(each))
                    for at, each in enumerate(given_choices)
                ),
            )
        )
    return made


@st.composite
def choices(draw, **options):
    """Choices of random skills, some of whose calls were refused."""
    offered = draw(skills(**options))
    calls = list(CallChoices.of(offered).calls())
    refused = draw(st.lists(st.sampled_from(calls), max_size=6)) if calls else []
    return CallChoices.of(offered, refused), set(calls) - set(refused), set(refused)


def skill(name, **parameters):
    made = (
        each if isinstance(each, Parameter) else Parameter(name=key, choices=tuple(each))
        for key, each in parameters.items()
    )
    return Skill(name=name, parameters=tuple(made))


GO = skill("go", to=["red ball", "door"])
PUT = skill("put", item=["key", "ball"], target=["box", "shelf", "floor"])
SAY = skill("say", words=())
WAIT = skill("wait", steps=Parameter(name="steps", type="number"))


def the_plan(call):
    return {"plan": [{"name": call.name, "arguments": dict(call.arguments)}]}


# What is listed


@given(choices())
def test_every_listed_call_is_read_back_and_no_refused_one(made):
    offered, allowed, refused = made
    assert set(offered.calls()) == allowed
    for call in allowed:
        assert offered.read(str(call)) == (call,)
        assert offered.read(json.dumps(the_plan(call))) == (call,)
    for call in refused:
        with pytest.raises(InvalidRecord):
            offered.read(str(call))


@given(choices())
def test_what_is_offered_is_exactly_what_is_listed(made):
    offered, allowed, _ = made
    assert set(CallChoices(offered.offered()).calls()) == allowed
    assert offered.is_empty == (not allowed)


def test_a_skill_with_no_call_left_is_left_out():
    made = CallChoices.of([GO, skill("drop")], [SkillCall("drop"), SkillCall("go", {"to": "door"})])
    assert [each.name for each in made.offered()] == ["go"]
    assert CallChoices.of([skill("drop")], [SkillCall("drop")]).is_empty


def test_a_refused_call_is_refused_however_often_it_is_made_in_a_row():
    refused = [SkillCall("go", {"to": "door"}, 3)]
    for answer in (
        "go(door)",
        "go(door) x2",
        '{"plan": [{"name": "go", "arguments": {"to": "door"}, "count": 9}]}',
    ):
        with pytest.raises(InvalidRecord, match="made in this situation already"):
            CallChoices.of([GO], refused).read(answer)


# The schema


@given(choices(), st.data())
def test_the_schema_admits_exactly_the_calls(made, data):
    jsonschema = pytest.importorskip("jsonschema")
    offered, allowed, refused = made
    assume(allowed)
    jsonschema.Draft202012Validator.check_schema(offered.schema())
    is_valid = jsonschema.Draft202012Validator(offered.schema()).is_valid
    for call in allowed:
        assert is_valid(the_plan(call))
    for call in refused:
        assert not is_valid(the_plan(call)) or _equal_for_json_schema(call, allowed)
    other = data.draw(VALUES)
    call = data.draw(st.sampled_from(sorted(allowed, key=str)))
    wrong = SkillCall(call.name, {**call.arguments, "p0": other})
    assert is_valid(the_plan(wrong)) == (wrong in allowed or _equal_for_json_schema(wrong, allowed))
    assert not is_valid({"plan": []})
    assert not is_valid({"plan": [*the_plan(call)["plan"] * 2]})
    assert not is_valid({"plan": [{**the_plan(call)["plan"][0], "count": 2}]})


def _equal_for_json_schema(call, allowed):
    """JSON Schema takes 1.0 for 1, which are two values here; `read` tells them apart."""
    return any(call.name == other.name and dict(call.arguments) == dict(other.arguments) for other in allowed)


# The grammar


@given(choices(), st.data())
def test_the_grammar_accepts_exactly_the_calls(made, data):
    offered, allowed, refused = made
    assume(allowed)
    grammar = Grammar(offered.grammar())
    written = {str(call) for call in allowed}
    for text in written:
        assert grammar.accepts(text), text
    assert not any(grammar.accepts(str(call)) for call in refused)
    text = data.draw(st.sampled_from(sorted(written)))
    at = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.characters(codec="utf-8") | st.sampled_from(' "(),x'))
    for changed in (
        text[:at],
        text[:at] + text[at + 1 :],
        text[:at] + character + text[at:],
        f"{text}\n{text}",
    ):
        assert grammar.accepts(changed) == (changed in written)


@given(choices(with_free=True), st.data())
def test_a_grammar_with_free_text_accepts_what_can_be_read(made, data):
    offered, _, _ = made
    assume(not offered.is_empty)
    grammar = Grammar(offered.grammar())
    chosen = data.draw(st.sampled_from(offered.skills))
    arguments = {
        p.name: data.draw(st.sampled_from(p.choices) if p.choices else PLAIN) for p in chosen.parameters
    }
    call = SkillCall(chosen.name, arguments)
    if call not in offered.refused:
        assert grammar.accepts(str(call)), offered.grammar()
        assert offered.read(str(call)) == (call,)


@pytest.mark.parametrize(
    "words", ["hello", "3", "true", "red ball (no)", "a, b", "", " ", "x\ny", 'say "hi"']
)
def test_free_text_is_one_line_without_what_ends_an_argument(words):
    text = f"say({words})"
    accepted = Grammar(CallChoices.of([SAY]).grammar()).accepts(text)
    assert accepted == (words in ("hello", "3", "true"))
    if accepted:
        assert CallChoices.of([SAY]).read(text) == (SkillCall("say", {"words": words}),)


@pytest.mark.parametrize(
    ("steps", "fits"), [("3", 1), ("-0.5", 1), ("0", 1), ("007", 0), ("3.", 0), ("x", 0)]
)
def test_a_free_number_is_a_number(steps, fits):
    offered = CallChoices.of([WAIT])
    assert Grammar(offered.grammar()).accepts(f"wait({steps})") == bool(fits)
    if fits:
        assert offered.read(f"wait({steps})")[0].arguments == {"steps": json.loads(steps)}
    else:
        with pytest.raises(InvalidRecord):
            offered.read(f"wait({steps})")


def test_a_refused_call_with_free_text_leaves_its_skill_a_grammar():
    tell = skill("tell", whom=["ann", "bob"], words=())
    offered = CallChoices.of([tell], [SkillCall("tell", {"whom": "bob", "words": "hi"})])
    assert Grammar(offered.grammar()).accepts("tell(ann, hello)")
    assert Grammar(offered.grammar()).accepts("tell(bob, hello)")
    with pytest.raises(InvalidRecord, match="made in this situation already"):
        offered.read("tell(bob, hi)")


def test_a_plan_is_a_call_a_line_and_no_longer_than_allowed():
    offered = CallChoices.of([GO, PUT], max_calls=3)
    grammar = Grammar(offered.grammar(lead=" "))
    for length in range(1, 6):
        text = "\n".join(itertools.islice(itertools.cycle(["go(door)", "put(key, box)"]), length))
        assert grammar.accepts(" " + text) == (length <= 3)
        assert not grammar.accepts(text)
        assert len(offered.read(text)) == min(length, 3)


def test_the_grammar_grows_with_the_arguments_and_not_with_their_combinations():
    many = [f"object {i}" for i in range(60)]
    offered = CallChoices.of([skill("put", item=many, target=many)])
    assert len(offered.grammar()) < 60 * 20
    refused = [SkillCall("put", {"item": "object 3", "target": "object 4"})]
    assert len(CallChoices.of(offered.skills, refused).grammar()) < 4 * 60 * 20


def test_a_wrong_grammar_is_found():
    right = CallChoices.of([GO, PUT]).grammar()
    for wrong in (right.replace("key", "kex"), right.replace('", "', '","'), right.replace(" | ", " ", 1)):
        grammar = Grammar(wrong)
        assert not all(grammar.accepts(str(call)) for call in CallChoices.of([GO, PUT]).calls())
    with pytest.raises(KeyError):
        Grammar(r'root ::= "\b"')
    with pytest.raises(ValueError, match="empty"):
        Grammar("root ::= ")


# Reading


@pytest.mark.parametrize(
    "answer",
    [
        "go(door)",
        "  go( door )  ",
        "1. go(door)",
        "- go(door)",
        "Call: go(door)",
        "Action: `go(door)`",
        "go(door).",
        "```\ngo(door)\n```",
        "I think the door is best.\ngo(door)\nGood luck!",
        '{"plan": [{"name": "go", "arguments": {"to": "door"}}]}',
        '```json\n{"plan": [{"name": "go", "arguments": {"to": "door"}, "count": 1}]}\n```',
        "go(door) x1000000",
    ],
)
def test_what_models_write_is_read(answer):
    assert CallChoices.of([GO]).read(answer) == (SkillCall("go", {"to": "door"}),)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "empty"),
        ("\n \n", "empty"),
        ("I cannot help with that.", "is no call"),
        ("fly(door)", "Unknown skill"),
        ("go(doors)", "did you mean 'door'"),
        ("go(", "is no call"),
        ("go()", "takes to"),
        ("put(key)", "takes item, target"),
        ('{"plan": [{"name": "go", "argum', "cut short"),
        ("{" * 5_000, "cut short"),
        ('{"plan": ' + "[" * 9_000, "cut short"),
        ('{"plan": []}', "empty"),
        ('{"plan": {}}', "expected an object with a plan"),
        ('{"calls": 1}', "expected an object with a plan"),
        ('{"plan": ["go(door)"]}', "expected name and arguments"),
        ('{"plan": [{"name": "go"}]}', "takes to"),
        ('{"plan": [{"arguments": {}}]}', "is no call"),
        ('{"plan": [{"name": 3, "arguments": {"to": "door"}}]}', "plan.name is int"),
        ('{"plan": [{"name": "go", "arguments": ["door"]}]}', "plan.arguments is list"),
        ('{"plan": [{"name": "go", "arguments": {"to": ["door"]}}]}', "expected one of"),
        ('{"plan": [{"name": "go", "arguments": {"to": NaN}}]}', "finite"),
        ('{"plan": [{"name": "go", "arguments": {"to": "\\ud800"}}]}', "surrogate"),
        ('{"plan": [{"name": "go", "arguments": {"to": "door"}, "count": 0}]}', "plan.count"),
        ('{"plan": [{"name": "go", "arguments": {"to": "door"}, "count": "2"}]}', "plan.count"),
        (
            '{"plan": [{"name": "go", "arguments": {"to": "door"}, "then": "rm"}]}',
            "expected name and arguments",
        ),
        ('{"plan": [{"name": "say", "arguments": {"words": {"a": 1}}}]}', "expected text"),
        ('{"plan": [{"name": "wait", "arguments": {"steps": true}}]}', "expected a number"),
        ('{"plan": [{"name": "wait", "arguments": {"steps": 1' + "0" * 5_000 + "}}]}", "cut short"),
    ],
)
def test_an_answer_that_cannot_be_read_is_refused_with_its_reason(answer, reason):
    with pytest.raises(InvalidRecord, match=reason):
        CallChoices.of([GO, PUT, SAY, WAIT]).read(answer)


@given(st.text(st.characters(codec="utf-8")) | st.text('go(dr),"{}[]: \nx2', max_size=40))
def test_any_other_text_gives_a_legal_call_or_invalid_record(answer):
    offered = CallChoices.of([GO, PUT])
    try:
        plan = offered.read(answer)
    except InvalidRecord:
        return
    assert set(plan) <= set(offered.calls())


@pytest.mark.parametrize("unit", [" ", "a(\n", "x,", "go(door", "[", '{"plan":', "\x00"])
def test_an_answer_of_any_length_is_read_in_seconds(unit):
    began_s = time.perf_counter()
    with pytest.raises(InvalidRecord):
        CallChoices.of([GO, PUT]).read("put(" + unit * 3_000_000)
    assert time.perf_counter() - began_s < 5.0
    assert MAX_ANSWER_CHARS < 100_000


def test_a_thing_that_nobody_has_seen_is_not_made_up():
    thing = Parameter(name="object", type="object", choices=(), is_open=True)
    look, take = Skill(name="look"), Skill(name="take", parameters=(thing,))
    assert [skill.name for skill in CallChoices.of([take, look]).skills] == ["look"]
    assert [skill.name for skill in CallChoices.of([take]).skills] == ["take"]
