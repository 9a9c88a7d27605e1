"""The rows that a benchmark ends with, and the bars they are held against."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from embodied_mem.experiments.benchmarks.comparison import Measured
from embodied_mem.experiments.benchmarks.measuring import circumstances, label
from embodied_mem.experiments.benchmarks.prepared import Filter
from embodied_mem.experiments.benchmarks.subject import (
    COMPRESSED,
    FAISS_FLOOR,
    OWN,
    SQLITE_STORE,
    describe_subject,
)
from embodied_mem.experiments.benchmarks.workload import DIMENSION

JUDGED_N = 100_000  # the bars are stated for so many records; at other sizes rows are shown and not judged
MIN_RECALL = 0.99  # who finds less, a peer or we, is no match
MIN_COMPRESSED_RECALL = 0.98
MAX_COMPRESSED_MB = 80.0
MAX_EXACT_SHARE = 1.15  # of the bytes of the vectors
MAX_EXACT_EXTRA_BYTES = 200  # a record
BARS = {
    "durable_add_vs_sqlitestore": 3.0,
    "durable_add_flat": 0.8,
    "filtered_10pct_vs_best_peer": 4.0,
    "filtered_0.2pct_vs_best_peer": 10.0,
    "unfiltered_vs_raw_faiss": 1 / 1.25,
    "memory_exact": 1.0,
    "memory_compressed": 1.0,
}


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
    return rows + _flatness(results)


def _rows_at(n: int, measured: Mapping[str, Measured]) -> list[Row]:
    own = measured[OWN]
    rows = []
    if SQLITE_STORE in measured and own.adds:
        peer = measured[SQLITE_STORE]
        said = f"LangGraph SqliteStore; syncs an add: ours {_count(own)}, its {_count(peer)}"
        name, bar = f"durable_add_{label(n)}_vs_sqlitestore", _bar("durable_add_vs_sqlitestore", n)
        row = _faster(name, own.add_p50_ms(), peer.add_p50_ms(), bar, said)
        rows.append(row if _is_synced(own) and _is_synced(peer) else _without_ratio(row))
    for kind, share in ((Filter.AGENT, "10pct"), (Filter.AGENT_TASK, "0.2pct")):
        rows.append(_filtered(n, measured, kind, share))
    if FAISS_FLOOR in measured:
        floor = measured[FAISS_FLOOR].search_p50_ms(Filter.NONE)
        name, bar = f"unfiltered_{label(n)}_vs_raw_faiss", _bar("unfiltered_vs_raw_faiss", n)
        said = f"IndexFlatIP, ids only; our recall {own.recalls[Filter.NONE]:.3f}"
        row = _faster(name, own.search_p50_ms(Filter.NONE), floor, bar, said)
        rows.append(row if own.recalls[Filter.NONE] >= MIN_RECALL else _without_ratio(row))
    return rows + _memory_rows(n, measured)


def _filtered(n: int, measured: Mapping[str, Measured], kind: Filter, share: str) -> Row:
    """Against the fastest peer that finds what there is to find."""
    own, recall = measured[OWN].search_p50_ms(kind), measured[OWN].recalls[kind]
    peers = {
        name: each.search_p50_ms(kind)
        for name, each in measured.items()
        if describe_subject(name).role == "peer" and each.recalls.get(kind, 0.0) >= MIN_RECALL
    }
    best = min(peers, key=lambda name: peers[name], default=None)
    name = f"filtered_{share}_{label(n)}_vs_best_peer"
    bar = _bar(f"filtered_{share}_vs_best_peer", n)
    if best is None:
        return Row(name, own, "ms", math.nan, math.nan, bar, f"no peer measured reached recall {MIN_RECALL}")
    row = _faster(name, own, peers[best], bar, f"{describe_subject(best).title}; our recall {recall:.3f}")
    return row if recall >= MIN_RECALL else _without_ratio(row)


def _memory_rows(n: int, measured: Mapping[str, Measured]) -> list[Row]:
    rows = []
    own = measured[OWN]
    if own.rss_mb is not None:
        vector_bytes = n * DIMENSION * 4
        bound_mb = (MAX_EXACT_SHARE * vector_bytes + MAX_EXACT_EXTRA_BYTES * n) / 1e6
        said = "bound: 1.15 x vector bytes + 200 B a record"
        rows.append(_smaller(f"memory_exact_{label(n)}", own.rss_mb, bound_mb, _bar("memory_exact", n), said))
    small = measured.get(COMPRESSED)
    if small is not None and small.rss_mb is not None:
        recall = small.recalls[Filter.NONE]
        said = (
            f"bound: {MAX_COMPRESSED_MB:g} MB at recall {MIN_COMPRESSED_RECALL}; recall {recall:.3f}; "
            f"{small.rss_making_mb or 0:.0f} MB in the process that made the codes"
        )
        row = _smaller(
            f"memory_compressed_{label(n)}",
            small.rss_mb,
            MAX_COMPRESSED_MB,
            _bar("memory_compressed", n),
            said,
        )
        rows.append(row if recall >= MIN_COMPRESSED_RECALL else _without_ratio(row))
    return rows


def _flatness(results: Mapping[int, Mapping[str, Measured]]) -> list[Row]:
    """Whether an add costs the same in a small store and in a large one."""
    sizes = sorted(n for n, measured in results.items() if OWN in measured and measured[OWN].adds)
    if len(sizes) < 2:
        return []
    small, large = sizes[0], sizes[-1]
    costs = [results[n][OWN].add_p50_ms() for n in (small, large)]
    bar = _bar("durable_add_flat", large)
    said = f"our own add at {label(small)} records"
    return [_faster(f"durable_add_flat_{label(small)}_to_{label(large)}", costs[1], costs[0], bar, said)]


def _bar(name: str, n: int) -> float | None:
    return BARS[name] if n == JUDGED_N else None


def _faster(name: str, value: float, against: float, bar: float | None, said: str) -> Row:
    return Row(name, value, "ms", against, against / value, bar, said)


def _smaller(name: str, value: float, against: float, bar: float | None, said: str) -> Row:
    return Row(name, value, "MB", against, against / value, bar, said)


def _count(of: Measured) -> str:
    return "not counted" if of.syncs_per_add is None else f"{of.syncs_per_add:g}"


def _is_synced(of: Measured) -> bool:
    """Whether it was seen to wait for the disk at each add."""
    return of.syncs_per_add is not None and of.syncs_per_add >= 1


def _without_ratio(row: Row) -> Row:
    """The row with nothing to be proud of: fast or small, but finding or keeping too little."""
    return replace(row, ratio=math.nan)


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
