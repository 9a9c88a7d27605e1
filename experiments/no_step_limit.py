"""Task kinds without a step limit, in which success over budget says nothing."""

from collections.abc import Iterable, Iterator

from embodied_mem.experiments.rows import EpisodeRow


def notes_on_kinds_without_limit(rows: Iterable[EpisodeRow]) -> Iterator[str]:
    """Yield a note on each kind of which no row tells a step limit.

    Where neither the environment nor `limits.max_steps` has one, a row has the steps of its episode instead.
    """
    by_kind: dict[str, list[EpisodeRow]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row)
    for kind, found in sorted(by_kind.items()):
        if _has_no_limit(found):
            yield (
                f"{kind} has no step limit, so its area and success within 25 % of the steps are always 0; "
                "set limits.max_steps, or give the environment an attribute max_steps."
            )


def _has_no_limit(rows: list[EpisodeRow]) -> bool:
    # Equal numbers are no sign: every episode of a real limit may end at it.
    is_used_up = all(row.steps == row.max_steps for row in rows)
    return is_used_up and any(row.success for row in rows) and len({row.max_steps for row in rows}) > 1
