"""Forms of answers that are no calls: held to by a grammar or schema, and read with what was wrong."""

import contextlib
import json

import pytest
from gbnf import Grammar
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.errors import InvalidRecord
from embodied_mem.facts import Triplet
from embodied_mem.planners.llm.answers.answer_form import AnswerForm
from embodied_mem.planners.llm.answers.answer_forms import FreeText, Judgement, OneOf, Verdict
from embodied_mem.planners.llm.answers.choices import CallChoices
from embodied_mem.planners.llm.answers.triplets import Triplets
from embodied_mem.records.skills import Skill

TEXT, VERDICT = FreeText(max_chars=20), Verdict("ok", "missing")
TASKS = OneOf(("get the key", 'say "hi" \\ there', "open the door"))
FACTS = Triplets(max_triplets=3, max_chars=12)
KEY = Triplet("key", "is in", "box 1")
FORMS = {"text": TEXT, "verdict": VERDICT, "one of": TASKS, "triplets": FACTS}


@pytest.mark.parametrize("form", [*FORMS.values(), CallChoices((Skill(name="wait"),))])
def test_every_form_has_a_grammar_a_lead_and_a_schema_with_a_title(form):
    checked: AnswerForm = form
    Grammar(checked.grammar())
    assert Grammar(checked.grammar(lead=" ")).rules.keys() == Grammar(checked.grammar()).rules.keys()
    schema = checked.schema()
    assert schema["title"].isidentifier()  # providers name the form by it
    assert schema["required"] == list(schema["properties"])
    json.dumps(schema)


SENTENCES = [
    (TEXT, "The door is locked.", "The door is locked."),
    (VERDICT, "ok: the key is held", Judgement(True, "the key is held")),
    (VERDICT, "missing: a key", Judgement(False, "a key")),
    (TASKS, 'say "hi" \\ there', 'say "hi" \\ there'),
    (FACTS, "none", ()),
    (FACTS, "key; is in; box 1", (KEY,)),
    (FACTS, "key; is in; box 1\nbox 1; is; red", (KEY, Triplet("box 1", "is", "red"))),
]


@pytest.mark.parametrize(("form", "text", "value"), SENTENCES)
def test_what_the_grammar_writes_is_read(form, text, value):
    assert Grammar(form.grammar()).accepts(text)
    assert Grammar(form.grammar(lead=" ")).accepts(f" {text}")
    assert form.read(text) == value


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (TEXT, ""),
        (TEXT, " blank first"),
        (TEXT, "two\nlines"),
        (TEXT, "x" * 21),
        (VERDICT, "ok"),
        (VERDICT, "fine: it is"),
        (TASKS, "get the chest"),
        (FACTS, "key; is in"),
        (FACTS, "key; is in; a; b"),
        (FACTS, "a; b; c\n" * 3 + "a; b; c"),
        (FACTS, "thirteen char; b; c"),
    ],
)
def test_the_grammar_writes_nothing_else(form, text):
    assert not Grammar(form.grammar()).accepts(text)


@pytest.mark.parametrize(
    ("form", "document", "value"),
    [
        (TEXT, {"text": "Two\nlines."}, "Two lines."),
        (VERDICT, {"reason": "no\nkey", "verdict": "missing"}, Judgement(False, "no key")),
        (TASKS, {"choice": "open the door"}, "open the door"),
        (FACTS, {"triplets": []}, ()),
        (FACTS, {"triplets": [{"subject": "key", "relation": "is in", "object": "box 1"}] * 2}, (KEY,)),
    ],
)
def test_an_object_of_the_schema_is_read(form, document, value):
    assert form.read(json.dumps(document)) == value
    assert form.read(f"```json\n{json.dumps(document)}\n```") == value


@pytest.mark.parametrize(
    ("form", "text", "value"),
    [
        (TEXT, "x" * 30, "x" * 20),
        (TEXT, "one\n\ntwo", "one two"),
        (VERDICT, "Verdict: OK - it is held", Judgement(True, "it is held")),
        (VERDICT, "**missing**: a key", Judgement(False, "a key")),
        (VERDICT, "ok.", Judgement(True, "")),
        (TASKS, "2. Open the door.", "open the door"),
        (TASKS, "Task: get the key", "get the key"),
        (FACTS, "Here they are:\n1. (key; is in; box 1)\n- key; is in; box 1", (KEY,)),
        (
            FACTS,
            "a; b; c\nd; e; f\ng; h; i\nj; k; l",
            tuple(Triplet(*each) for each in ("abc", "def", "ghi")),
        ),
        (FACTS, "None.", ()),
    ],
)
def test_a_free_answer_is_read_generously(form, text, value):
    assert form.read(text) == value


@pytest.mark.parametrize(
    ("form", "text", "said"),
    [
        (TEXT, "  \n", "the answer is empty; expected a line of text"),
        (TEXT, '{"text": 3}', "expected an object with a text as text"),
        (TEXT, '{"text": "cut', "the answer is no JSON, maybe cut short"),
        (VERDICT, "perhaps", "'perhaps'; expected 'ok' or 'missing', a colon and a reason"),
        (VERDICT, "okay: fine", "expected 'ok' or 'missing'"),
        (VERDICT, '{"verdict": "maybe", "reason": ""}', "expected 'ok' or 'missing'"),
        (TASKS, "fly", "'fly'; expected one of get the key, "),
        (FACTS, "the key is here", "'the key is here' is no triplet; expected subject; relation; object"),
        (FACTS, "", "the answer is empty; expected triplets, or none"),
        (FACTS, '{"triplets": ["a"]}', "'a' is no triplet"),
        (FACTS, '{"triplets": {}}', "expected an object with triplets"),
    ],
)
def test_what_cannot_be_read_is_told(form, text, said):
    with pytest.raises(InvalidRecord) as raised:
        form.read(text)
    assert said in str(raised.value)


@given(st.text(max_size=60))
def test_any_answer_is_read_or_refused_and_a_text_stands_on_one_line(text):
    for form in FORMS.values():
        with contextlib.suppress(InvalidRecord):
            assert "\n" not in str(form.read(text))


@pytest.mark.parametrize("make", [lambda: FreeText(0), lambda: Verdict(max_chars=True), lambda: Triplets(0)])
def test_bounds_are_at_least_one(make):
    with pytest.raises(InvalidRecord, match="expected an integer of at least 1"):
        make()


@pytest.mark.parametrize("options", [(), ("a", " ")])
def test_there_is_something_to_choose(options):
    with pytest.raises(InvalidRecord, match="expected at least one, none blank"):
        OneOf(options)
