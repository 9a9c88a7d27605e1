"""The report shows what a language model was asked and answered, beside what was recalled for it."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from embodied_mem.experiments.report import write_report
from embodied_mem.experiments.report.episodes import Packed, pack
from embodied_mem.experiments.report.model_calls import model_calls
from embodied_mem.experiments.run_folder import read_run
from embodied_mem.planners.llm.models.call_log import FILE
from tests.experiments.synthetic_run import episode_row, write_rows


def logged(place: str, **values: Any) -> str:
    """A line as the log of model calls has it."""
    line = {"key": "k", "place": place, "role": "plan", "template": "plan/compact@1"}
    line |= {"model": {"model": "small", "server": "here"}, "system": "", "prompt": "Task: wait.\nAction:"}
    line |= {"parts": {}, "answer": "wait()", "tokens_in": 12, "tokens_out": 3, "tokens_cached": None}
    return json.dumps(line | {"seconds": 0.25, "usd": None, "error": ""} | values) + "\n"


def log_in(folder: Path, *lines: str) -> Path:
    path = folder / "planner" / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines), "utf-8")
    return folder


def unpacked(packed: Packed) -> dict[str, Any]:
    return {key: json.loads(gzip.decompress(base64.b64decode(text))) for key, text in packed.chunks.items()}


def test_calls_are_told_by_the_episode_and_the_number_of_skill_calls_before(tmp_path: Path) -> None:
    folder = log_in(
        tmp_path, logged("e-0#0"), logged("e-0#0+", answer="go()"), logged("e-0#2"), logged("e-1#0")
    )
    found = model_calls(folder, ["e-0"])
    assert [(call["after"], call["answer"]) for call in found.pop("e-0")] == [
        (0, "wait()"),
        (0, "go()"),
        (2, "wait()"),
    ]
    assert found == {}


def test_what_is_shown_has_no_server_and_no_empty_values(tmp_path: Path) -> None:
    ((call,),) = model_calls(log_in(tmp_path, logged("e#0")), ["e"]).values()
    assert call == {
        "role": "plan",
        "template": "plan/compact@1",
        "prompt": "Task: wait.\nAction:",
        "answer": "wait()",
        "tokens_in": 12,
        "tokens_out": 3,
        "seconds": 0.25,
        "model": "small",
        "after": 0,
    }


@pytest.mark.parametrize("line", ["", '{"place": "e#0", "prom', "null\n", "{}\n", '{"place": "e#x"}\n'])
def test_a_line_that_cannot_be_read_is_left_out(tmp_path: Path, line: str) -> None:
    found = model_calls(log_in(tmp_path, logged("e#0"), line), ["e"])
    assert len(found["e"]) == 1


def test_each_episode_of_the_page_has_its_calls(tmp_path: Path) -> None:
    run = write_rows(tmp_path, [episode_row(attempt="m-0"), episode_row(attempt="m-1", index=1)])
    log_in(run / "lifetimes" / "memory" / "00", logged("m-1#0", prompt="</script>"))
    (details,) = unpacked(pack(read_run(run), focus="memory")).values()
    assert "model_calls" not in details["0"]
    assert [call["prompt"] for call in details["1"]["model_calls"]] == ["</script>"]
    assert details["1"]["attempt"] == "m-1"  # the row is there as well


def test_only_logs_of_episodes_that_fit_the_page_are_read(tmp_path: Path) -> None:
    rows = [episode_row(lifetime=life, attempt=f"m-{life}") for life in range(3)]
    run = read_run(write_rows(tmp_path, rows))
    room = len(next(iter(pack(run, focus="memory").chunks.values())))
    (tmp_path / "lifetimes" / "memory" / "02" / FILE).mkdir()  # reading it is an error
    assert len(pack(run, focus="memory", detail_bytes=room).chunks) == 1
    with pytest.raises(IsADirectoryError):
        pack(run, focus="memory")


def test_a_very_long_prompt_is_cut_in_the_page(tmp_path: Path) -> None:
    run = write_rows(tmp_path, [episode_row(attempt="m")])
    log_in(run / "lifetimes" / "memory" / "00", logged("m#0", prompt="x" * 500_000))
    (details,) = unpacked(pack(read_run(run), focus="memory")).values()
    assert details["0"]["model_calls"][0]["prompt"].endswith("… (498,000 characters more)")


def test_a_run_without_logs_has_the_page_that_it_had(tmp_path: Path) -> None:
    rows = [episode_row(attempt="m")]
    plain = write_rows(tmp_path / "run", rows)
    page = write_report(plain).read_text("utf-8")
    log_in(plain / "lifetimes" / "memory" / "00", logged("another#0"))
    assert write_report(plain).read_text("utf-8") == page
    (details,) = unpacked(pack(read_run(plain), focus="memory")).values()
    assert details == {"0": rows[0]}
