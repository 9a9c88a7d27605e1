r"""Dotted paths into the JSON form of an experience: which exist, how they are split, what they reach.

A path names one value: `task.kind`, `facts.objects.apple_1.state`. Within free JSON a name `*` stands for any
element of a list and any value of a mapping, so `facts.objects.*.state` reaches the state of every object.
A backslash escapes a dot, a backslash, or a name that is a star: `metadata.v1\.2`, `metadata.\*`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache

from embodied_mem.errors import InvalidQuery
from embodied_mem.records.json_values import JsonValue, check_text

ANY = "\ud802"  # what `*` becomes in a split path: no stored name can hold a lone surrogate

# First component of a path -> its allowed second components; None: free JSON, any may follow.
FIELDS: Mapping[str, tuple[str, ...] | None] = {
    "id": (),
    "kind": (),
    "state": (),
    "state_after": (),
    "happened_at_s": (),
    "position_m": (),
    "task": ("text", "kind", "instance"),
    "outcome": ("status", "reward", "steps", "explanation", "cost"),
    "scope": ("agent", "world", "place", "person", "run"),
    "origin": ("run", "attempt", "episode", "first_step", "last_step", "planner", "model", "versions"),
    "metadata": None,
    "facts": None,
}


def check_path(path: str) -> None:
    """Reject a path that is not a field of an experience.

    Raises:
        InvalidQuery: The path is unknown; the message lists the known ones.
    """
    check_text(path, field="path")
    _check_names(path)


@lru_cache(maxsize=1024)
def _check_names(path: str) -> None:
    first, *rest = split_path(path)
    if first not in FIELDS:
        raise InvalidQuery(f"{path!r} is not a field of an experience. Known: {', '.join(FIELDS)}.")
    allowed = FIELDS[first]
    if allowed is None:
        is_known = bool(rest) and all(rest)
    else:
        is_known = (rest[0] in allowed if rest else not allowed) and (
            len(rest) < 2 or rest[0] in ("cost", "versions")
        )
    if not is_known or '"' in path:
        expected = ", ".join(f"{first}.{name}" for name in allowed) if allowed else f"{first}.<name>"
        raise InvalidQuery(
            f"{path!r} is not a field of an experience. Expected {expected if allowed != () else first}."
        )


@lru_cache(maxsize=1024)
def split_path(path: str) -> tuple[str, ...]:
    """Return the names of a dotted path, `ANY` for a `*`."""
    # Lone surrogates stand in for the escaped characters: no stored text can hold one.
    marked = path.replace("\\\\", "\ud800").replace("\\.", "\ud801")
    return tuple(map(_name_of, marked.split(".")))


def join_path(names: Iterable[str]) -> str:
    """Return the dotted path of these names, the inverse of `split_path`."""
    return ".".join(map(_escaped, names))


def lookup(document: Mapping[str, JsonValue], path: str) -> tuple[bool, JsonValue]:
    """Return whether a path without `*` exists, and its value (None if it does not)."""
    current: JsonValue | Mapping[str, JsonValue] = document
    for name in split_path(path):
        if not isinstance(current, Mapping) or name not in current:
            return False, None
        current = current[name]
    return True, current  # type: ignore[return-value]


def values_at(value: JsonValue | Mapping[str, JsonValue], names: Sequence[str]) -> list[JsonValue]:
    """Return every value that these names reach: at most one, unless one of them is `ANY`."""
    if ANY in names:
        reached: list[JsonValue] = [value]  # type: ignore[list-item]
        for name in names:
            reached = [inner for outer in reached for inner in _inside(outer, name)]
        return reached
    for name in names:
        if not isinstance(value, Mapping) or name not in value:
            return []
        value = value[name]
    return [value]  # type: ignore[list-item]


def _inside(value: JsonValue, name: str) -> Collection[JsonValue]:
    if isinstance(value, Mapping):
        if name == ANY:
            return value.values()
        return (value[name],) if name in value else ()
    return value if name == ANY and isinstance(value, list) else ()


def _name_of(marked: str) -> str:
    if marked in ("*", "\\*"):
        return ANY if marked == "*" else "*"
    return marked.replace("\ud800", "\\").replace("\ud801", ".")


def _escaped(name: str) -> str:
    if name in (ANY, "*"):
        return "*" if name == ANY else "\\*"
    return name.replace("\\", "\\\\").replace(".", "\\.")
