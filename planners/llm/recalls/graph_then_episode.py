"""`GraphThenEpisode`: first the facts that bear on the situation, then the episodes they were seen in."""

from dataclasses import replace

from embodied_mem.planners.llm.recalls.recall_way import PlainRecall
from embodied_mem.records import Kind, Recalled
from embodied_mem.records.argument_checks import check_count
from embodied_mem.records.decisions import Context
from embodied_mem.records.filters import Equals, In, Not, Or, Where, all_of, where
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.queries import Query

FACTS = all_of(where(kind=Kind.FACT.value), Not(Equals("metadata.holds", False)))  # not that one ended


class GraphThenEpisode(PlainRecall):
    """Recalls facts by task and situation, then experiences of the episodes that their `sources` name.

    After the episodic search of AriGraph (Anokhin et al., 2024): an episode counts for the more, the more of
    the recalled facts were seen in it. Theirs divides that by the size of the episode; ours adds up the
    scores of the facts, so that the better fact counts more. Of the k best episodes, the experiences that the
    planner may be shown are recalled by task and situation. Where there are none, all of memory is.

    Args:
        n_facts: Facts to recall, >= 1.

    Raises:
        InvalidQuery: The number is out of range.
    """

    def __init__(self, *, n_facts: int = 10) -> None:
        check_count("n_facts", n_facts, at_least=1)
        self._n_facts = n_facts

    async def before(self, context: Context, query: Query) -> list[Recalled]:
        """The experiences behind the facts, best first."""
        facts = await context.arecall(
            replace(query, where=FACTS, k=self._n_facts, min_similarity=None, distinct=False)
        )
        best = _sources(facts)[: query.k]
        if best:
            seen_in = await context.arecall(Query(where=In("id", best), k=len(best)))
            behind = replace(query, where=all_of(query.where, _of_episodes(best, seen_in)))
            if found := await context.arecall(behind):
                return found
        return await context.arecall(query)

    def describe(self) -> JsonObject:
        """Name and settings."""
        return {"name": "graph_then_episode", "n_facts": self._n_facts}


def _sources(facts: list[Recalled]) -> tuple[str, ...]:
    """Ids of the experiences that the facts were seen in, the one with most and best facts first."""
    weights: dict[str, float] = {}
    for fact in facts:
        for source in fact.experience.sources:
            weights[source] = weights.get(source, 0.0) + fact.score
    return tuple(sorted(weights, key=lambda source: -weights[source]))


def _of_episodes(ids: tuple[str, ...], seen_in: list[Recalled]) -> Where:
    """These experiences, and all of the same episodes: a fact may name an episode, and calls are shown."""
    attempts = dict.fromkeys(hit.experience.origin.attempt for hit in seen_in)
    attempts.pop("", None)  # of experiences that no episode wrote
    return Or((In("id", ids), In("origin.attempt", tuple(attempts)))) if attempts else In("id", ids)
