"""The benchmark of a decision beside the model."""

import json

import pytest

from benchmarks import decision
from benchmarks.bars import DECISION_BARS
from benchmarks.measuring import Timings


@pytest.mark.slow
def test_every_way_shows_experiences_and_is_timed(tmp_path):
    measured = decision.measure(300, tmp_path)
    assert set(measured) == set(decision.WAYS)
    assert all(len(timings.wall_s) > 100 for timings in measured.values())


@pytest.mark.parametrize(("ms", "code"), [(19.0, 0), (21.0, 1)])
def test_a_slow_decision_misses_the_bar_of_ten_thousand(monkeypatch, tmp_path, ms, code):
    timings = Timings((ms / 1e3,) * 9, 9 * ms / 1e3)
    monkeypatch.setattr(decision, "measure", lambda n, folder: dict.fromkeys(decision.WAYS, timings))
    assert decision.main(["--n", "10000", "--json", str(tmp_path / "d.json")]) == code
    bars = json.loads((tmp_path / "d.json").read_text("utf-8"))["bars"]
    assert {bar["name"] for bar in bars} == set(DECISION_BARS)
    assert decision.main(["--n", "1000"]) == 0
