"""The benchmark commands run from end to end, at sizes at which their figures mean nothing."""

import json

import pytest

from embodied_mem.experiments.benchmarks import store as store_command
from embodied_mem.experiments.benchmarks.comparison import Measured
from embodied_mem.experiments.benchmarks.default_path import measure as measure_default_path
from embodied_mem.experiments.benchmarks.default_path import rows_of as default_rows_of
from embodied_mem.experiments.benchmarks.measuring import Timings
from embodied_mem.experiments.benchmarks.prepared import Filter
from embodied_mem.experiments.benchmarks.wrappers import Overhead, balance, measure_overhead, middle_one
from embodied_mem.experiments.benchmarks.wrappers import rows_of as wrapper_rows_of

gym = pytest.importorskip("gymnasium")


@pytest.mark.slow
def test_the_store_benchmark_writes_rows_and_subjects(tmp_path, capsys):
    path = tmp_path / "found.json"
    chosen = ["--only", "embodied_mem,numpy_floor,faiss_floor", "--n", "200", "--rounds", "1"]
    store_command.main([*chosen, "--json", str(path), "--folder", str(tmp_path)])
    found = json.loads(path.read_text(encoding="utf-8"))
    assert {"name", "value", "unit", "against", "ratio"} == set(found["rows"][0])
    own = found["subjects"]["200"]["embodied_mem"]
    assert own["search_agent"]["recall_at_10"] == 1.0
    assert own["add"]["p99_ms"] >= own["add"]["p50_ms"] > 0
    assert found["machine"]["cores"] >= 1
    assert "FAISS flat with a bitmap" in capsys.readouterr().out


@pytest.mark.slow
def test_an_add_waits_for_the_disk_as_often_as_it_promises(tmp_path):
    from embodied_mem.experiments.benchmarks.file_calls import missing_reason
    from embodied_mem.experiments.benchmarks.prepared import Prepared
    from embodied_mem.experiments.benchmarks.worker_process import syncs_per_add

    if reason := missing_reason():
        pytest.skip(reason)
    Prepared.make(100, 0).save(tmp_path / "workload")
    assert syncs_per_add("embodied_mem", tmp_path / "workload", tmp_path, few=5, many=10) >= 1.0


def test_a_run_that_leaves_a_store_out_judges_nothing(tmp_path, monkeypatch, capsys):
    ours = Measured(name="embodied_mem", rss_mb=1.0)  # within the bound of memory
    ours.searches.update({kind: [Timings((0.001,), 0.001)] for kind in Filter})
    ours.recalls.update(dict.fromkeys(Filter, 1.0))
    monkeypatch.setattr(store_command, "measure", lambda *_: {100_000: {"embodied_mem": ours}})
    path = tmp_path / "found.json"
    assert store_command.main(["--only", "embodied_mem", "--n", "100000", "--json", str(path)]) == 2
    assert "left out: langgraph_sqlite" in capsys.readouterr().err
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found["bars"] == []
    assert "mem0_faiss" in found["left_out"]


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
    assert {"text_300_p95", "vector_clustered_300_recall"} <= {row.name for row in default_rows_of(measured)}


@pytest.mark.slow
def test_a_filled_store_is_used_again(tmp_path):
    lines: list[str] = []
    measure_default_path([200], tmp_path, lines.append)
    lines.clear()
    measure_default_path([200], tmp_path, lines.append)
    assert not [line for line in lines if "written" in line]


def test_the_recording_benchmark_records_the_episodes_it_times():
    overhead = measure_overhead(
        "cartpole_1m_steps", lambda: gym.make("CartPole-v1"), lambda: balance, n_steps=2_000, turn=1_000
    )
    assert overhead.n_steps == 2_000
    assert overhead.n_episodes == 4  # of 500 steps each
    (row,) = wrapper_rows_of([overhead])
    assert (row.name, row.bar) == ("recording_cartpole_1m_steps", 1.0)


def test_the_controller_keeps_the_pole_up():
    env = gym.make("CartPole-v1")
    observation, _ = env.reset(seed=0)
    terminated = truncated = False
    n_steps = 0
    while not (terminated or truncated):
        observation, _, terminated, truncated, _ = env.step(balance(observation))
        n_steps += 1
    assert (n_steps, terminated) == (500, False)


def test_of_several_rounds_the_middle_one_is_reported():
    rounds = [
        Overhead(
            name="loop",
            n_steps=1,
            n_episodes=1,
            bare_us=1.0,
            percent=percent,
            paired_percent=0.0,
            cpu_percent=0.0,
            other_cpu_percent=0.0,
        )
        for percent in (9.0, 3.0, 4.0)
    ]
    assert middle_one(rounds).percent == 4.0
