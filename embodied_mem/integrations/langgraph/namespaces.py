"""Which namespaces `list_namespaces` gives."""

from collections.abc import Iterable, Sequence

from langgraph.store.base import ListNamespacesOp, MatchCondition

from embodied_mem.errors import InvalidQuery
from embodied_mem.integrations.langgraph.item_records import Namespace


def listed(namespaces: Iterable[Namespace], op: ListNamespacesOp) -> list[Namespace]:
    """Return the namespaces that meet every condition, cut to the depth asked for, sorted, one page of them.

    Raises:
        InvalidQuery: A condition is neither of a prefix nor of a suffix.
    """
    conditions = op.match_conditions or ()
    for each in conditions:
        if each.match_type not in ("prefix", "suffix"):
            raise InvalidQuery(f"match_type is {each.match_type!r}; expected 'prefix' or 'suffix'")
    found = {name[: op.max_depth] for name in namespaces if all(_meets(name, each) for each in conditions)}
    return sorted(found)[op.offset : op.offset + op.limit]


def _meets(namespace: Namespace, condition: MatchCondition) -> bool:
    path: Sequence[str] = condition.path
    if len(namespace) < len(path):
        return False
    at = 0 if condition.match_type == "prefix" else len(namespace) - len(path)
    labels = namespace[at : at + len(path)]
    return all(wanted in ("*", label) for label, wanted in zip(labels, path, strict=True))
