"""Invent a household problem in ALFWorld's PDDL from what its package knows of rooms, things and goals.

Kinds of thing and receptacle are those of a floor plan of the package, what may lie where and what can be
heated, cooled or cleaned comes from its constants, and the goal from its goal library. How many things there
are and where they lie is invented, so scores are not comparable with those of the published games.
"""

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np

TASKS = {  # task type -> what its object must allow, and the receptacle that this needs
    "pick_and_place_simple": ("", ""),
    "look_at_obj_in_light": ("", "DeskLamp"),
    "pick_clean_then_place_in_recep": ("Cleanable", "SinkBasin"),
    "pick_heat_then_place_in_recep": ("Heatable", "Microwave"),
    "pick_cool_then_place_in_recep": ("Coolable", "Fridge"),
    "pick_two_obj_and_place": ("", ""),
}
MAX_OF_A_KIND = 3  # receptacles; the planner's time grows with them
N_OTHERS = 8  # things that the task does not need
NO_GOALS = ("GarbageCan", "StoveBurner", "Toaster", "CoffeeMachine", "HandTowelHolder", "TowelHolder")


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem and its task in words.

    Attributes:
        pddl: The problem in PDDL.
        task: Such as `put a hot egg in countertop`.
    """

    pddl: str
    task: str


def invent(task_type: str, rng: np.random.Generator) -> Problem | None:
    """Return a problem of a type; None if the floor plan that was drawn has no room for it."""
    from alfworld.gen import constants
    from alfworld.gen.goal_library import gdict

    scene = _scene(task_type, rng, constants)
    target, goal_kind = _goal(task_type, scene, rng, constants)
    if not target:
        return None
    things = _things(task_type, target, goal_kind, scene, rng, constants)
    words = {"obj": target, "recep": goal_kind, "toggle": "DeskLamp", "mrecep": ""}
    goal = gdict[task_type]["pddl"].format(**words).replace("#", "-")
    told = str(rng.choice(gdict[task_type]["templates"]))
    task = told.format(**{key: word.lower() for key, word in words.items()})
    return Problem(_pddl(scene, things, goal, constants), task)


def _scene(task_type: str, rng: np.random.Generator, constants: Any) -> dict[str, list[str]]:
    """A floor plan: kind of receptacle -> names, and under `things` the kinds of thing in it."""
    rooms = sorted(constants.GOALS_VALID[task_type])
    numbers = list(constants.SCENE_TYPE[str(rng.choice(rooms))])
    layouts = files("alfworld.gen").joinpath("layouts")
    plan = f"FloorPlan{int(rng.choice(numbers))}"
    kinds = json.loads(layouts.joinpath(f"{plan}-objects.json").read_text("utf-8"))
    scene: dict[str, list[str]] = {"things": sorted(set(kinds))}
    for name in sorted(json.loads(layouts.joinpath(f"{plan}-openable.json").read_text("utf-8"))):
        kind = "SinkBasin" if name.endswith("SinkBasin") else name.split("|")[0]
        if kind in constants.VAL_RECEPTACLE_OBJECTS and len(scene.setdefault(kind, [])) < MAX_OF_A_KIND:
            number = len(scene[kind]) + 1
            # ALFWorld names `sink ... basin` a sinkbasin, and `kind_bar_...` by the kind.
            scene[kind].append(
                f"Sink_bar_{number}_bar_Basin" if kind == "SinkBasin" else f"{kind}_bar_{number}"
            )
    return scene


def _goal(
    task_type: str, scene: dict[str, list[str]], rng: np.random.Generator, constants: Any
) -> tuple[str, str]:
    """The kind of thing that is wanted, and the kind of receptacle where; empty if there is none."""
    allows, needs = TASKS[task_type]
    if needs and needs not in scene and needs not in scene["things"]:
        return "", ""
    pairs = [
        (thing, kind)
        for kind in _receptacles(scene)
        for thing in scene["things"]
        if thing in constants.VAL_RECEPTACLE_OBJECTS[kind]
        and (not allows or thing in constants.VAL_ACTION_OBJECTS[allows])
        and kind not in (*NO_GOALS, needs)
        and thing != "DeskLamp"
        and len(_places(thing, scene, constants)) > 1
    ]
    return pairs[int(rng.integers(len(pairs)))] if pairs else ("", "")


def _things(
    task_type: str,
    target: str,
    goal_kind: str,
    scene: dict[str, list[str]],
    rng: np.random.Generator,
    constants: Any,
) -> dict[str, str]:
    """What lies where: thing -> receptacle. What is wanted does not lie where it is wanted."""
    others = [thing for thing in scene["things"] if thing != target and _places(thing, scene, constants)]
    kinds = [str(kind) for kind in rng.permutation(others)[:N_OTHERS]]
    kinds += [target] * (2 if task_type == "pick_two_obj_and_place" else 1)
    if task_type == "look_at_obj_in_light" and "DeskLamp" not in kinds:
        kinds.append("DeskLamp")
    lying: dict[str, str] = {}
    for number, kind in enumerate(kinds):
        places = _places(kind, scene, constants)
        away = (
            [place for place in places if place not in scene.get(goal_kind, ())] if kind == target else places
        )
        lying[f"{kind}_bar_{number}"] = str(rng.choice(away or places))
    return lying


def _receptacles(scene: dict[str, list[str]]) -> list[str]:
    return [kind for kind in scene if kind != "things"]


def _places(thing: str, scene: dict[str, list[str]], constants: Any) -> list[str]:
    """Receptacles that may hold a kind of thing; lamps stand on furniture."""
    lamp_stands = ("Desk", "SideTable", "Dresser", "DiningTable", "Shelf")
    return [
        name
        for kind in _receptacles(scene)
        for name in scene[kind]
        if thing in constants.VAL_RECEPTACLE_OBJECTS[kind] or (thing == "DeskLamp" and kind in lamp_stands)
    ]


def _pddl(scene: dict[str, list[str]], things: dict[str, str], goal: str, constants: Any) -> str:
    at = {name: f"loc_{kind}_{i}" for kind in _receptacles(scene) for i, name in enumerate(scene[kind])}
    thing_kinds = sorted({name.split("_bar_")[0] for name in things})
    objects = ["agent1 - agent", "loc_start - location", *(f"{place} - location" for place in at.values())]
    objects += [f"{name} - receptacle" for name in at] + [f"{name} - object" for name in things]
    objects += [f"{kind}Type - otype" for kind in thing_kinds]
    objects += [f"{kind}Type - rtype" for kind in sorted({*_receptacles(scene), *GOAL_TYPES})]
    facts = ["(= (total-cost) 0)", "(atLocation agent1 loc_start)"]
    for kind in _receptacles(scene):
        is_openable = kind in constants.OPENABLE_CLASS_SET
        for name in scene[kind]:
            facts += [f"(receptacleType {name} {kind}Type)", f"(receptacleAtLocation {name} {at[name]})"]
            facts += [f"(openable {name})"] if is_openable else []
        held = constants.VAL_RECEPTACLE_OBJECTS[kind]
        facts += [f"(canContain {kind}Type {thing}Type)" for thing in thing_kinds if thing in held]
    for name, place in things.items():
        facts += _facts_of(name, place, at[place], constants)
    lines = "\n".join(objects), "\n".join(facts)
    return (
        "(define (problem plan_invented) (:domain alfred)\n"
        f"(:objects\n{lines[0]}\n)\n(:init\n{lines[1]}\n)\n{goal}"
    )


GOAL_TYPES = ("SinkBasin", "Microwave", "Fridge")  # which the domain names


def _facts_of(name: str, place: str, location: str, constants: Any) -> list[str]:
    kind = name.split("_bar_")[0]
    facts = [f"(objectType {name} {kind}Type)", f"(inReceptacle {name} {place})"]
    facts += [f"(objectAtLocation {name} {location})"]
    able = {
        "cleanable": "Cleanable",
        "heatable": "Heatable",
        "coolable": "Coolable",
        "toggleable": "Toggleable",
    }
    facts += [
        f"({word} {name})" for word, group in able.items() if kind in constants.VAL_ACTION_OBJECTS[group]
    ]
    return facts if kind == "DeskLamp" else [*facts, f"(pickupable {name})"]
