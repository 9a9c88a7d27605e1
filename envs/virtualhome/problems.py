"""The problems of the Embodied Agent Interface's VirtualHome part: a name, a goal, a gold program and a home.

Li et al., "Embodied Agent Interface" (2024): 342 goals over 26 task names in one home; each problem has its
own graph at the start. The files are those of the package, read as they are.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from embodied_mem.envs.virtualhome.package import package_folder

GOALS = "resources/virtualhome/task_state_LTL_formula_accurate.json"
PLACES = "resources/object_script_placing.json"
DATASET = "dataset/programs_processed_precond_nograb_morepreconds"
SCENE = "TrimmedTestScene1_graph/results_intentions_march-13-18"

Graph: TypeAlias = Mapping[str, Any]
"""`nodes` (id, class_name, category, properties, states) and `edges` (from_id, relation_type, to_id)."""

_LINE = re.compile(r"\[(\w+)\]")
_OBJECT = re.compile(r"\(\d+\.(\d+)\)")


@dataclass(frozen=True, slots=True)
class State:
    """A condition: the object is in this state (`ON`, `CLOSED`, `SITTING`)."""

    id: int
    state: str


@dataclass(frozen=True, slots=True)
class Relation:
    """A condition: an object stands in this relation to another (`ON`, `INSIDE`, `HOLDS_RH`)."""

    from_id: int
    relation: str
    to_id: int


@dataclass(frozen=True, slots=True)
class Goal:
    """What a problem asks for.

    Attributes:
        states: Conditions that must hold together.
        relations: The same, of two objects each.
        actions: Actions that must have succeeded before that, in this order, each given by the actions that
        count
            as it; on which object does not matter.
    """

    states: tuple[State, ...] = ()
    relations: tuple[Relation, ...] = ()
    actions: tuple[tuple[str, ...], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        return not (self.states or self.relations or self.actions)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a gold program: an action of the simulator and the ids of its objects."""

    action: str
    objects: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem.

    Attributes:
        id: Its id in the dataset, such as `27_2`.
        name: Its task name, such as `Wash clothes`.
        goal: What must hold.
    """

    id: str
    name: str
    goal: Goal


@cache
def all_problems() -> tuple[Problem, ...]:
    """The 342 problems, in the order of the file.

    Raises:
        MissingExtra: The package is not installed.
    """
    named = json.loads((package_folder() / GOALS).read_text("utf-8"))["scene_1"]
    return tuple(
        Problem(id=key, name=name, goal=read_goal(entry["vh_goal"]))
        for name, entries in named.items()
        for key, entry in entries.items()
    )


def read_goal(entry: Mapping[str, Any]) -> Goal:
    """Read the entry `vh_goal` of a problem."""
    conditions = entry["goal"]
    return Goal(
        states=tuple(State(each["id"], each["state"]) for each in conditions if "state" in each),
        relations=tuple(
            Relation(each["from_id"], each["relation_type"], each["to_id"])
            for each in conditions
            if "relation_type" in each
        ),
        actions=tuple(tuple(each.replace(" ", "").upper().split("|")) for each in entry["actions"]),
    )


def placing_catalogue() -> Mapping[str, Any]:
    """Class of things -> where the dataset's authors put such things: `destination`, `relation`, `room`."""
    catalogue: Mapping[str, Any] = json.loads((package_folder() / PLACES).read_text("utf-8"))
    return catalogue


def start_graph(problem: Problem) -> Graph:
    """The home as it is when the problem begins; a new copy at each call (about 5 ms)."""
    graph: Graph = json.loads(_file(problem, "init_and_final_graphs", "json").read_text("utf-8"))[
        "init_graph"
    ]
    return graph


def gold_program(problem: Problem) -> tuple[Line, ...]:
    """The program that the dataset gives as the solution."""
    return read_program(_file(problem, "executable_programs", "txt").read_text("utf-8"))


def read_program(text: str) -> tuple[Line, ...]:
    """Read a program; lines look like `[PUTBACK] <soap> (1.1002) <sink> (1.42)`, others are passed over."""
    lines = [line for line in text.splitlines() if line.startswith("[")]
    found = [(_LINE.match(line), _OBJECT.findall(line)) for line in lines]
    return tuple(Line(name[1].upper(), tuple(map(int, ids))) for name, ids in found if name)


def _file(problem: Problem, kind: str, ending: str) -> Path:
    return package_folder() / DATASET / kind / SCENE / f"file{problem.id}.{ending}"
