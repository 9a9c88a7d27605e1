"""The benchmark commands run from end to end, at sizes at which their figures mean nothing."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from benchmarks import default_path, facts, llm_endpoint, wrappers
from benchmarks import store as store_command
from benchmarks.bars import DEFAULT_PATH_BARS, FACT_BARS, STORE_BARS
from benchmarks.comparison import Measured, _note_search
from benchmarks.default_path import Path95
from benchmarks.default_path import measure as measure_default_path
from benchmarks.default_path import rows_of as default_rows_of
from benchmarks.llm_endpoint import Kept
from benchmarks.llm_endpoint import rows_of as endpoint_rows_of
from benchmarks.measuring import Timings
from benchmarks.prepared import Filter
from benchmarks.slow_endpoint import Busy
from benchmarks.wrappers import Overhead, balance, measure_overhead
from benchmarks.wrappers import rows_of as wrapper_rows_of
from embodied_mem import Experience, MemoryStore
from embodied_mem.errors import ExperimentError

gym = pytest.importorskip("gymnasium")

OF_1K = ["filtered_10pct_1k_vs_sqlitestore", "filtered_0.2pct_1k_vs_sqlitestore"]  # bars at 1,000 records


@pytest.mark.slow
def test_the_store_benchmark_writes_rows_and_subjects(tmp_path, capsys):
    path = tmp_path / "found.json"
    chosen = ["--only", "embodied_mem,numpy_floor,faiss_floor", "--n", "150,200", "--rounds", "1"]
    store_command.main([*chosen, "--json", str(path), "--folder", str(tmp_path)])
    found = json.loads(path.read_text(encoding="utf-8"))
    assert {"name", "value", "unit", "against", "ratio"} == set(found["rows"][0])
    own = found["subjects"]["200"]["embodied_mem"]
    assert own["search_agent"]["recall_at_10"] == 1.0
    assert own["add"]["p99_ms"] >= own["add"]["p50_ms"] > 0
    assert own["add_to_small"]["n"] == own["add"]["n"] == 100
    flat = next(row for row in found["rows"] if row["name"] == "durable_add_flat_150_to_200")
    assert flat["against"] == pytest.approx(own["add_to_small"]["p50_with_catch_up_ms"], rel=0.01)
    assert found["machine"]["cores"] >= 1
    assert "FAISS flat with a bitmap" in capsys.readouterr().out


@pytest.mark.slow
def test_the_endpoint_benchmark_measures_both_ways_of_playing(tmp_path, capsys):
    pytest.importorskip("langchain_openai")
    path = tmp_path / "found.json"
    assert llm_endpoint.main(["--quick", "--json", str(path)]) == 0
    at_once, in_turn = json.loads(path.read_text(encoding="utf-8"))["kept"]
    assert (at_once["episodes"], in_turn["episodes"]) == (8, 1)
    assert at_once["busy"]["calls"] == 8 * in_turn["busy"]["calls"]
    assert 0.05 * 48 <= at_once["busy"]["busy_s"] <= at_once["slots"] * at_once["busy"]["span_s"]
    assert "endpoint_busy_8_at_once" in capsys.readouterr().out


@pytest.mark.parametrize(("busy_s", "code"), [(7.3, True), (7.1, False)])
def test_an_endpoint_that_is_busy_nine_tenths_of_its_time_is_enough(busy_s, code):
    kept = Kept(64, 64, 8, Busy(calls=100, busy_s=busy_s, span_s=1.0), 0.1)
    in_turn = Kept(1, 4, 8, Busy(calls=10, busy_s=1.0, span_s=1.0), 0.1)
    first, second = endpoint_rows_of([kept, in_turn], 0.1)
    assert (first.is_met, second.bar) == (code, None)


@pytest.mark.slow
def test_an_add_waits_for_the_disk_as_often_as_it_promises(tmp_path):
    from benchmarks.prepared import Prepared
    from benchmarks.worker_process import syncs_per_add
    from tests.durability.file_calls import missing_reason

    if reason := missing_reason():
        pytest.skip(reason)
    Prepared.make(100, 0).save(tmp_path / "workload")
    assert syncs_per_add("embodied_mem", tmp_path / "workload", tmp_path, few=5, many=10) >= 1.0


def subject(name: str) -> Measured:
    """Anyone, measured; ours meets every bar beside the others."""
    ms = 0.001 if name.startswith("embodied_mem") else 1.0
    found = Measured(name=name, rss_mb=1.0, rss_text_mb=1.0, syncs_per_add=1.0)
    found.adds, found.catch_up_s = [Timings((ms,), ms)], [0.0]
    found.searches.update({kind: [Timings((ms,), ms)] for kind in Filter})
    found.recalls.update(dict.fromkeys(Filter, 1.0))
    return found


@pytest.fixture
def judge(monkeypatch, tmp_path):
    """Runs the store benchmark with made-up figures: its exit code and what it wrote."""

    def run(*arguments: str, lacking: tuple[str, ...] = ()) -> tuple[int, dict[str, Any]]:
        def measure(names: Sequence[str], sizes: Sequence[int], *_: object) -> dict[int, dict[str, Measured]]:
            found = {n: {name: subject(name) for name in names if name not in lacking} for n in sizes}
            for n in sizes:
                if n > min(sizes) and "embodied_mem" in found[n]:
                    found[n]["embodied_mem"].small = subject("embodied_mem")
            return found

        monkeypatch.setattr(store_command, "measure", measure)
        monkeypatch.setattr(store_command, "check_installed", lambda _: None)
        path = tmp_path / "found.json"
        code = store_command.main([*arguments, "--json", str(path)])
        return code, json.loads(path.read_text(encoding="utf-8"))

    return run


def test_a_run_of_everyone_judges_every_bar(judge):
    code, found = judge()
    assert code == 0
    assert {bar["name"] for bar in found["bars"] if bar["met"]} == set(STORE_BARS)
    assert found["not_judged"] == []


@pytest.mark.parametrize(
    "only", ["embodied_mem", "embodied_mem,langgraph_sqlite,faiss_floor", "langgraph_sqlite"]
)
def test_a_run_that_leaves_a_store_out_judges_nothing(only, judge, capsys):
    code, found = judge("--only", only, "--n", "1000,100000")
    assert (code, found["bars"]) == (2, [])
    assert "mem0_faiss" in found["left_out"]
    assert "mem0_faiss" in capsys.readouterr().err
    assert found["not_judged"] == list(STORE_BARS)


def test_a_bar_without_its_row_is_not_passed_over(judge, capsys):
    code, found = judge("--n", "1000,100000", lacking=("embodied_mem_compressed",))
    assert (code, found["bars"]) == (2, [])
    assert "memory_compressed_with_texts_100k" in capsys.readouterr().err


def test_bars_of_sizes_that_were_not_asked_for_are_named(judge, capsys):
    code, found = judge("--n", "10000,100000")
    assert (code, found["not_judged"]) == (0, OF_1K)
    assert f"Not judged, as their sizes were not measured: {OF_1K[0]}" in capsys.readouterr().out


def test_a_quick_run_judges_the_bars_of_a_thousand_records(judge):
    code, found = judge("--quick")
    assert (code, [bar["name"] for bar in found["bars"]]) == (0, OF_1K)


def test_a_run_of_sizes_without_a_bar_needs_no_peer(judge):
    code, found = judge("--n", "10000", "--only", "embodied_mem,faiss_floor")
    assert (code, found["not_judged"]) == (0, list(STORE_BARS))


def test_a_run_of_nobody_is_refused(capsys):
    assert store_command.main(["--only", "", "--n", "200"]) == 2
    assert "measures nothing" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("--n", "99"), ("--n", "many"), ("--rounds", "0")])
def test_sizes_and_rounds_of_no_use_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as refused:
        store_command.main(arguments)
    assert refused.value.code == 2
    assert "expected" in capsys.readouterr().err


def test_a_subject_that_brings_nothing_back_ends_the_run():
    of = Measured(name="robotmem")
    answer = {"wall_s": [0.1, 0.1], "cpu_s": 0.2, "found": [[], []]}
    with pytest.raises(
        ExperimentError, match="robotmem brought nothing back for 2 queries with filter agent"
    ):
        _note_search(of, Filter.AGENT, answer, [frozenset({1}), frozenset({2})])


def test_the_round_that_found_least_counts():
    of = Measured(name="robotmem")
    for found in ([[1]], [[2, 1]], [[2, 3]]):
        _note_search(of, Filter.AGENT, {"wall_s": [0.1], "cpu_s": 0.1, "found": found}, [frozenset({1, 3})])
    assert of.recalls[Filter.AGENT] == 0.5


def test_a_refused_subject_ends_with_exit_code_two(capsys):
    assert store_command.main(["--only", "no_such_store", "--n", "200"]) == 2
    assert "no_such_store" in capsys.readouterr().err


@pytest.mark.slow
def test_the_default_path_finds_what_its_filters_leave(tmp_path):
    lines: list[str] = []
    measured = measure_default_path([300], tmp_path, lines.append)
    recalls = {each.name: each.recall for each in measured}
    assert recalls["vector_clustered_filtered_10pct"] == 1.0
    assert recalls["vector_bag_of_words"] == 1.0
    assert all(each.proved == 1.0 for each in measured)
    rows = {row.name: row for row in default_rows_of(measured)}
    assert {"text_300_p95", "vector_clustered_filtered_10pct_300_p95"} <= set(rows)
    assert (rows["every_answer_exact_300"].value, rows["every_answer_exact_300"].bar) == (1.0, None)


def asked(name: str, n: int, *, recall: float = 1.0, proved: float = 1.0, ms: float = 1.0) -> Path95:
    return Path95(name=name, n=n, timings=Timings((ms / 1e3,) * 5, ms / 200), recall=recall, proved=proved)


WAYS = [name.removesuffix("_1M_p95") for name in DEFAULT_PATH_BARS if name.endswith("_p95")]


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("lacking", [{"recall": 0.9995}, {"proved": 0.9995}, {"ms": 101.0}])
def test_slow_answers_and_answers_that_are_not_all_exact_meet_no_bar(name, lacking):
    time, exact = default_rows_of([asked(name, 1_000_000)])
    assert [time.bar, exact.bar, time.is_met, exact.is_met] == [1.0, 1.0, True, True]
    time, exact = default_rows_of([asked(name, 1_000_000, **lacking)])
    assert not time.is_met
    assert exact.is_met == ("ms" in lacking)


def test_one_way_of_asking_that_is_not_exact_spoils_the_size_and_is_named():
    shown = asked("text_of_task_and_state", 1_000_000, proved=0.5)
    row = default_rows_of([asked("text", 1_000_000), shown])[-1]
    assert (row.name, row.value, row.is_met) == ("every_answer_exact_1M", 0.5, False)
    assert "text_of_task_and_state" in row.said


def test_a_run_of_a_million_records_judges_every_bar():
    rows = default_rows_of([asked(name, 1_000_000) for name in WAYS])
    assert {row.name for row in rows if row.bar is not None} == set(DEFAULT_PATH_BARS)
    assert all(row.bar is None for row in default_rows_of([asked(name, 100_000) for name in WAYS]))


def test_the_default_path_names_the_sizes_that_it_did_not_measure(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(default_path, "measure", lambda *_: [asked("text", 100_000)])
    path = tmp_path / "found.json"
    assert default_path.main(["--n", "100000", "--json", str(path)]) == 0
    assert json.loads(path.read_text(encoding="utf-8"))["not_judged"] == list(DEFAULT_PATH_BARS)
    assert "Not judged, as their sizes were not measured: text_1M_p95" in capsys.readouterr().out


@pytest.mark.slow
def test_a_filled_store_that_lost_records_is_refused(tmp_path):
    measure_default_path([200], tmp_path, lambda _: None)
    with MemoryStore.open(tmp_path / "bag_of_words-200" / "store") as store:
        store.memory().record(Experience(task="one too many"))
    with pytest.raises(ExperimentError, match="holds 201 records, expected 200"):
        measure_default_path([200], tmp_path, lambda _: None)


@pytest.mark.slow
def test_a_filled_store_is_used_again(tmp_path):
    lines: list[str] = []
    measure_default_path([200], tmp_path, lines.append)
    lines.clear()
    measure_default_path([200], tmp_path, lines.append)
    assert not [line for line in lines if "written" in line]


def test_the_recording_benchmark_records_the_episodes_it_times():
    overhead = measure_overhead(
        "cartpole_long", lambda: gym.make("CartPole-v1"), lambda: balance, n_steps=2_000, turn=1_000
    )
    assert overhead.n_steps == 2_000
    assert overhead.n_episodes == 4  # of 500 steps each
    (row,) = wrapper_rows_of([overhead])
    assert (row.name, row.bar) == ("recording_cartpole_long", None)  # two thousand steps are too few


@pytest.mark.parametrize(("name", "n_steps"), [("cartpole_long", 200_000), ("minigrid", 50_000)])
def test_recording_is_judged_by_loops_of_full_length(name, n_steps):
    assert [row.bar for row in wrapper_rows_of([loop(name, n_steps), loop(name, n_steps - 1)])] == [1.0, None]


def test_a_short_run_of_recording_says_what_it_did_not_judge(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(wrappers, "measure", lambda _: [loop("minigrid", 50_000), loop("cartpole_long", 9)])
    path = tmp_path / "found.json"
    assert wrappers.main(["--quick", "--json", str(path)]) == 0
    assert json.loads(path.read_text(encoding="utf-8"))["not_judged"] == ["recording_cartpole_long"]
    assert "recording_cartpole_long" in capsys.readouterr().out.splitlines()[-1]


def test_a_loop_whose_episodes_were_not_kept_is_refused(tmp_path):
    with MemoryStore.open(tmp_path / "store") as store:
        store.memory().record(Experience(task="the only one"))
    wrappers.check_recorded(tmp_path / "store", 1)
    with pytest.raises(ExperimentError, match="1 of 2 episodes were recorded"):
        wrappers.check_recorded(tmp_path / "store", 2)


def test_the_controller_keeps_the_pole_up():
    env = gym.make("CartPole-v1")
    observation, _ = env.reset(seed=0)
    terminated = truncated = False
    n_steps = 0
    while not (terminated or truncated):
        observation, _, terminated, truncated, _ = env.step(balance(observation))
        n_steps += 1
    assert (n_steps, terminated) == (500, False)


def loop(name: str, n_steps: int) -> Overhead:
    return Overhead(
        name=name,
        n_steps=n_steps,
        n_episodes=1,
        bare_us=1.0,
        percent=0.0,
        paired_percent=0.0,
        cpu_percent=0.0,
    )


def test_the_facts_benchmark_writes_rows(tmp_path, capsys):
    path = tmp_path / "found.json"
    assert facts.main(["--n", "200", "--json", str(path)]) == 0
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found["ways"]["recall"]["n"] == facts.N_ASKED
    assert found["not_judged"] == list(FACT_BARS)
    assert "facts_learn_and_recall_200_p95" in capsys.readouterr().out
