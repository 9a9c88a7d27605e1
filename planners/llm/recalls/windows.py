"""Windows: a recalled decision with the decisions before and after it in its episode."""

import re
from collections.abc import Sequence
from dataclasses import replace

from embodied_mem.records import Recalled
from embodied_mem.records.decisions import Context
from embodied_mem.records.filters import In
from embodied_mem.records.queries import Query

_PLACE = re.compile(r"(?P<episode>.+)/decision/(?P<index>\d+)")  # an id, as the agent names decisions


async def within_windows(
    hits: Sequence[Recalled], context: Context, *, before: int, after: int
) -> list[Recalled]:
    """Return each recalled decision between its neighbours, in the order in which they were made.

    RAP (arXiv 2402.03610, section 3.3) shows a window of the trajectory around what matched. A decision that
    lies in the window of an earlier hit is not told twice; a hit that is no decision stands alone. Neighbours
    have the score of the hit that they stand beside.

    Args:
        hits: What memory recalled.
        context: The decision at hand; neighbours are recalled through it.
        before: How many decisions before the hit, >= 0.
        after: How many after it, >= 0.
    """
    around = {hit.experience.id: _neighbours(hit.experience.id, before, after) for hit in hits}
    found = {hit.experience.id: hit.experience for hit in hits}
    missing = tuple(dict.fromkeys(each for ids in around.values() for each in ids if each not in found))
    if missing:
        query = Query(task=context.task, where=In("id", missing), k=len(missing))
        found |= {hit.experience.id: hit.experience for hit in await context.arecall(query)}
    told: dict[str, Recalled] = {}
    for hit in hits:
        for each in around[hit.experience.id]:
            if each in found:
                told.setdefault(each, replace(hit, experience=found[each]))
    return list(told.values())


def _neighbours(experience_id: str, before: int, after: int) -> list[str]:
    place = _PLACE.fullmatch(experience_id)
    if place is None:
        return [experience_id]
    at = int(place["index"])
    return [f"{place['episode']}/decision/{index}" for index in range(max(0, at - before), at + after + 1)]
