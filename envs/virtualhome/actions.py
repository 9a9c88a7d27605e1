"""The primitive actions of the environment, as triples (action, object id, target id)."""

from typing import NamedTuple, TypeAlias

Action: TypeAlias = tuple[int, int, int]
"""Index in `ACTIONS`, id of the object, id of the target; 0 where an action takes none."""

ACTIONS = (
    "WAIT",  # ours: a step in which nothing is done, the price of a call that cannot begin
    "WALK",
    "FIND",
    "GRAB",
    "PUTBACK",
    "PUTIN",
    "PUTOBJBACK",
    "DROP",
    "OPEN",
    "CLOSE",
    "SWITCHON",
    "SWITCHOFF",
    "PLUGIN",
    "PLUGOUT",
    "SIT",
    "LIE",
    "STANDUP",
    "SLEEP",
    "WAKEUP",
    "TURNTO",
    "LOOKAT",
    "WATCH",
    "READ",
    "DRINK",
    "EAT",
    "POUR",
    "CUT",
    "TOUCH",
    "TYPE",
    "WASH",
    "WIPE",
    "SQUEEZE",
    "PUSH",
    "PULL",
    "MOVE",
    "PUTON",
    "PUTOFF",
)
INDEX = {name: index for index, name in enumerate(ACTIONS)}

# What the dataset's programs call otherwise; the simulator carries both out in the same way.
SAME_AS = {"RUN": "WALK", "RINSE": "WASH", "SCRUB": "WASH", "POINTAT": "LOOKAT", "RELEASE": "DROP"}


class Done(NamedTuple):
    """An action that was carried out: its name and objects."""

    action: str
    object: int = 0
    target: int = 0


def action(name: str, object: int = 0, target: int = 0) -> Action:
    """The triple of an action: `action("GRAB", 1002)`."""
    return INDEX[name], object, target
