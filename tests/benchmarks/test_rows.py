"""Rows say how far ahead we are, and a bar that is missed is not hidden."""

import math

import pytest

from benchmarks.bars import STORE_BARS
from benchmarks.comparison import Measured
from benchmarks.measuring import Timings, label
from benchmarks.prepared import Filter
from benchmarks.rows import Row, rows_of
from benchmarks.table import NONE, markdown, number, rows_table


def timings(*milliseconds: float) -> Timings:
    return Timings(tuple(each / 1e3 for each in milliseconds), sum(milliseconds) / 1e3)


def measured(
    name: str,
    search_ms: float,
    *,
    recall: float = 1.0,
    add_ms: float = 1.0,
    late_s: float = 0.0,
    syncs_per_add: float | None = 1.0,
) -> Measured:
    return Measured(
        name=name,
        searches={kind: [timings(search_ms, search_ms, search_ms)] for kind in Filter},
        recalls=dict.fromkeys(Filter, recall),
        adds=[timings(add_ms, add_ms)],
        catch_up_s=[late_s],
        syncs_per_add=syncs_per_add,
        rss_mb=100.0,
        rss_text_mb=105.0,
    )


def everyone(own_ms: float = 1.0, **own: float | None) -> dict[str, Measured]:
    subjects = [
        measured("embodied_mem", own_ms, **own),
        measured("langgraph_sqlite", 12.0, add_ms=9.0),
        measured("langgraph_in_memory", 20.0),
        measured("langchain_faiss", 0.1, recall=0.3),
        measured("faiss_floor", 2.0),
    ]
    return {each.name: each for each in subjects}


def beside_small(*, small_ms: float = 1.0, **own: float | None) -> dict[str, Measured]:
    """Everyone, with a small store of ours whose adds took turns with the others."""
    subjects = everyone(**own)
    subjects["embodied_mem"].small = measured("embodied_mem", 1.0, add_ms=small_ms)
    return subjects


def row(rows: list[Row], name: str) -> Row:
    (found,) = [each for each in rows if each.name == name]
    return found


def test_the_rows_that_are_asked_for_are_there():
    names = {each.name for each in rows_of({1_000: everyone(), 100_000: beside_small()})}
    assert {
        "durable_add_100k_vs_sqlitestore",
        "durable_add_flat_1k_to_100k",
        "filtered_10pct_100k_vs_best_peer",
        "filtered_0.2pct_100k_vs_best_peer",
        "unfiltered_100k_vs_raw_faiss",
        "memory_exact_100k",
        "filtered_10pct_1k_vs_best_peer",
        "filtered_10pct_1k_vs_sqlitestore",
    } <= names


def test_the_default_is_held_against_the_same_bars_as_vectors_that_are_kept_as_they_are():
    small = measured("embodied_mem_compressed", 2.0)
    rows = rows_of({100_000: {**everyone(), small.name: small}})
    found = row(rows, "filtered_10pct_100k_compressed_vs_best_peer")
    assert [found.value, found.against, found.bar, found.is_met] == [2.0, 12.0, 4.0, True]
    assert not row(rows, "filtered_0.2pct_100k_compressed_vs_best_peer").is_met
    assert row(rows, "unfiltered_100k_compressed_vs_raw_faiss").ratio == pytest.approx(1.0)
    small.recalls[Filter.NONE] = 0.9
    rows = rows_of({100_000: {**everyone(), small.name: small}})
    assert math.isnan(row(rows, "unfiltered_100k_compressed_vs_raw_faiss").ratio)


def test_a_peer_that_finds_too_little_is_no_match_to_be_ahead_of():
    found = row(rows_of({100_000: everyone()}), "filtered_10pct_100k_vs_best_peer")
    assert [found.against, found.ratio] == pytest.approx([12.0, 12.0])


def test_without_a_peer_that_finds_enough_the_bar_is_missed():
    subjects = {name: each for name, each in everyone().items() if not name.startswith("langgraph")}
    found = row(rows_of({100_000: subjects}), "filtered_10pct_100k_vs_best_peer")
    assert math.isnan(found.ratio)
    assert not found.is_met


@pytest.mark.parametrize(
    "name",
    [
        "filtered_10pct_1k_vs_sqlitestore",
        "filtered_0.2pct_1k_vs_sqlitestore",
        "filtered_10pct_100k_vs_best_peer",
        "filtered_0.2pct_100k_vs_best_peer",
    ],
)
def test_who_is_fast_and_misses_one_answer_misses_the_bar(name):
    assert row(rows_of(dict.fromkeys((1_000, 100_000), everyone())), name).is_met
    found = row(rows_of(dict.fromkeys((1_000, 100_000), everyone(recall=0.9995))), name)
    assert math.isnan(found.ratio)
    assert not found.is_met


def test_who_finds_too_little_of_everything_is_not_faster_than_faiss():
    assert row(rows_of({100_000: everyone()}), "unfiltered_100k_vs_raw_faiss").ratio == pytest.approx(2.0)
    assert math.isnan(row(rows_of({100_000: everyone(recall=0.98)}), "unfiltered_100k_vs_raw_faiss").ratio)


def test_few_records_are_held_against_sqlite_store_also_where_another_peer_is_faster():
    subjects = everyone()
    subjects["mem0_faiss"] = measured("mem0_faiss", 0.5)
    rows = rows_of({1_000: subjects})
    found = row(rows, "filtered_10pct_1k_vs_sqlitestore")
    assert [found.against, found.bar, found.is_met] == [12.0, 2.0, True]
    found = row(rows, "filtered_10pct_1k_vs_best_peer")
    assert [found.against, found.bar] == [0.5, None]


def test_a_sqlite_store_that_finds_too_little_is_no_match():
    subjects = everyone()
    subjects["langgraph_sqlite"] = measured("langgraph_sqlite", 12.0, recall=0.9)
    assert not row(rows_of({1_000: subjects}), "filtered_10pct_1k_vs_sqlitestore").is_met


@pytest.mark.parametrize("syncs_per_add", [None, 0.0, 0.5])
def test_an_add_that_was_not_seen_to_wait_for_the_disk_misses_the_bar(syncs_per_add):
    name = "durable_add_100k_vs_sqlitestore"
    assert row(rows_of({100_000: everyone()}), name).is_met
    assert not row(rows_of({100_000: everyone(syncs_per_add=syncs_per_add)}), name).is_met
    subjects = everyone()
    subjects["langgraph_sqlite"] = measured("langgraph_sqlite", 12.0, add_ms=9.0, syncs_per_add=syncs_per_add)
    assert not row(rows_of({100_000: subjects}), name).is_met


@pytest.mark.parametrize("syncs_per_add", [None, 0.0])
def test_an_add_that_did_not_wait_for_the_disk_is_not_flat_either(syncs_per_add):
    name = "durable_add_flat_1k_to_100k"
    assert row(rows_of({1_000: everyone(), 100_000: beside_small()}), name).ratio == pytest.approx(1.0)
    results = {1_000: everyone(), 100_000: beside_small(syncs_per_add=syncs_per_add)}
    assert math.isnan(row(rows_of(results), name).ratio)


def test_an_add_is_flat_against_the_small_store_of_its_own_rounds():
    subjects = {1_000: everyone(add_ms=0.1), 100_000: beside_small(small_ms=0.9)}
    found = row(rows_of(subjects), "durable_add_flat_1k_to_100k")
    assert [found.value, found.against, found.ratio] == pytest.approx([1.0, 0.9, 0.9])


def test_a_floor_that_finds_too_little_is_none():
    subjects = everyone()
    subjects["faiss_floor"] = measured("faiss_floor", 2.0, recall=0.5)
    assert math.isnan(row(rows_of({100_000: subjects}), "unfiltered_100k_vs_raw_faiss").ratio)


def test_memory_that_could_not_be_read_is_not_small():
    subjects = everyone()
    subjects["embodied_mem"].rss_mb = 0.0
    assert not row(rows_of({100_000: subjects}), "memory_exact_100k").is_met


def test_who_finds_too_little_under_one_filter_keeps_too_little():
    subjects = everyone()
    assert row(rows_of({100_000: subjects}), "memory_exact_100k").is_met
    subjects["embodied_mem"].recalls[Filter.AGENT_TASK] = 0.9
    assert not row(rows_of({100_000: subjects}), "memory_exact_100k").is_met


def test_every_bar_has_a_row():
    small = measured("embodied_mem_compressed", 1.0)
    rows = rows_of({1_000: everyone(), 100_000: {**beside_small(), small.name: small}})
    assert {each.name for each in rows if each.bar is not None} == set(STORE_BARS)


def test_what_indexes_owe_after_adds_is_charged_to_the_adds():
    found = row(rows_of({100_000: everyone(late_s=0.004)}), "durable_add_100k_vs_sqlitestore")
    assert found.value == pytest.approx(3.0)  # 1 ms an add, and 4 ms for two of them afterwards
    assert found.ratio == pytest.approx(3.0)


def test_a_bar_is_held_against_its_own_number_of_records_only():
    rows = rows_of({1_000: everyone(), 100_000: everyone(own_ms=50.0)})
    assert row(rows, "filtered_10pct_1k_vs_best_peer").bar is None
    assert not row(rows, "filtered_10pct_100k_vs_best_peer").is_met


def test_memory_is_held_against_a_number_of_megabytes():
    small = measured("embodied_mem_compressed", 1.0)
    rows = rows_of({1_000: everyone(), 100_000: {**everyone(), small.name: small}})
    found = row(rows, "memory_exact_100k")
    assert [found.value, found.against, found.is_met] == [100.0, 200.0, True]
    found = row(rows, "memory_compressed_with_texts_100k")
    assert [found.value, found.against, found.is_met] == [105.0, 110.0, True]
    assert row(rows, "memory_exact_1k").bar is None


def test_small_but_forgetful_is_nothing_to_be_proud_of():
    small = measured("embodied_mem_compressed", 1.0, recall=0.9)
    found = row(rows_of({100_000: {**everyone(), small.name: small}}), "memory_compressed_with_texts_100k")
    assert not found.is_met


def test_a_published_row_has_five_fields_and_no_nan():
    document = Row("x", 1.0, "ms", math.nan, math.nan, 3.0).document()
    assert document == {"name": "x", "value": 1.0, "unit": "ms", "against": None, "ratio": None}


def test_a_missed_bar_is_shown_as_missed():
    assert "MISSED" in rows_table([Row("slow", 9.0, "ms", 1.0, 1 / 9, 1.0)])


@pytest.mark.parametrize(
    ("n", "said"), [(1_000, "1k"), (100_000, "100k"), (1_000_000, "1M"), (1_500, "1500"), (300, "300")]
)
def test_a_number_of_records_has_a_short_name(n, said):
    assert label(n) == said


@pytest.mark.parametrize(
    ("value", "said"), [(None, NONE), (math.nan, NONE), (0.01234, "0.0123"), (1234.5, "1,234")]
)
def test_figures_have_three_digits(value, said):
    assert number(value) == said


def test_columns_are_aligned():
    assert markdown(["a", "bb"], [["ccc", "d"]]) == "| a   | bb |\n| --- | -- |\n| ccc | d  |"
