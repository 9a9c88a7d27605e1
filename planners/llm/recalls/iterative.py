"""`IterativeRecall`: recall, see what the hits name that the situation does not, and recall that too."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from embodied_mem.planners.grounding import words
from embodied_mem.planners.llm.recalls.recall_way import PlainRecall
from embodied_mem.records import Recalled
from embodied_mem.records.argument_checks import check_count
from embodied_mem.records.decisions import Context
from embodied_mem.records.filters import In, Not, all_of
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.queries import Query

MAX_NAMES = 8  # that one round asks about


class IterativeRecall(PlainRecall):
    """Recalls in rounds: what the calls recalled so far name and nothing has asked about yet is asked next.

    A key that a recalled plan takes and the situation does not mention is looked for in the second round. It
    stops where nothing new is named or nothing new comes, or after the last round. At most k experiences a
    round are added; those of earlier rounds count as more similar.

    Args:
        max_rounds: Most rounds, >= 1; 1 is `PlainRecall`.

    Raises:
        InvalidQuery: The number is out of range.
    """

    def __init__(self, *, max_rounds: int = 3) -> None:
        check_count("max_rounds", max_rounds, at_least=1)
        self._max_rounds = max_rounds

    async def before(self, context: Context, query: Query) -> list[Recalled]:
        """What all rounds found, best first."""
        found: dict[str, Recalled] = {}
        where = query.where
        asked = set(words(f"{context.task.text} {query.state}"))
        for _ in range(self._max_rounds):
            new = await context.arecall(query)
            found |= {hit.experience.id: hit for hit in new}
            missing = _missing(new, asked)
            if not missing:
                break
            asked |= {word for name in missing for word in words(name)}
            others = all_of(where, Not(In("id", tuple(found))))
            query = replace(query, text=", ".join(missing), where=others)
        return list(found.values())

    def describe(self) -> JsonObject:
        """Name and settings."""
        return {"name": "iterative", "max_rounds": self._max_rounds}


def _missing(hits: Iterable[Recalled], asked: set[str]) -> list[str]:
    """Names in the calls of these hits with a word that was not asked about, in their order."""
    names = dict.fromkeys(name for hit in hits for name in _named(hit))
    return [name for name in names if not asked.issuperset(words(name))][:MAX_NAMES]


def _named(hit: Recalled) -> Iterator[str]:
    for call in hit.experience.plan:
        yield from (value for value in call.arguments.values() if isinstance(value, str))
