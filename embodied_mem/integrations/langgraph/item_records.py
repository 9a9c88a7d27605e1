"""An item of LangGraph as an experience, and back: one experience is one version of one item."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from langgraph.store.base import get_text_at_path

from embodied_mem.records.experience import Experience, Task
from embodied_mem.records.filters import Equals, Where, all_of, join_path
from embodied_mem.records.json_values import JsonObject, clean_text

Namespace: TypeAlias = tuple[str, ...]
Place: TypeAlias = tuple[Namespace, str]  # namespace and key

KIND = "item"
WHOLE = "$"  # the path of the whole value


def item_experience(
    place: Place, value: Mapping[str, Any], *, text: str, created_at_s: float, at_s: float
) -> Experience:
    """Return one version of an item.

    Args:
        place: Its namespace and key.
        value: What is kept, as JSON, in `facts`.
        text: What a search by words or vectors compares; empty: it is found by key and filter only.
        created_at_s: When the item was first put, seconds since the Unix epoch.
        at_s: When this version was put.

    Raises:
        InvalidRecord: JSON cannot hold the value; the message names the part.
    """
    namespace, key = place
    return Experience(
        task=Task(""),
        state=text,
        kind=KIND,
        facts=dict(value),
        # By number, so that a filter compares labels and not the beginning of a text.
        metadata={"namespace": _by_number(namespace), "key": key, "created_at_s": created_at_s},
        happened_at_s=at_s,
    )


def item_fields(facts: Mapping[str, Any], metadata: Mapping[str, Any], happened_at_s: Any) -> dict[str, Any]:
    """Return the arguments of `Item` and `SearchItem` from what `item_experience` wrote."""
    return {
        "value": dict(facts),
        "key": metadata["key"],
        "namespace": namespace_of(metadata["namespace"]),
        "created_at": _time(metadata["created_at_s"]),
        "updated_at": _time(happened_at_s),
    }


def namespace_of(by_number: Mapping[str, Any]) -> Namespace:
    """Return a namespace from its labels by number."""
    return tuple(str(by_number[str(number)]) for number in range(len(by_number)))


def within(prefix: Sequence[str]) -> Where:
    """Return the filter of all items whose namespace begins with these labels."""
    labels = (
        Equals(join_path(("metadata", "namespace", str(number))), label)
        for number, label in enumerate(prefix)
    )
    return all_of(Equals("kind", KIND), *labels)


def text_of(value: Mapping[str, Any], paths: Sequence[str]) -> str:
    """Return the texts at these paths of a value, in the language of `langgraph.store.base.tokenize_path`."""
    texts = (text for path in paths for text in get_text_at_path(dict(value), path))
    return clean_text("\n".join(texts))


def _by_number(namespace: Namespace) -> JsonObject:
    return {str(number): label for number, label in enumerate(namespace)}


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
