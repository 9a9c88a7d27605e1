"""Looking into a memory from the command line."""

import json

import pytest

from embodied_mem.experiments.cli import main
from embodied_mem.records import Experience, Outcome, SkillCall, Status
from embodied_mem.store import MemoryStore


@pytest.fixture
def folder(tmp_path):
    with MemoryStore.open(tmp_path / "lab") as store:
        memory = store.memory()
        memory.record(
            Experience(
                id="won",
                task="fetch the red ball",
                plan=(SkillCall("pick_up", {"object": "red ball"}),),
                outcome=Outcome(status=Status.SUCCESS),
            )
        )
        memory.record(
            Experience(
                id="lost",
                kind="repair",
                task="fetch the \x1b[31mred ball",
                outcome=Outcome(status=Status.FAILURE),
            )
        )
        memory.feedback("won", helped=True)
    return str(tmp_path / "lab")


def test_stats_say_how_much_there_is(folder, capsys):
    assert main(["memory", "stats", folder]) == 0
    out = capsys.readouterr().out
    assert "experiences  2" in out
    assert "feedback     1" in out
    assert "vectors      text: " in out


def test_search_gives_the_best_first_with_its_parts(folder, capsys):
    assert main(["memory", "search", folder, "red ball"]) == 0
    out = capsys.readouterr().out
    assert out.index("won  episode, success") < out.index("lost  repair, failure")
    assert "plan   pick_up(red ball)" in out
    assert "trust 0." in out


@pytest.mark.parametrize(
    "only", [["--outcome", "failure"], ["--kind", "repair"], ["-k", "1", "--kind", "repair"]]
)
def test_search_can_be_narrowed(folder, capsys, only):
    assert main(["memory", "search", folder, "red ball", *only]) == 0
    out = capsys.readouterr().out
    assert "lost" in out
    assert "won" not in out


def test_search_without_a_text_gives_the_newest(folder, capsys):
    main(["memory", "search", folder, "-k", "1"])
    assert "lost  repair, failure" in capsys.readouterr().out


def test_what_a_memory_holds_cannot_command_the_terminal(folder, capsys):
    main(["memory", "search", folder, "red ball"])
    main(["memory", "show", folder, "lost"])
    assert "\x1b" not in capsys.readouterr().out


def test_show_gives_one_experience_whole(folder, capsys):
    assert main(["memory", "show", folder, "won"]) == 0
    assert json.loads(capsys.readouterr().out)["task"]["text"] == "fetch the red ball"


def test_an_unknown_id_gives_the_nearest(folder, capsys):
    assert main(["memory", "show", folder, "wonn"]) == 1
    assert "Did you mean 'won'" in capsys.readouterr().err


def test_an_unknown_outcome_lists_the_known_ones(folder, capsys):
    assert main(["memory", "search", folder, "ball", "--outcome", "won"]) == 1
    assert "Known: cancelled, failure, success" in capsys.readouterr().err


def test_a_folder_without_a_store_is_left_as_it_is(tmp_path, capsys):
    assert main(["memory", "stats", str(tmp_path)]) == 1
    assert "holds no experiences.sqlite" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
