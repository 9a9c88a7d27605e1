"""The skills: one action of the simulator each, with roles, phrases and what their arguments may be."""

from dataclasses import dataclass

from embodied_mem.envs.building import skill
from embodied_mem.records.skills import Parameter, Skill

ANY = frozenset[str]()


@dataclass(frozen=True, slots=True)
class SkillRow:
    """One skill.

    Attributes:
        name: Its name.
        action: The simulator's action.
        roles: Names of its parameters: `object`, or `item` and `target`.
        needs: For each role, properties of which a thing has one; empty if any thing may be meant.
        where: For each role, which things are offered: those `known`, `seen`, `reach`, `faced`, `held` or
            `worn` now. `reach` is what is seen, and the skill walks up to it.
        effect: State of the object, or relation, that is there afterwards; a call is a success if it was
        there
            before. Empty for an act that leaves nothing behind.
        done: The past participle, for failures.
        phrases: Phrases of instructions.
        description: Its effect in words.
    """

    name: str
    action: str
    roles: tuple[str, ...]
    needs: tuple[frozenset[str], ...]
    where: tuple[str, ...]
    effect: str
    done: str
    phrases: tuple[str, ...]
    description: str

    @property
    def approaches(self) -> bool:
        """Whether the agent has to be near the last thing, and walks up to it."""
        return self.where[-1:] == ("reach",)


def _row(
    name: str,
    action: str,
    phrases: str,
    description: str,
    *,
    needs: tuple[str, ...] = ("",),
    where: tuple[str, ...] = ("reach",),
    effect: str = "",
    done: str = "",
) -> SkillRow:
    roles: tuple[str, ...] = ("item", "target") if len(where) == 2 else ("object",) * len(where)
    return SkillRow(
        name,
        action,
        roles,
        tuple(frozenset(each.split()) for each in needs) if where else (),
        where,
        effect,
        done or f"{name}ed",
        tuple(each.strip() for each in phrases.split(";")),
        description,
    )


ROWS = (
    _row(
        "go_to",
        "FIND",
        "go to {object}; walk to {object}; find {object}",
        "Walk up to something that has been seen, or into a room.",
        where=("known",),
        done="reached",
    ),
    _row("explore", "WALK", "explore; look around", "Walk into the nearest room not seen yet.", where=()),
    _row(
        "grab",
        "GRAB",
        "pick up {object}; grab {object}; take {object}; get {object}",
        "Take it into a free hand: the right one first, then the left one.",
        needs=("GRABBABLE WATER",),
        effect="held",
        done="picked up",
    ),
    _row(
        "put_on",
        "PUTBACK",
        "put {item} on {target}; place {item} on {target}",
        "Put what is held on something.",
        needs=("", "SURFACES SITTABLE LIEABLE HAS_SWITCH"),
        where=("held", "reach"),
        effect="on",
        done="put on anything",
    ),
    _row(
        "put_in",
        "PUTIN",
        "put {item} in {target}; put {item} into {target}; place {item} in {target}",
        "Put what is held into something.",
        needs=("", "CAN_OPEN CONTAINERS RECIPIENT"),
        where=("held", "reach"),
        effect="in",
        done="put into anything",
    ),
    _row(
        "put_back",
        "PUTOBJBACK",
        "put back {object}; return {object}",
        "Put what is held back where it was taken from.",
        where=("held",),
        done="put back",
    ),
    _row(
        "drop",
        "DROP",
        "drop {object}",
        "Let go of what is held; it stays in the room.",
        where=("held",),
        done="dropped",
    ),
    _row(
        "open",
        "OPEN",
        "open {object}",
        "It is open afterwards.",
        needs=("CAN_OPEN",),
        effect="OPEN",
        done="opened",
    ),
    _row(
        "close",
        "CLOSE",
        "close {object}; shut {object}",
        "It is closed afterwards.",
        needs=("CAN_OPEN",),
        effect="CLOSED",
        done="closed",
    ),
    _row(
        "switch_on",
        "SWITCHON",
        "switch on {object}; turn on {object}",
        "It is on afterwards.",
        needs=("HAS_SWITCH",),
        effect="ON",
        done="switched on",
    ),
    _row(
        "switch_off",
        "SWITCHOFF",
        "switch off {object}; turn off {object}",
        "It is off afterwards.",
        needs=("HAS_SWITCH",),
        effect="OFF",
        done="switched off",
    ),
    _row(
        "plug_in",
        "PLUGIN",
        "plug in {object}",
        "It is plugged in afterwards.",
        needs=("HAS_PLUG",),
        effect="PLUGGED_IN",
        done="plugged in",
    ),
    _row(
        "unplug",
        "PLUGOUT",
        "unplug {object}",
        "It is unplugged afterwards.",
        needs=("HAS_PLUG",),
        effect="PLUGGED_OUT",
        done="unplugged",
    ),
    _row(
        "sit",
        "SIT",
        "sit on {object}; sit down on {object}",
        "Sit down on it.",
        needs=("SITTABLE",),
        effect="SITTING",
        done="sat on",
    ),
    _row(
        "lie",
        "LIE",
        "lie on {object}; lie down on {object}",
        "Lie down on it.",
        needs=("LIEABLE",),
        effect="LYING",
        done="lain on",
    ),
    _row("stand_up", "STANDUP", "stand up; get up", "Stand up.", where=()),
    _row("sleep", "SLEEP", "sleep; fall asleep", "Sleep where the agent sits or lies.", where=()),
    _row("wake_up", "WAKEUP", "wake up", "Wake up where the agent sits or lies.", where=()),
    _row(
        "turn_to",
        "TURNTO",
        "turn to {object}; face {object}",
        "Turn towards something in the room.",
        where=("seen",),
        done="faced",
    ),
    _row(
        "look_at",
        "LOOKAT",
        "look at {object}",
        "Look at what the agent faces.",
        where=("faced",),
        done="looked at",
    ),
    _row(
        "watch",
        "WATCH",
        "watch {object}",
        "Watch what the agent faces.",
        needs=("LOOKABLE",),
        where=("faced",),
        done="watched",
    ),
    _row(
        "read",
        "READ",
        "read {object}",
        "Read what is held.",
        needs=("READABLE",),
        where=("held",),
        done="read",
    ),
    _row(
        "drink",
        "DRINK",
        "drink {object}; drink from {object}",
        "Drink what is held, or from it.",
        needs=("DRINKABLE RECIPIENT",),
        where=("held",),
        done="drunk",
    ),
    _row("eat", "EAT", "eat {object}", "Eat it.", needs=("EATABLE",), done="eaten"),
    _row(
        "pour",
        "POUR",
        "pour {item} into {target}; pour {item} in {target}; pour {item} on {target}",
        "Pour what is held into something.",
        needs=("POURABLE DRINKABLE", "RECIPIENT"),
        where=("held", "reach"),
        effect="in",
        done="poured",
    ),
    _row("cut", "CUT", "cut {object}", "Cut it with a knife that is held.", needs=("CUTTABLE",), done="cut"),
    _row("touch", "TOUCH", "touch {object}; pet {object}", "Touch it."),
    _row("type", "TYPE", "type on {object}", "Type on it.", needs=("HAS_SWITCH KEYBOARD",), done="typed on"),
    _row("wash", "WASH", "wash {object}; rinse {object}; scrub {object}", "It is clean afterwards."),
    _row("wipe", "WIPE", "wipe {object}", "Wipe it with what is held; it is clean afterwards.", done="wiped"),
    _row("squeeze", "SQUEEZE", "squeeze {object}", "Squeeze it.", needs=("CLOTHES",), done="squeezed"),
    _row("push", "PUSH", "push {object}", "Push it.", needs=("MOVABLE",)),
    _row("pull", "PULL", "pull {object}", "Pull it.", needs=("MOVABLE",)),
    _row("move", "MOVE", "move {object}", "Move it.", needs=("MOVABLE",), done="moved"),
    _row(
        "wear",
        "PUTON",
        "put on {object}; wear {object}",
        "Put on clothes that are held.",
        needs=("CLOTHES",),
        where=("held",),
        done="worn",
    ),
    _row(
        "take_off",
        "PUTOFF",
        "take off {object}",
        "Take off clothes that are worn.",
        needs=("CLOTHES",),
        where=("worn",),
        done="taken off",
    ),
)
BY_NAME = {row.name: row for row in ROWS}


def as_skill(row: SkillRow, choices: tuple[tuple[str, ...], ...]) -> Skill:
    """The skill with the choices of its parameters; other values are judged when it is called."""
    parameters = {
        role: Parameter(name=role, type="object", choices=each, is_open=True)
        for role, each in zip(row.roles, choices, strict=True)
    }
    return skill(row.name, phrases=row.phrases, description=row.description, **parameters)


ONLY_DOWN = frozenset(("stand_up", "wake_up"))  # offered while the agent sits or lies
SIGNATURES = tuple(as_skill(row, ((),) * len(row.roles)) for row in ROWS)
