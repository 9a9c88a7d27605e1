"""Whether a goal is reached, and how it reads as an instruction."""

from collections.abc import Mapping, Sequence

from embodied_mem.envs.virtualhome.actions import Done
from embodied_mem.envs.virtualhome.home import AGENT, Readable
from embodied_mem.envs.virtualhome.problems import Goal, Relation, State

HANDS = ("HOLDS_RH", "HOLDS_LH")

# In the order in which they can be done one after the other: what is put somewhere, opened and closed,
# plugged in and switched, taken into the hands; then where the agent is, and how.
_STATES = {
    "OPEN": (1, "open {}"),
    "CLOSED": (2, "close {}"),
    "PLUGGED_IN": (3, "plug in {}"),
    "PLUGGED_OUT": (3, "unplug {}"),
    "ON": (4, "switch on {}"),
    "OFF": (4, "switch off {}"),
    "CLEAN": (4, "wash {}"),
}
_OF_AGENT = {
    "HOLDS_RH": (5, "pick up {}"),
    "HOLDS_LH": (6, "pick up {}"),
    "INSIDE": (7, "go to {}"),
    "CLOSE": (8, "go to {}"),
    "ON": (9, "sit on {}"),
    "FACING": (10, "turn to {}"),
}
_ACTIONS = {
    "LOOKAT": "look at something",
    "WATCH": "watch something",
    "READ": "read something",
    "DRINK": "drink something",
    "TOUCH": "touch something",
    "PUSH": "push something",
    "WASH": "wash something",
    "RINSE": "wash something",
    "SCRUB": "wash something",
    "WIPE": "wipe something",
    "TYPE": "type on something",
    "GRAB": "pick up something",
    "SLEEP": "sleep",
    "POUR": "pour something into something",
    "SWITCHOFF": "switch off something",
}


def is_reached(goal: Goal, state: Readable, done: Sequence[Done]) -> bool:
    """Whether all conditions hold, and the goal's actions were carried out in their order.

    Args:
        goal: The goal.
        state: The home as it is.
        done: The actions that succeeded, in order.
    """
    return (
        all(each.state in state.states(each.id) for each in goal.states)
        and all(_holds(each, state) for each in goal.relations)
        and _were_done(goal.actions, done)
    )


def _holds(wanted: Relation, state: Readable) -> bool:
    """Whether a relation holds; either hand will do, since no skill chooses one."""
    relations = HANDS if wanted.relation in HANDS else (wanted.relation,)
    return any(wanted.to_id in state.to(wanted.from_id, each) for each in relations)


def _were_done(wanted: Sequence[Sequence[str]], done: Sequence[Done]) -> bool:
    actions = iter(each.action for each in done)
    return all(any(action in group for action in actions) for group in wanted)


def instruction(name: str, goal: Goal, names: Mapping[int, str]) -> str:
    """The task in words, such as `Drink: pick up cup 1, then drink something`.

    Args:
        name: The task's name.
        goal: Its goal.
        names: Names of the things.
    """
    is_lying = State(AGENT, "LYING") in goal.states
    parts = [_of_state(each, names) for each in goal.states if each.id != AGENT]
    parts += [_of_relation(each, names, is_lying=is_lying) for each in goal.relations]
    if not any(each.relation == "ON" and each.from_id == AGENT for each in goal.relations):
        parts += [(9, "lie on something" if is_lying else "sit on something")] * any(
            each.id == AGENT for each in goal.states
        )
    clauses = [text for _, text in sorted(parts, key=lambda part: part[0])]
    clauses += [_of_action(group) for group in goal.actions]
    return f"{name}: {', then '.join(dict.fromkeys(clauses))}."  # some goals say a thing twice


def _of_state(each: State, names: Mapping[int, str]) -> tuple[int, str]:
    order, text = _STATES[each.state]
    return order, text.format(names[each.id])


def _of_relation(each: Relation, names: Mapping[int, str], *, is_lying: bool) -> tuple[int, str]:
    if each.from_id == AGENT:
        order, text = _OF_AGENT[each.relation]
        if each.relation == "ON" and is_lying:
            text = "lie on {}"
        return order, text.format(names[each.to_id])
    if each.to_id == AGENT:
        return 5, f"put on {names[each.from_id]}"
    if each.relation == "INSIDE" and "water" in names[each.from_id]:
        return 0, f"pour {names[each.from_id]} into {names[each.to_id]}"
    word = "in" if each.relation == "INSIDE" else "on"
    return 0, f"put {names[each.from_id]} {word} {names[each.to_id]}"


def _of_action(group: Sequence[str]) -> str:
    return _ACTIONS[
        group[0]
    ]  # the others count as well; one reads better than "wash something or wipe something"
