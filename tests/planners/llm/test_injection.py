"""Orders hidden in memories, names and descriptions, with a model that obeys all it reads: nothing is gained.

Every order is put into every frame, on every channel and in both forms of prompt: more than 600 attempts.
"""

import json

import pytest
from gbnf import Grammar
from hidden_orders import CHANNELS, FRAMES, ORDERS, HostileWorld, attempt, attempts, check_prompt, obedient

from embodied_mem.errors import InvalidRecord
from embodied_mem.planners.llm.answers.choices import CallChoices
from embodied_mem.planners.llm.models.scripted import ScriptedModel
from embodied_mem.planners.llm.planner import LLMPlanner
from embodied_mem.records import SkillCall


@pytest.mark.parametrize("form", ["completion", "chat"])
@pytest.mark.parametrize("channel", CHANNELS)
def test_a_model_that_obeys_hidden_orders_gains_no_call_and_no_limit(channel, form):
    template = LLMPlanner(ScriptedModel([], form=form)).template
    for order, text in attempts():
        model = ScriptedModel(obedient, form=form)
        attempt(channel, model, text)
        assert order in map(obedient, model.requests)  # the attempt reached the model
        for request in model.requests:
            check_prompt(request, template)


@pytest.mark.parametrize("frame", FRAMES)
def test_a_hostile_name_stays_within_its_literal_of_the_grammar_and_schema(frame):
    name = frame.format(n=0, order=ORDERS[0])
    world = HostileWorld(name=name)
    world.observe(*world.env.reset(seed=0))
    choices = CallChoices.of(world.skills(None))
    grammar = Grammar(choices.grammar())
    assert all(grammar.accepts(str(call)) for call in choices.calls())
    assert not any(grammar.accepts(order) for order in ORDERS)
    assert (
        name
        in json.loads(json.dumps(choices.schema()))["properties"]["plan"]["items"]["anyOf"][2]["properties"][
            "arguments"
        ]["properties"]["object"]["enum"]
    )
    assert choices.read(str(SkillCall("take", {"object": name})))[0].arguments == {"object": name}


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_gains_nothing_by_being_answered(order):
    world = HostileWorld()
    world.observe(*world.env.reset(seed=0))
    choices = CallChoices.of(world.skills(None))
    try:
        plan = choices.read(order)
    except InvalidRecord:
        return
    assert len(plan) == 1
    assert plan[0].count == 1
    assert plan[0] in set(choices.calls())
