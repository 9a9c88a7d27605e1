"""Prompts as data files: what they say, in which order, and what is wrong with a broken one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.errors import ExperimentError, UnknownName
from embodied_mem.planners.llm.answers.answer_text import one_line
from embodied_mem.planners.llm.prompts.situation import Situation
from embodied_mem.planners.llm.prompts.template import load_template, template_names
from embodied_mem.records import Experience, Outcome, SkillCall, Status, Task

OPEN = SkillCall("open", {"object": "red door"})
NOW = Situation({"task": "get to the chest", "state": "A red door.", "last": "", "held": "nothing"})
OWN = """
role = "plan"
version = 3
form = "completion"
inputs = ["task", "held"]
order = ["held", "task"]
separator = "\\n---\\n"
joint = "; "
[fields]
task = "T={task}"
held = "H={held}"
[answer]
success = "DO {call}"
failure = "DON'T {call} as {explanation}"
open = "DO"
"""


def experience(number, *, status=Status.SUCCESS, **changes):
    values = {
        "id": f"e{number}",
        "task": Task(f"task {number}"),
        "state": f"state {number}",
        "facts": {"held": f"key {number}"},
        "plan": (SkillCall("take", {"object": f"key {number}"}),),
        "outcome": Outcome(status=status, explanation="" if status is Status.SUCCESS else "it is locked"),
    }
    return Experience(**{**values, **changes})


def own(tmp_path, text=OWN, **options):
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    return load_template(str(path), **options)


# What a prompt says


def test_the_prompt_of_a_base_model():
    prompt = load_template("compact").prompt(NOW, [experience(1), experience(2, status=Status.FAILURE)])
    assert prompt.system == ""
    assert prompt.user == (
        "Task: task 1. state 1\n"
        "Action: take(key 1)\n"
        "\n"
        "Task: task 2. state 2\n"
        "Action: take(key 2) failed: it is locked\n"
        "\n"
        "Task: get to the chest. A red door.\n"
        "Action:"
    )


def test_the_prompt_of_a_chat_model():
    prompt = load_template("chat").prompt(
        NOW, [experience(1, status=Status.FAILURE)], skills="- open(object)"
    )
    assert "The calls it can make:\n- open(object)\n" in prompt.system
    assert prompt.user.endswith("Task: get to the chest\nSituation: A red door.\nCall:")
    assert "Call: take(key 1) (this failed: it is locked)\n\n" in prompt.user


@pytest.mark.parametrize("name", template_names())
def test_without_examples_only_the_situation_is_told(name):
    template = load_template(name)
    assert template.prompt(NOW, []).user.count(template.answer["open"]) == 1


@pytest.mark.parametrize("name", template_names())
def test_examples_keep_their_order_so_that_the_last_is_next_to_the_question(name):
    user = load_template(name).prompt(NOW, [experience(each) for each in (3, 1, 2)]).user
    assert re.findall(r"task (\d)", user) == ["3", "1", "2"]


def test_the_order_of_fields_is_a_setting():
    assert (
        load_template("compact", order=["state", "task"])
        .prompt(NOW, [])
        .user.startswith("A red door. Task: ")
    )
    assert load_template("compact", order=["held", "task"]).prompt(NOW, []).user == (
        "Holding nothing. Task: get to the chest.\nAction:"
    )
    with pytest.raises(UnknownName, match=r"field in the order of template compact 'tusk'.*'task'"):
        load_template("compact", order=["tusk"])


def test_a_field_is_left_out_where_its_input_is_empty_or_missing():
    template = load_template("compact", order=["task", "held", "known", "last"])
    assert template.prompt(Situation({"task": "go", "held": ""}), []).user == "Task: go.\nAction:"


def test_what_was_neither_won_nor_lost_is_no_failure():
    cancelled = load_template("compact").example(experience(1, status=Status.CANCELLED))
    assert cancelled.endswith("Action: take(key 1)")
    timeout = experience(1, outcome=Outcome(status=Status.TIMEOUT))
    assert load_template("compact").example(timeout).endswith("Action: take(key 1) failed: timeout")


def test_a_plan_of_several_calls_is_told_in_one_line():
    two = experience(1, plan=(OPEN, SkillCall("say", {"words": "a\nb"})))
    assert load_template("compact").example(two).endswith('\nAction: open(red door); say("a\\nb")')


# Values are data


@given(
    st.text(st.characters(codec="utf-8")) | st.sampled_from(["{task}", "{0}", "{", "}", "{{x}}", "%s", "$x"])
)
def test_braces_in_values_stay_as_they_are(value):
    template = load_template("compact")
    user = template.prompt(Situation({"task": value, "state": value}), [experience(1, state=value)]).user
    if one_line(value):
        assert user.count(template.quoted(value)) >= 3


@given(
    st.lists(
        st.sampled_from(
            ["\n", "\n\n", "\r", "\u2028", "\x85", "\x0b", "Action:", "ACTION :", "Call:", " ", ":", "go(x)"]
        )
        | st.text(max_size=4),
        max_size=12,
    ).map("".join),
    st.sampled_from(template_names()),
)
def test_no_value_makes_a_line_or_an_answer_of_its_own(value, name):
    template = load_template(name, order=["state", "task", "last"])
    innocent, hostile = [
        template.prompt(
            Situation(dict.fromkeys(("task", "state", "last"), each)),
            [
                experience(1, state=each, task=Task(each), plan=(SkillCall("say", {"words": each}),)),
                experience(
                    2, status=Status.FAILURE, outcome=Outcome(status=Status.FAILURE, explanation=each)
                ),
            ],
        ).user
        for each in ("harmless", f"x {value}")
    ]
    opening = template.answer["open"]
    assert len(hostile.splitlines()) == len(innocent.splitlines())
    starts = [line.startswith(opening) for line in hostile.splitlines()]
    assert starts == [line.startswith(opening) for line in innocent.splitlines()]
    label = re.compile(rf"(?i)\b{opening[:-1]}\s*:")
    assert len(label.findall(hostile)) == len(label.findall(innocent))


def test_quoting_keeps_what_other_languages_need():
    assert one_line("می‌خواهم 👩‍🔬\tthe\u00a0end\x07") == "می‌خواهم 👩‍🔬 the end"
    assert (
        load_template("compact").quoted("Transaction: ok. action : jump()")
        == "Transaction: ok. action jump()"
    )


# Files


def test_a_template_of_ones_own_is_a_file(tmp_path):
    template = own(tmp_path)
    assert template.id == "plan/mine@3"
    examples = [experience(1), experience(2, status=Status.FAILURE)]
    assert template.prompt(NOW, examples).user == (
        "H=key 1; T=task 1\nDO take(key 1)\n---\n"
        "H=key 2; T=task 2\nDON'T take(key 2) as it is locked\n---\n"
        "H=nothing; T=get to the chest\nDO"
    )
    assert own(tmp_path, order=["task"]).prompt(NOW, []).user == "T=get to the chest\nDO"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (("{task}", "{tusk}"), UnknownName, r"input in task of template mine 'tusk'.*Did you mean 'task'"),
        (("{task}", "{task.text}"), UnknownName, r"input in task of template mine 'task.text'"),
        (("{task}", "{skills}"), UnknownName, "input in task of template mine 'skills'"),
        (("{task}", "{}"), UnknownName, "input in task of template mine ''"),
        (
            ("{task}", "{task!r}"),
            ExperimentError,
            "task of template mine formats task; expected {task} alone",
        ),
        (("{task}", "{task:>99999}"), ExperimentError, "formats task"),
        (("{task}", "{task"), ExperimentError, "task of template mine has an unbalanced brace"),
        (("{call} as", "{calls} as"), UnknownName, r"input in answer.failure of template mine 'calls'"),
        (('open = "DO"', ""), ExperimentError, "template mine has no answer.open"),
        (('open = "DO"', "open = 3"), ExperimentError, "answer.open of template mine is 3; expected text"),
        (('open = "DO"', 'open = "{call}"'), UnknownName, "input in answer.open of template mine 'call'"),
        (
            ('"completion"', '"completions"'),
            UnknownName,
            r"form of template mine 'completions'.*'completion'",
        ),
        (
            ('order = ["held", "task"]', 'order = ["hold"]'),
            UnknownName,
            r"order of template mine 'hold'.*'held'",
        ),
        (('order = ["held", "task"]', 'order = "task"'), ExperimentError, "order of template mine is 'task'"),
        (
            ("version = 3", 'version = "3"'),
            ExperimentError,
            "version of template mine is '3'; expected an integer",
        ),
        (("version = 3", ""), ExperimentError, "template mine is incomplete: .*version"),
        (("version = 3", "version = 3\nsytem = 1"), UnknownName, r"key of template mine 'sytem'.*'system'"),
        (
            ("version = 3", 'version = 3\nsystem = "{skills}"'),
            UnknownName,
            "input in system of template mine 'skills'",
        ),
        (
            ("version = 3", 'version = 3\nsystem = "{task}"'),
            UnknownName,
            "input in system of template mine 'task'",
        ),
        (("[fields]", "[fields"), ExperimentError, "template mine is not TOML: .*line"),
        (("[fields]", "fields = 3\n[x]"), (ExperimentError, UnknownName), "mine"),
        (('"T={task}"', "[1]"), ExperimentError, "task of template mine is"),
    ],
)
def test_a_broken_template_is_refused_by_name(tmp_path, change, error, message):
    assert change[0] in OWN
    with pytest.raises(error, match=message):
        own(tmp_path, OWN.replace(*change))


def test_skills_belong_to_the_instruction_alone(tmp_path):
    text = OWN.replace('["task", "held"]', '["task", "held", "skills"]').replace(
        "version", 'system = "{skills}!"\nversion'
    )
    assert own(tmp_path, text).prompt(NOW, [], skills="- go()").system == "- go()!"
    with pytest.raises(UnknownName, match="input in task of template mine 'skills'"):
        own(tmp_path, text.replace("T={task}", "T={skills}"))


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ExperimentError, match=r"template .*none.toml cannot be read"):
        load_template(str(tmp_path / "none.toml"))
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ExperimentError, match=r"bytes.toml cannot be read"):
        load_template(str(tmp_path / "bytes.toml"))
    with pytest.raises(
        UnknownName, match=r"template 'compakt'.*Did you mean 'compact'.*Known: chat, .*compact"
    ):
        load_template("compakt")


@pytest.mark.parametrize("name", template_names())
def test_each_template_of_the_library_makes_prompts(name):
    template = load_template(name)
    assert template.id == f"{template.role}/{name}@{template.version}"
    everything = Situation(dict.fromkeys(template.inputs, "VALUE"))
    assert load_template(name, order=list(template.fields)).prompt(everything, []).user.count("VALUE") == len(
        template.fields
    )
