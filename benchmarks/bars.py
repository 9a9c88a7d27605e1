"""The bars of the store benchmark, each under the name of the row that is held against it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """What a row has to reach.

    Attributes:
        least: The smallest ratio that is enough.
        sizes: Numbers of records that have to be measured for it.
    """

    least: float
    sizes: tuple[int, ...] = (100_000,)


BARS: Mapping[str, Bar] = {
    "durable_add_100k_vs_sqlitestore": Bar(3.0),
    "durable_add_flat_1k_to_100k": Bar(0.8, sizes=(1_000, 100_000)),
    "filtered_10pct_100k_vs_best_peer": Bar(4.0),
    "filtered_0.2pct_100k_vs_best_peer": Bar(10.0),
    "unfiltered_100k_vs_raw_faiss": Bar(1 / 1.25),
    "filtered_10pct_100k_compressed_vs_best_peer": Bar(4.0),
    "filtered_0.2pct_100k_compressed_vs_best_peer": Bar(10.0),
    "unfiltered_100k_compressed_vs_raw_faiss": Bar(1 / 1.25),
    "memory_exact_100k": Bar(1.0),
    "memory_compressed_100k": Bar(1.0),
}


def least_ratio(row_name: str) -> float | None:
    """What a row of this name has to reach; None where it is only shown."""
    return BARS[row_name].least if row_name in BARS else None


def bars_at(sizes: Collection[int]) -> list[str]:
    """The bars that a run with these numbers of records has to judge."""
    return [name for name, bar in BARS.items() if set(bar.sizes) <= set(sizes)]
