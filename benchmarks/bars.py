"""The bars of the benchmarks, by the name of the row that each applies to."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """The requirement for a row.

    Attributes:
        n: Number of records at which it is judged.
        least: The smallest ratio that is enough.
        limit: The largest value allowed, in the unit of the row; NaN where the row is compared with another
            store instead.
    """

    n: int
    least: float = 1.0
    limit: float = math.nan


STORE_BARS: Mapping[str, Bar] = {
    "durable_add_100k_vs_sqlitestore": Bar(n=100_000, least=2.0),
    "filtered_10pct_1k_vs_sqlitestore": Bar(n=1_000, least=2.0),
    "filtered_0.2pct_1k_vs_sqlitestore": Bar(n=1_000, least=2.0),
    "filtered_10pct_100k_vs_best_peer": Bar(n=100_000, least=4.0),
    "filtered_0.2pct_100k_vs_best_peer": Bar(n=100_000, least=8.0),
    "filtered_10pct_100k_compressed_vs_best_peer": Bar(n=100_000, least=4.0),
    "filtered_0.2pct_100k_compressed_vs_best_peer": Bar(n=100_000, least=8.0),
    "memory_exact_100k": Bar(n=100_000, limit=200.0),  # MB
    "memory_compressed_with_texts_100k": Bar(n=100_000, limit=110.0),
}

DEFAULT_PATH_BARS: Mapping[str, Bar] = {
    "text_1M_p95": Bar(n=1_000_000, limit=100.0),  # milliseconds
    "text_filtered_10pct_1M_p95": Bar(n=1_000_000, limit=100.0),
    "text_filtered_0.2pct_1M_p95": Bar(n=1_000_000, limit=100.0),
    "vector_bag_of_words_1M_p95": Bar(n=1_000_000, limit=60.0),
    "vector_bag_of_words_filtered_10pct_1M_p95": Bar(n=1_000_000, limit=60.0),
    "vector_clustered_1M_p95": Bar(n=1_000_000, limit=60.0),
    "vector_clustered_filtered_10pct_1M_p95": Bar(n=1_000_000, limit=60.0),
    "every_answer_exact_1M": Bar(n=1_000_000),
}

DECISION_BARS: Mapping[str, Bar] = {
    "decision_k2_10k_p95": Bar(n=10_000, limit=20.0),  # milliseconds
    "decision_k50_packed_10k_p95": Bar(n=10_000, limit=20.0),
}

FACT_BARS: Mapping[str, Bar] = {
    "facts_recall_10k_p95": Bar(n=10_000, limit=10.0),  # milliseconds
    "facts_recall_episodes_10k_p95": Bar(n=10_000, limit=10.0),
    "facts_learn_and_recall_10k_p95": Bar(n=10_000, limit=10.0),
}


def bar_of(row_name: str) -> Bar | None:
    """Return the bar of a row by name; None if the row is only shown."""
    return {**STORE_BARS, **DEFAULT_PATH_BARS, **DECISION_BARS, **FACT_BARS}.get(row_name)


def bars_at(bars: Mapping[str, Bar], sizes: Collection[int]) -> list[str]:
    """Return the bars that a run with these numbers of records judges."""
    return [name for name, bar in bars.items() if bar.n in sizes]
