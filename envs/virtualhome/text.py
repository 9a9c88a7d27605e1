"""What the agent perceives and knows, in words, within bounds."""

from collections.abc import Iterable, Mapping, Sequence

from embodied_mem.envs.virtualhome.known import Known, Sighting

MAX_CHARS = 1_200
CHARS_PER_TOKEN = 4  # of English text, for budgets; tokenizers differ
_UNREMARKABLE = frozenset(("clean", "plugged_in", "dirty"))
_BACKGROUND = frozenset(
    ("hanger", "drawing", "closetdrawer", "wallshelf", "powersocket", "towel_rack", "curtain")
)


def describe_room(
    room: str, *, posture: str, held: Sequence[str], seen: Sequence[Sighting], beside: Sequence[str]
) -> str:
    """Where the agent is, what it holds and what it sees; what does not fit is counted.

    Args:
        room: Name of the room.
        posture: `standing`, `sitting` or `lying`.
        held: Names of what is held.
        seen: What is visible.
        beside: Names of the rooms next to it.
    """
    holding = " and ".join(held) or "nothing"
    doors = " and the ".join(beside) or "nowhere"
    begin = f"In the {room}, {posture}, holding {holding}. Doors lead to the {doors}. "
    others = [each for each in seen if each.relation not in ("held", "worn")]
    worn = [each.name for each in seen if each.relation == "worn"]
    parts = [*(f"{name} worn" for name in worn), *_grouped(others)]
    return begin + _listed("Seeing: ", parts, MAX_CHARS - len(begin))


def describe_known(known: Known, step: int, budget_tokens: int | None, about: Sequence[str]) -> str:
    """What was seen in the episode, within a budget; things of `about` first, then the most recent."""
    rows = sorted(
        known.sightings.values(), key=lambda each: (each.name not in about, -known.seen_at[each.id], each.id)
    )
    parts = [f"{_with_states(each)} {_where(each)}, {_when(step - known.seen_at[each.id])}" for each in rows]
    if budget_tokens is None:
        return _listed("Known: ", parts, None)
    room = budget_tokens * CHARS_PER_TOKEN
    return _listed("Known: ", parts, room)[:room]


def _grouped(seen: Iterable[Sighting]) -> list[str]:
    """Things by what they are in or on, the ones that can be of use first."""
    groups: dict[tuple[str, str], list[str]] = {}
    for each in sorted(seen, key=lambda each: (each.class_name in _BACKGROUND, each.id)):
        groups.setdefault((each.relation, each.parent), []).append(_with_states(each))
    texts = []
    for (relation, parent), names in groups.items():
        is_room = relation == "in" and not parent[-1].isdigit()
        texts += names if is_room else [f"{relation} {parent}: {' and '.join(names)}"]
    return texts


def _listed(begin: str, parts: Sequence[str], room: int | None) -> str:
    """The parts that fit into a number of characters, and how many more there are."""
    kept: list[str] = []
    used = len(begin) + 12
    for part in parts:
        used += len(part) + 2
        if room is not None and used > room:
            break
        kept.append(part)
    n_more = len(parts) - len(kept)
    return begin + (", ".join([*kept, f"{n_more} more"] if n_more else kept) or "nothing") + "."


def _with_states(each: Sighting) -> str:
    states = [
        state.replace("plugged_out", "unplugged") for state in each.states if state not in _UNREMARKABLE
    ]
    return f"{each.name} ({', '.join(states)})" if states else each.name


def _where(each: Sighting) -> str:
    if each.relation in ("held", "worn"):
        return each.relation
    in_room = f"in the {each.room}"
    return in_room if each.parent == each.room else f"{each.relation} {each.parent} {in_room}"


def _when(n_steps: int) -> str:
    return "seen now" if n_steps <= 0 else f"seen {n_steps} steps ago"


def known_facts(known: Known, step: int) -> Mapping[str, object]:
    """Name -> the sighting as a fact, with `seen_steps_ago`."""
    return {
        each.name: {**each.as_fact(), "seen_steps_ago": step - known.seen_at[each.id]}
        for each in sorted(known.sightings.values(), key=lambda each: each.id)
    }
