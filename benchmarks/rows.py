"""The result rows of a benchmark, compared with their bars."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.bars import bar_of
from benchmarks.comparison import Measured
from benchmarks.measuring import circumstances, label
from benchmarks.prepared import Filter
from benchmarks.subject import (
    COMPRESSED,
    FAISS_FLOOR,
    OWN,
    SQLITE_STORE,
    describe_subject,
)

MIN_RECALL = 0.99  # minimum recall of a peer and of ours to be compared; under a filter ours must be 1
SHARES = {Filter.AGENT: "10pct", Filter.AGENT_TASK: "0.2pct"}  # of the records that pass


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of ours against one to compare with.

    Attributes:
        name: What was measured, with the number of records.
        value: Our figure.
        unit: Unit of both figures.
        against: The other figure; NaN if there is none.
        ratio: How far ahead we are: above 1 is better than the other.
        bar: The least ratio that is asked for; None where the row is only shown.
        said: The name of the other subject, and further remarks.
    """

    name: str
    value: float
    unit: str
    against: float
    ratio: float
    bar: float | None = None
    said: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the bar is reached; true without one."""
        return self.bar is None or self.ratio >= self.bar

    def document(self) -> dict[str, Any]:
        """The five fields of a published row; a figure that is missing is null."""
        figures = {name: getattr(self, name) for name in ("value", "against", "ratio")}
        plain = {name: round(v, 5) if math.isfinite(v) else None for name, v in figures.items()}
        return {"name": self.name, "value": plain["value"], "unit": self.unit, **plain}


def rows_of(results: Mapping[int, Mapping[str, Measured]]) -> list[Row]:
    """Every row that the measured subjects allow, sizes in order."""
    rows: list[Row] = []
    for n, measured in sorted(results.items()):
        if OWN in measured:
            rows += _rows_at(n, measured)
    return [*rows, *_flatness(results)]


def _rows_at(n: int, measured: Mapping[str, Measured]) -> list[Row]:
    rows = [*_added(n, measured), *_filtered_vs_sqlite_store(n, measured)]
    for own, size in ((OWN, label(n)), (COMPRESSED, f"{label(n)}_compressed")):
        if own in measured:
            rows += _filtered_vs_best_peer(size, measured, own)
            rows += _unfiltered(size, measured, own)
    return [*rows, *_memory_rows(n, measured)]


def _added(n: int, measured: Mapping[str, Measured]) -> Iterator[Row]:
    own, peer = measured[OWN], measured.get(SQLITE_STORE)
    if peer is None or not own.adds:
        return
    name = f"durable_add_{label(n)}_vs_sqlitestore"
    said = f"LangGraph SqliteStore; syncs an add: ours {_count(own)}, its {_count(peer)}"
    row = _compared(name, own.add_p50_ms(), "ms", peer.add_p50_ms(), said)
    yield row_if(_is_synced(own) and _is_synced(peer), row)


def _filtered_vs_sqlite_store(n: int, measured: Mapping[str, Measured]) -> Iterator[Row]:
    """Against SqliteStore alone, also where another peer is faster."""
    if SQLITE_STORE not in measured:
        return
    for kind, share in SHARES.items():
        peer = _fastest(kind, [measured[SQLITE_STORE]])
        yield _filtered(f"filtered_{share}_{label(n)}_vs_sqlitestore", measured[OWN], kind, peer)


def _filtered_vs_best_peer(size: str, measured: Mapping[str, Measured], own: str) -> Iterator[Row]:
    peers = [each for name, each in measured.items() if describe_subject(name).role == "peer"]
    for kind, share in SHARES.items():
        yield _filtered(f"filtered_{share}_{size}_vs_best_peer", measured[own], kind, _fastest(kind, peers))


def _fastest(kind: Filter, peers: Sequence[Measured]) -> Measured | None:
    """Return the fastest peer with sufficient recall; None if there is none."""
    fit = [peer for peer in peers if peer.recalls.get(kind, 0.0) >= MIN_RECALL]
    return min(fit, key=lambda peer: peer.search_p50_ms(kind), default=None)


def _filtered(name: str, own: Measured, kind: Filter, peer: Measured | None) -> Row:
    recall = own.recalls[kind]
    whom = f"no peer reached recall {MIN_RECALL}" if peer is None else describe_subject(peer.name).title
    against = math.nan if peer is None else peer.search_p50_ms(kind)
    said = f"{whom}; our recall {recall:.3f}"
    return row_if(recall >= 1.0, _compared(name, own.search_p50_ms(kind), "ms", against, said))


def _unfiltered(size: str, measured: Mapping[str, Measured], own: str) -> Iterator[Row]:
    ours, floor = measured[own], measured.get(FAISS_FLOOR)
    if floor is None:
        return
    recall = ours.recalls[Filter.NONE]
    said = f"IndexFlatIP, ids only; our recall {recall:.3f}"
    times = [each.search_p50_ms(Filter.NONE) for each in (ours, floor)]
    row = _compared(f"unfiltered_{size}_vs_raw_faiss", times[0], "ms", times[1], said)
    yield row_if(min(recall, floor.recalls[Filter.NONE]) >= MIN_RECALL, row)


def _memory_rows(n: int, measured: Mapping[str, Measured]) -> Iterator[Row]:
    own, small = measured[OWN], measured.get(COMPRESSED)
    if own.rss_mb is not None:
        said = f"vectors searched; {own.rss_text_mb or 0:.0f} MB after a search by text"
        row = limited_row(f"memory_exact_{label(n)}", own.rss_mb, "MB", said)
        yield row_if(own.least_recall >= MIN_RECALL, row)
    if small is not None and small.rss_text_mb is not None:
        said = (
            f"vectors and texts searched, recall {small.least_recall:.3f}; {small.rss_mb or 0:.0f} MB before "
            f"that by text, {small.rss_loading_mb or 0:.0f} MB in the process that loaded it"
        )
        row = limited_row(f"memory_compressed_with_texts_{label(n)}", small.rss_text_mb, "MB", said)
        yield row_if(small.least_recall >= MIN_RECALL, row)


def _flatness(results: Mapping[int, Mapping[str, Measured]]) -> Iterator[Row]:
    """Return rows comparing the cost of an add in each larger store with the smallest one, by turns."""
    for n, measured in sorted(results.items()):
        own = measured.get(OWN)
        if own is not None and own.small is not None:
            name = f"durable_add_flat_{label(min(results))}_to_{label(n)}"
            said = f"our own add at {label(min(results))} records, in the same rounds"
            row = _compared(name, own.add_p50_ms(), "ms", own.small.add_p50_ms(), said)
            yield row_if(_is_synced(own), row)


def limited_row(name: str, value: float, unit: str, said: str) -> Row:
    """A row against the limit of its bar; one without a bar is compared with nothing."""
    bar = bar_of(name)
    return _compared(name, value, unit, math.nan if bar is None else bar.limit, said)


def _compared(name: str, value: float, unit: str, against: float, said: str) -> Row:
    """A row of figures of which the smaller is better."""
    bar = bar_of(name)
    ratio = against / value if value > 0 else math.nan
    return Row(name, value, unit, against, ratio, None if bar is None else bar.least, said)


def _count(of: Measured) -> str:
    return "not counted" if of.syncs_per_add is None else f"{of.syncs_per_add:g}"


def _is_synced(of: Measured) -> bool:
    """Whether it was observed to wait for the disk at each add."""
    return of.syncs_per_add is not None and of.syncs_per_add >= 1


def row_if(is_fit: bool, row: Row) -> Row:
    """Return the row, or a failed one if the subject finds or keeps too little."""
    return row if is_fit else replace(row, ratio=math.nan)


def benchmark_document(benchmark: str, rows: Sequence[Row], **measured: Any) -> dict[str, Any]:
    """Return a benchmark's JSON: circumstances, rows, bars and all measurements."""
    return {
        "benchmark": benchmark,
        **circumstances(),
        "rows": [row.document() for row in rows],
        "bars": [
            {"name": row.name, "bar": row.bar, "met": row.is_met, "against": row.said}
            for row in rows
            if row.bar is not None
        ],
        **measured,
    }
