"""LangGraph's in-memory store as the reference, without what it leaves lying about; see docs/langgraph.md."""

from langgraph.store.base import GetOp, Item, PutOp
from langgraph.store.memory import InMemoryStore


class Reference(InMemoryStore):
    """Forgets namespaces that were emptied or only asked for, and vectors of values put again."""

    def batch(self, ops):
        given = list(ops)
        for op in given:
            if isinstance(op, PutOp):
                self._vectors[op.namespace].pop(op.key, None)
        asked = [each for each in given if not (isinstance(each, GetOp) and each.namespace not in self._data)]
        answers = iter(super().batch(asked))
        results = [next(answers) if any(each is op for each in asked) else None for op in given]
        for namespace in [name for name, keys in self._data.items() if not keys]:
            del self._data[namespace]
        return results


def plain(result):
    """What two stores must agree on: everything but times, and scores but for rounding."""
    if isinstance(result, Item):
        return {"namespace": result.namespace, "key": result.key, "value": result.value}
    return [plain(each) for each in result] if isinstance(result, list) else result
