"""The legal calls of a moment: as a list, read back from text, and as a JSON schema."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.errors import InvalidRecord, UnknownName
from embodied_mem.records import Experience, SkillCall
from embodied_mem.records.legal_calls import MAX_LEGAL_CALLS, call_schema, legal_calls, parse_call, write_call
from embodied_mem.records.skills import Parameter, Skill
from embodied_mem.store import MemoryStore


def skill(name, **parameters):
    made = [
        value if isinstance(value, Parameter) else Parameter(name=key, choices=tuple(value))
        for key, value in parameters.items()
    ]
    return Skill(name=name, parameters=tuple(made))


def branches_of(schema: Any) -> list[Any]:
    return schema["items"]["anyOf"]


DROP = skill("drop")
GO = skill("go_to", object=["red ball 1", "green door 1"])
PUT = skill("put", item=["key", "ball"], target=["box", "shelf", "floor"])
SAY = skill("say", words=())

# Texts that could be taken for something else: numbers, JSON, lists, counts, calls.
TRICKY = [
    "",
    " ",
    "a, b",
    "a,b",
    '"',
    '"a"',
    "'",
    "1",
    "-0.5",
    "true",
    "null",
    "NaN",
    "[",
    "[1]",
    "{}",
    ") x2",
]
TRICKY += ["a) x2", "x3", "(", "f(a)", "a\nb", "\\", "é", "say(hi) x2", "2 balls", "a ", ", ", "Infinity"]
TEXTS = st.sampled_from(TRICKY) | st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Z"]), max_size=12
)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@given(values=st.lists(VALUES, max_size=4), count=st.integers(1, 2**63 - 1), before=TEXTS, name=TEXTS)
def test_a_call_that_is_written_can_be_read_back(values, count, before, name):
    arguments = {f"p{at}": value for at, value in enumerate(values)}
    call = SkillCall(f"{before}skill {name}", arguments, count)
    wanted = skill(call.name, **dict.fromkeys(arguments, ()))
    other = skill("skill", **dict.fromkeys(arguments, ()))
    read = parse_call(str(call), [other, wanted])
    assert (read.name, read.count) == (call.name, call.count)
    assert json.dumps(read.arguments) == json.dumps(dict(call.arguments))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (SkillCall("go_to", {"object": "red ball 1"}), "go_to(red ball 1)"),
        (SkillCall("put", {"item": "key", "target": "box"}, count=3), "put(key, box) x3"),
        (SkillCall("drop"), "drop()"),
        (SkillCall("act", {"action": [0.5, -1]}), "act([0.5, -1])"),
        (SkillCall("say", {"words": "hi, it's me"}), 'say("hi, it\'s me")'),
        (SkillCall("press", {"switch": 3}), "press(3)"),
        (SkillCall("press", {"switch": "3"}), 'press("3")'),
        (SkillCall("set", {"on": True, "to": None}), "set(true, null)"),
    ],
)
def test_texts_are_written_as_they_are_unless_they_could_be_misread(call, text):
    assert str(call) == text


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("  go_to( red ball 1 )  ", SkillCall("go_to", {"object": "red ball 1"})),
        ("put(key,box)", SkillCall("put", {"item": "key", "target": "box"})),
        ('put("key", "box")', SkillCall("put", {"item": "key", "target": "box"})),
        ("say(hello, world)", SkillCall("say", {"words": "hello, world"})),
        ("drop( ) x1", SkillCall("drop")),
    ],
)
def test_what_models_write_is_read_where_it_is_clear(text, call):
    assert parse_call(text, [DROP, GO, PUT, SAY]) == call


def test_a_call_of_a_recalled_plan_is_written_in_the_order_of_the_parameters(tmp_path):
    skills = [DROP, skill("use", tool=["key"], door=["door 1"])]
    call = SkillCall("use", {"tool": "key", "door": "door 1"})
    with MemoryStore.open(tmp_path) as store:
        store.memory().record(Experience(task="open", plan=(call,)))
        [recalled] = store.memory().recall("open")[0].experience.plan
    assert write_call(recalled, skills) == "use(key, door 1)"
    assert parse_call(write_call(recalled, skills), skills) == call
    assert write_call(SkillCall("fly", {"to": "door 1"}), skills) == "fly(door 1)"


def test_a_choice_is_found_by_how_it_is_written():
    assert parse_call("press(3)", [skill("press", switch=["3", "4"])]).arguments == {"switch": "3"}
    assert parse_call('press("3")', [skill("press", switch=[3, 4])]).arguments == {"switch": 3}


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("goto(red ball 1)", UnknownName, "Did you mean 'go_to'"),
        ("go_to(red bal 1)", InvalidRecord, "did you mean 'red ball 1'"),
        ("go_to()", InvalidRecord, "go_to takes object; given 0"),
        ("put(key)", InvalidRecord, "put takes item, target; given 1"),
        ("put(key, box, floor)", InvalidRecord, "holds a comma needs double quotes"),
        ("drop(key)", InvalidRecord, "drop takes no arguments"),
        ("go_to", InvalidRecord, "is no call"),
        ("go_to(red ball 1", InvalidRecord, "is no call"),
        ("go_to(red ball 1) x0", InvalidRecord, "is no call"),
        ("go_to(red ball 1) twice", InvalidRecord, "is no call"),
        ("", InvalidRecord, "is no call"),
    ],
)
def test_what_is_no_legal_call_is_named(text, error, said):
    with pytest.raises(error, match=said):
        parse_call(text, [DROP, GO, PUT])


def test_legal_calls_are_every_combination_of_choices_in_order():
    assert [str(call) for call in legal_calls([PUT, DROP])] == [
        "put(key, box)",
        "put(key, shelf)",
        "put(key, floor)",
        "put(ball, box)",
        "put(ball, shelf)",
        "put(ball, floor)",
        "drop()",
    ]


def test_a_skill_that_takes_any_value_has_no_calls_to_list():
    assert legal_calls([SAY]) == []


def test_more_calls_than_the_limit_are_an_error_that_names_the_skill():
    wide = skill("hold", **{f"axis_{at}": "abcde" for at in range(5)})
    with pytest.raises(InvalidRecord, match=r"3,126 legal calls, 3,125 of them of hold; limit is 1,000"):
        legal_calls([DROP, wide])
    assert len(legal_calls([DROP, wide], limit=3_126)) == 3_126 > MAX_LEGAL_CALLS


def test_the_schema_has_a_branch_for_each_skill_with_its_choices():
    schema = call_schema([DROP, PUT])
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    drop, put = branches_of(schema)
    assert drop["properties"]["name"] == {"const": "drop"}
    assert put["properties"]["arguments"] == {
        "type": "object",
        "properties": {"item": {"enum": ["key", "ball"]}, "target": {"enum": ["box", "shelf", "floor"]}},
        "required": ["item", "target"],
        "additionalProperties": False,
    }
    json.dumps(schema)


@pytest.mark.parametrize(
    ("parameter", "schema"),
    [
        (Parameter(name="p"), {"type": "string"}),
        (Parameter(name="p", type="object"), {"type": "string"}),
        (Parameter(name="p", type="number"), {"type": "number"}),
        (Parameter(name="p", type="action"), {}),
        (Parameter(name="p", choices=("a", 1)), {"enum": ["a", 1]}),
        (
            Parameter(name="p", choices=("a",), is_open=True),
            {"anyOf": [{"enum": ["a"]}, {"type": "string"}]},
        ),
    ],
)
def test_the_schema_of_a_value_follows_its_parameter(parameter, schema):
    (branch,) = branches_of(call_schema([skill("do", p=parameter)]))
    assert branch["properties"]["arguments"]["properties"] == {"p": schema}


def test_a_description_goes_into_the_schema():
    (branch,) = branches_of(call_schema([Skill(name="drop", description="Put it down.")]))
    assert branch["description"] == "Put it down."


def test_without_skills_only_the_empty_plan_fits():
    assert call_schema([])["maxItems"] == 0


def test_what_fits_the_schema_is_a_call_and_what_does_not_is_none():
    jsonschema = pytest.importorskip("jsonschema")
    skills = [DROP, GO, PUT, SAY]
    validator = jsonschema.Draft202012Validator(call_schema(skills))
    jsonschema.Draft202012Validator.check_schema(validator.schema)
    calls = legal_calls(skills)
    plan = [{"name": call.name, "arguments": dict(call.arguments)} for call in calls]
    validator.validate(plan)
    assert [SkillCall(**item) for item in plan] == calls
    wrong = [
        [],
        [{"name": "fly", "arguments": {}}],
        [{"name": "go_to", "arguments": {"object": "moon"}}],
        [{"name": "go_to", "arguments": {}}],
        [{"name": "drop", "arguments": {"object": "key"}}],
        [{"name": "drop", "arguments": {}, "count": 0}],
    ]
    assert not any(validator.is_valid(item) for item in wrong)
