"""The gold programs as calls of our skills: what an agent would have called that knew where everything is."""

from collections.abc import Iterator

from embodied_mem.envs.virtualhome.actions import SAME_AS
from embodied_mem.envs.virtualhome.home import AGENT
from embodied_mem.envs.virtualhome.problems import Line
from embodied_mem.envs.virtualhome.skill_table import ROWS
from embodied_mem.envs.virtualhome.world import VirtualHomeWorld
from embodied_mem.records import SkillCall

_SKILL_OF = {row.action: row for row in ROWS if row.name != "explore"} | {
    "WALK": next(row for row in ROWS if row.name == "go_to")
}


def calls_of(line: Line, world: VirtualHomeWorld) -> Iterator[SkillCall]:
    """The calls that do what a line of a gold program does, from where the agent is now.

    The dataset's programs walk straight to what they need. An agent has to see it first, so a walk to the
    room comes before, and one to the closed thing that holds it takes the place of a walk to what is inside.

    Args:
        line: The line.
        world: The world, in the state before the line; it must be up to date at each call that is asked for.
    """
    row = _SKILL_OF[SAME_AS.get(line.action, line.action)]
    home, names = world.env.home, world.names
    if row.name == "go_to":
        target = line.objects[0]
        if home.place(target).parent == AGENT if not home.things[target].is_room else False:
            return  # it is worn or held
        if not world.known.is_known(target) and home.room_of(target) != home.room_of(AGENT):
            yield SkillCall("go_to", {"object": names[home.room_of(target)]})
        closed = home.closed_around(target) if not world.known.is_known(target) else None
        target = closed if closed is not None else target
        yield SkillCall("go_to", {"object": names[target]})
        return
    yield SkillCall(row.name, {role: names[id] for role, id in zip(row.roles, line.objects, strict=True)})
