"""Derived views keyed by experience id instead of sequence number."""

from embodied_mem.contracts import Backend
from embodied_mem.memory.views.log_values import LogValues
from embodied_mem.memory.views.log_views import LogViews
from embodied_mem.memory.views.view import are_in
from embodied_mem.records.log import EntryKind


def near_duplicates(backend: Backend, views: LogViews) -> dict[str, list[str]]:
    """Return the near duplicates of each representative, both in the order of writing.

    Args:
        backend: The log.
        views: Its views, up to date.
    """
    ids = _ids(backend)
    groups: dict[str, list[str]] = {}
    sequences, leaders = views.duplicates(views.visible(None))
    for sequence, leader in zip(sequences.tolist(), leaders.tolist(), strict=True):
        if sequence != leader:
            groups.setdefault(ids[leader], []).append(ids[sequence])
    return groups


def utility(backend: Backend, views: LogViews) -> dict[str, float]:
    """Return the utility in [0, 1) of each experience with uses or votes; all others have 0.

    Args:
        backend: The log.
        views: Its views, up to date.
    """
    ids = _ids(backend)
    spans = views.visible(None)
    values = views.utility(spans)
    seen = are_in(values.sequences, spans)  # a later experience may list a withdrawn one as recalled
    pairs = zip(values.sequences[seen].tolist(), values.values[seen].tolist(), strict=True)
    return {ids[sequence]: value for sequence, value in pairs}


def _ids(backend: Backend) -> dict[int, str]:
    rows = LogValues(backend).after(0, (EntryKind.EXPERIENCE,), ("id",))
    return {sequence: str(values["id"]) for sequence, _, values in rows}
