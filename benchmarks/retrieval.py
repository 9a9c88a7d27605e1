"""Quality of text retrieval without a model: `python -m benchmarks.retrieval`.

MRR@10, recall@1 and recall@8 of every method on both sets, by half, with 95 % intervals by bootstrap over
queries. Rows with synonyms are optimistic, since the queries were written in view of them (data/README.md).
Rivals are given one text and, as ours is, one field at a time.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.retrieval_methods import METHODS, MODEL_METHODS, Ranking
from benchmarks.retrieval_set import HALVES, SETS, Asked, load_queries, load_texts

MEASURES = ("mrr_at_10", "recall_at_1", "recall_at_8")
RESAMPLES = 2000
BASELINE = "ours"
EVERY_METHOD = {**METHODS, **MODEL_METHODS}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table and write the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write every number to this file")
    parser.add_argument("--half", choices=HALVES, help="this half of the queries only")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--methods", nargs="+", choices=EVERY_METHOD, default=list(METHODS))
    parsed = parser.parse_args(arguments)
    halves = [parsed.half] if parsed.half else list(HALVES)
    rows = [row for name in parsed.sets for row in measure(name, parsed.methods, halves)]
    print(table(rows))
    if parsed.json:
        parsed.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def measure(name: str, methods: Sequence[str], halves: Sequence[str]) -> list[dict[str, Any]]:
    """One row for each method and half of a set: means, intervals, and the paired difference to ours."""
    texts, queries = load_texts(name), [query for query in load_queries(name) if query.half in halves]
    rankings = {method: EVERY_METHOD[method](texts, [query.text for query in queries]) for method in methods}
    scores = {method: np.array(list(map(scores_of, queries, found))) for method, found in rankings.items()}
    rows = []
    for half in halves:
        of_half = np.array([query.half == half for query in queries])
        for method in methods:
            row = {"set": name, "half": half, "method": method, "n_queries": int(of_half.sum())}
            rows.append(row | _estimates(scores, method, of_half))
    return rows


def scores_of(query: Asked, found: Ranking) -> tuple[float, float, float]:
    """Reciprocal rank of the first answer within ten, whether it is first, and the share of answers in eight.

    Where there are more than eight answers, eight are all that can be asked for.
    """
    hits = [id in query.relevant for id in found[:10]]
    reciprocal = next((1 / rank for rank, is_hit in enumerate(hits, 1) if is_hit), 0.0)
    return reciprocal, float(hits[:1] == [True]), sum(hits[:8]) / min(8, len(query.relevant))


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| set | half | n | method | MRR@10 | recall@1 | recall@8 | MRR@10 minus ours |",
        "|---" * 8 + "|",
    ]
    for row in rows:
        measures = " | ".join(f"{row[name]:.3f} [{low(row, name)}]" for name in MEASURES)
        against = row.get("mrr_at_10_minus_ours")
        difference = "" if against is None else f"{against:+.3f} [{low(row, 'mrr_at_10_minus_ours')}]"
        head = f"| {row['set']} | {row['half']} | {row['n_queries']} | {row['method']}"
        lines.append(f"{head} | {measures} | {difference} |")
    return "\n".join(lines)


def low(row: dict[str, Any], name: str) -> str:
    """Format the interval of a measure."""
    return " to ".join(f"{bound:.2f}" for bound in row[f"{name}_interval"])


def _estimates(scores: dict[str, Any], method: str, of_half: Any) -> dict[str, Any]:
    own = scores[method][of_half]
    result: dict[str, Any] = {}
    for column, name in enumerate(MEASURES):
        result |= _mean_and_interval(name, own[:, column])
    if method != BASELINE and BASELINE in scores:
        result |= _mean_and_interval("mrr_at_10_minus_ours", own[:, 0] - scores[BASELINE][of_half][:, 0])
    return result


def _mean_and_interval(name: str, values: "np.typing.NDArray[np.float64]") -> dict[str, Any]:
    drawn = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    bounds = np.percentile(values[drawn].mean(axis=1), [2.5, 97.5]).round(4)
    return {name: round(float(values.mean()), 4), f"{name}_interval": bounds.tolist()}


if __name__ == "__main__":
    main()
