import pytest

from embodied_mem.envs.virtualhome.actions import Done
from embodied_mem.envs.virtualhome.goals import instruction, is_reached
from embodied_mem.envs.virtualhome.home import GraphState
from embodied_mem.envs.virtualhome.problems import Goal, Line, Relation, State, read_goal, read_program
from tests.envs.virtualhome.five_nodes import edge, graph, node

NAMES = {10: "fridge 1", 11: "milk 1", 12: "table 1", 13: "cup 1", 14: "water 1", 1: "kitchen"}
COLD = Goal(states=(State(10, "CLOSED"),), relations=(Relation(11, "INSIDE", 10),))


def test_a_goal_holds_if_all_its_conditions_do():
    assert is_reached(COLD, GraphState(graph()), [])
    is_open = GraphState(graph([node(10, "fridge", states=["OPEN"])]))
    assert not is_reached(COLD, is_open, [])


@pytest.mark.parametrize(
    ("done", "is_enough"),
    [
        (["GRAB", "WASH"], True),
        (["GRAB", "OPEN", "WIPE", "GRAB"], True),
        (["WASH", "GRAB"], False),
        (["GRAB"], False),
        ([], False),
    ],
)
def test_actions_count_in_their_order(done, is_enough):
    goal = Goal(actions=(("GRAB",), ("WASH", "WIPE")))
    assert is_reached(goal, GraphState(graph()), [Done(name) for name in done]) is is_enough


def test_an_entry_of_the_dataset_is_read():
    entry = {
        "actions": ["TOUCH|PUSH"],
        "goal": [
            {"id": 10, "class_name": "fridge", "state": "CLOSED"},
            {"from_id": 11, "relation_type": "INSIDE", "to_id": 10},
        ],
    }
    assert read_goal(entry) == Goal(COLD.states, COLD.relations, (("TOUCH", "PUSH"),))
    assert read_goal({"actions": [], "goal": []}).is_empty


def test_a_program_is_read():
    lines = [
        "Drink",
        "Go.",
        "",
        "[WALK] <office> (1.319)",
        "[PUTBACK] <cup> (1.13) <table> (1.2)",
        "[SLEEP]",
    ]
    text = "\n".join(lines)
    assert read_program(text) == (Line("WALK", (319,)), Line("PUTBACK", (13, 2)), Line("SLEEP"))


def test_the_instruction_names_first_what_can_be_done_first():
    goal = Goal(
        states=(State(10, "CLOSED"), State(65, "SITTING")),
        relations=(Relation(65, "HOLDS_RH", 13), Relation(65, "ON", 12), Relation(11, "INSIDE", 10)),
        actions=(("DRINK",),),
    )
    assert instruction("Drink", goal, NAMES) == (
        "Drink: put milk 1 in fridge 1, then close fridge 1, then pick up cup 1, then sit on table 1, "
        "then drink something."
    )


def test_of_actions_that_count_alike_the_first_is_named():
    goal = Goal(actions=(("WASH", "RINSE", "WIPE"),))
    assert instruction("Wash", goal, NAMES) == "Wash: wash something."


def test_either_hand_will_do():
    goal = Goal(relations=(Relation(65, "HOLDS_RH", 13),))
    assert is_reached(goal, GraphState(graph(edges=[edge(65, "HOLDS_LH", 13)])), [])
    assert not is_reached(goal, GraphState(graph()), [])


def test_who_lies_does_not_sit():
    goal = Goal(states=(State(65, "LYING"),), relations=(Relation(65, "ON", 12),))
    assert instruction("Sleep", goal, NAMES) == "Sleep: lie on table 1."
    assert instruction("Sleep", Goal(states=goal.states), NAMES) == "Sleep: lie on something."


def test_water_is_poured():
    goal = Goal(relations=(Relation(14, "INSIDE", 13),))
    assert instruction("Get water", goal, NAMES) == "Get water: pour water 1 into cup 1."
