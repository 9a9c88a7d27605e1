"""One episode of the simulator: a graph that actions change in place.

Two of its habits are kept away from the agent. What is held stays in the room that was just left until the
next walk, so a walk through a door is made twice. And its clock remembers every measurement, about 200 bytes
an action, until it is told to forget them.
"""

from typing import Any

from embodied_mem.envs.virtualhome.actions import ACTIONS, Action
from embodied_mem.envs.virtualhome.home import AGENT
from embodied_mem.envs.virtualhome.package import Simulator
from embodied_mem.envs.virtualhome.problems import Graph


class Simulation:
    """The simulator's state in an episode.

    Args:
        simulator: Its modules.
        graph: The home at the start.
    """

    def __init__(self, simulator: Simulator, graph: Graph) -> None:
        simulator.common.TimeMeasurement.reset_all()
        self._simulator = simulator
        self._relations = simulator.environment.Relation
        self._script = {
            each: simulator.scripts.Action[each]
            for each in ACTIONS
            if each in simulator.scripts.Action.__members__
        }
        self._state: Any = simulator.environment.EnvironmentState(
            simulator.environment.EnvironmentGraph(graph), {}, instance_selection=True
        )

    def act(self, action: Action) -> str:
        """Carry out an action; returns why it could not be, in the simulator's words, else nothing."""
        name, ids = ACTIONS[action[0]], [id for id in action[1:] if id]
        nodes = [self._state.get_node(id) for id in ids]
        if None in nodes:
            return "unknown object"
        line = self._line(name, nodes)
        if line is None:
            return "wrong number of objects"
        info = self._simulator.execution.ExecutionInfo(eval_mode=True)
        found = next(
            self._simulator.execution.ScriptExecutor.call_action_method(
                self._simulator.scripts.Script([line]), self._state, info, 0, in_place=True
            ),
            None,
        )
        if found is None:
            return info.messages[0] if info.messages else "not possible"
        self._state = found
        return ""

    def states(self, id: int) -> frozenset[str]:
        """Names of an object's states."""
        return frozenset(state.name for state in self._state.get_node(id).states)

    def to(self, id: int, relation: str) -> list[int]:
        """Ids of the objects to which this one stands in the relation."""
        return sorted(self._state.get_node_ids_from(id, self._relations[relation]))

    def to_graph(self) -> Graph:
        """The whole home as it is; takes milliseconds."""
        graph: Graph = self._state.to_dict()
        return graph

    def is_near(self, id: int) -> bool:
        """Whether the agent can reach a thing, by the simulator's own rule."""
        return bool(
            self._simulator.execution._is_character_close_to(self._state, self._state.get_node(id), 0)
        )

    def faced(self) -> frozenset[int]:
        """What the agent faces, by the simulator's rule: what it turned to, and what that faces."""
        facing, ids_from = self._relations["FACING"], self._state.get_node_ids_from
        direct = frozenset(ids_from(AGENT, facing))
        return direct.union(*(ids_from(id, facing) for id in direct))

    def _line(self, name: str, nodes: list[Any]) -> Any:
        action = self._script.get(name)
        if action is None or action.value[1] != len(nodes):
            return None
        scripts = self._simulator.scripts
        return scripts.ScriptLine(action, [scripts.ScriptObject(n.class_name, n.id) for n in nodes], 0)
