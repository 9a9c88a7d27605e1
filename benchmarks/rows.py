"""The rows that a benchmark ends with, held against their bars."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.bars import least_ratio
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
from benchmarks.workload import DIMENSION

MIN_RECALL = 0.99  # who finds less, a peer or we, is no match
MIN_COMPRESSED_RECALL = 0.98
MAX_COMPRESSED_MB = 80.0
MAX_EXACT_SHARE = 1.15  # of the bytes of the vectors
MAX_EXACT_EXTRA_BYTES = 200  # a record
SHARES = {Filter.AGENT: "10pct", Filter.AGENT_TASK: "0.2pct"}  # of the records that pass


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of ours against one to compare with.

    Attributes:
        name: What was measured, with the number of records.
        value: Ours.
        unit: Of both.
        against: The other; NaN where there is none.
        ratio: How far ahead we are: above 1 is better than the other.
        bar: The least ratio that is asked for; None where the row is only shown.
        said: Who the other is, and what else belongs to the figure.
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
    rows = [*_added(n, measured)]
    for own, size in ((OWN, label(n)), (COMPRESSED, f"{label(n)}_compressed")):
        if own in measured:
            rows += [_filtered(size, measured, own, kind, share) for kind, share in SHARES.items()]
            rows += _unfiltered(size, measured, own)
    return [*rows, *_memory_rows(n, measured)]


def _added(n: int, measured: Mapping[str, Measured]) -> Iterator[Row]:
    own, peer = measured[OWN], measured.get(SQLITE_STORE)
    if peer is None or not own.adds:
        return
    name = f"durable_add_{label(n)}_vs_sqlitestore"
    said = f"LangGraph SqliteStore; syncs an add: ours {_count(own)}, its {_count(peer)}"
    row = _compared(name, own.add_p50_ms(), "ms", peer.add_p50_ms(), said)
    yield _row_if(_is_synced(own) and _is_synced(peer), row)


def _filtered(size: str, measured: Mapping[str, Measured], own: str, kind: Filter, share: str) -> Row:
    """Against the fastest peer that finds what there is to find."""
    ours, recall = measured[own], measured[own].recalls[kind]
    peers = {
        name: each.search_p50_ms(kind)
        for name, each in measured.items()
        if describe_subject(name).role == "peer" and each.recalls.get(kind, 0.0) >= MIN_RECALL
    }
    best = min(peers, key=lambda name: peers[name], default=None)
    whom = f"no peer measured reached recall {MIN_RECALL}" if best is None else describe_subject(best).title
    name, against = f"filtered_{share}_{size}_vs_best_peer", math.nan if best is None else peers[best]
    said = f"{whom}; our recall {recall:.3f}"
    return _row_if(recall >= MIN_RECALL, _compared(name, ours.search_p50_ms(kind), "ms", against, said))


def _unfiltered(size: str, measured: Mapping[str, Measured], own: str) -> Iterator[Row]:
    ours, floor = measured[own], measured.get(FAISS_FLOOR)
    if floor is None:
        return
    recall = ours.recalls[Filter.NONE]
    said = f"IndexFlatIP, ids only; our recall {recall:.3f}"
    times = [each.search_p50_ms(Filter.NONE) for each in (ours, floor)]
    row = _compared(f"unfiltered_{size}_vs_raw_faiss", times[0], "ms", times[1], said)
    yield _row_if(min(recall, floor.recalls[Filter.NONE]) >= MIN_RECALL, row)


def _memory_rows(n: int, measured: Mapping[str, Measured]) -> Iterator[Row]:
    own, small = measured[OWN], measured.get(COMPRESSED)
    if own.rss_mb is not None:
        bound_mb = (MAX_EXACT_SHARE * n * DIMENSION * 4 + MAX_EXACT_EXTRA_BYTES * n) / 1e6
        said = "bound: 1.15 x vector bytes + 200 B a record"
        row = _compared(f"memory_exact_{label(n)}", own.rss_mb, "MB", bound_mb, said)
        yield _row_if(own.least_recall >= MIN_RECALL, row)
    if small is not None and small.rss_mb is not None:
        said = (
            f"bound: {MAX_COMPRESSED_MB:g} MB at recall {MIN_COMPRESSED_RECALL}; "
            f"recall {small.least_recall:.3f}; "
            f"{small.rss_loading_mb or 0:.0f} MB in the process that loaded it"
        )
        row = _compared(f"memory_compressed_{label(n)}", small.rss_mb, "MB", MAX_COMPRESSED_MB, said)
        yield _row_if(small.least_recall >= MIN_COMPRESSED_RECALL, row)


def _flatness(results: Mapping[int, Mapping[str, Measured]]) -> Iterator[Row]:
    """Whether an add costs the same in each larger store as in one of the smallest size, by turns."""
    for n, measured in sorted(results.items()):
        own = measured.get(OWN)
        if own is not None and own.small is not None:
            name = f"durable_add_flat_{label(min(results))}_to_{label(n)}"
            said = f"our own add at {label(min(results))} records, in the same rounds"
            row = _compared(name, own.add_p50_ms(), "ms", own.small.add_p50_ms(), said)
            yield _row_if(_is_synced(own), row)


def _compared(name: str, value: float, unit: str, against: float, said: str) -> Row:
    """A row of figures of which the smaller is better."""
    ratio = against / value if value > 0 else math.nan
    return Row(name, value, unit, against, ratio, least_ratio(name), said)


def _count(of: Measured) -> str:
    return "not counted" if of.syncs_per_add is None else f"{of.syncs_per_add:g}"


def _is_synced(of: Measured) -> bool:
    """Whether it was seen to wait for the disk at each add."""
    return of.syncs_per_add is not None and of.syncs_per_add >= 1


def _row_if(is_fit: bool, row: Row) -> Row:
    """The row, or one with nothing to be proud of: fast or small, but finding or keeping too little."""
    return row if is_fit else replace(row, ratio=math.nan)


def benchmark_document(benchmark: str, rows: Sequence[Row], **measured: Any) -> dict[str, Any]:
    """What a benchmark writes: where and when it ran, its rows, its bars, and whatever it measured."""
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
