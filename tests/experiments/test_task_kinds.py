"""A task kind with the options of its world: as text, as a mapping, in a stream and in a run."""

import json
from pathlib import Path
from typing import Any

import pytest

from embodied_mem import registry
from embodied_mem.contracts import World
from embodied_mem.errors import EmbodiedMemError
from embodied_mem.experiments.compose import compose_config
from embodied_mem.experiments.config import differences, from_document, make_plan, to_document
from embodied_mem.experiments.run_command import run
from embodied_mem.experiments.task_kinds import TaskKind
from embodied_mem.experiments.worlds import Worlds
from embodied_mem.testing.key_door import KeyDoorWorld

FROZEN = "gym:FrozenLake-v1"
STILL = f"{FROZEN}?is_slippery=false"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, FROZEN),
        ({"is_slippery": False}, STILL),
        ({"map_name": "4x4", "is_slippery": True}, f'{FROZEN}?is_slippery=true&map_name="4x4"'),
        ({"desc": ["SF", "FG"], "n": None}, f'{FROZEN}?desc=["SF","FG"]&n=null'),
        ({"nested": {"b": 1, "a": 0.5}}, f'{FROZEN}?nested={{"a":0.5,"b":1}}'),
        ({"note": "a&b=c?d"}, f'{FROZEN}?note="a\\u0026b=c\\u003fd"'),
        ({"note": "größer"}, f'{FROZEN}?note="größer"'),
    ],
)
def test_a_kind_and_its_text_are_the_same(options: dict[str, Any], text: str) -> None:
    kind = TaskKind(FROZEN, options)
    assert str(kind) == text
    assert TaskKind.parse(text) == kind
    assert TaskKind.read({"kind": FROZEN, "options": options}) == kind
    assert json.loads(json.dumps(text)) == text


def test_the_order_and_the_spelling_of_options_do_not_matter() -> None:
    spellings = (f'{FROZEN}?b= 1&a="\\u0078"', f'{FROZEN}?a="x"&b=1')
    assert len({str(TaskKind.parse(text)) for text in spellings}) == 1


@pytest.mark.parametrize("text", ["mine:what?", "mine:what?now", "levers:a", "a?b:c"])
def test_a_question_mark_without_options_belongs_to_the_name(text: str) -> None:
    assert TaskKind.parse(text) == TaskKind(text)
    assert str(TaskKind.parse(text)) == text


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (f"{FROZEN}?is_slippery=False", "is_slippery=False, whose value is not JSON; expected true, false"),
        (f"{FROZEN}?map_name=4x4", 'text in double quotes, such as "4x4"'),
        (f"{FROZEN}?n=NaN", "options of gym:FrozenLake-v1.n is nan; expected a finite number"),
        (f"{FROZEN}?a=1&a=2", "gives the option a twice"),
        (f"{FROZEN}?a b=1", "the option 'a b', which is not a keyword"),
        ("?a=1", "a task kind has no name"),
        ("", "a task kind has no name"),
        (3, "stream.kinds holds 3; expected text such as"),
        (["levers:a"], "stream.kinds holds .'levers:a'.; expected text such as"),
        ({"options": {}}, "stream.kinds holds .'options': ...; expected text such as"),
        ({"kind": FROZEN, "option": {}}, "Did you mean 'options'"),
        ({"kind": FROZEN, "options": [1]}, r"options of gym:FrozenLake-v1 is \[1\]; expected a mapping"),
        ({"kind": FROZEN, "options": {"a": object()}}, "options of gym:FrozenLake-v1.a"),
    ],
)
def test_a_kind_that_cannot_be_read_is_named_with_what_was_expected(given: object, message: str) -> None:
    with pytest.raises(EmbodiedMemError, match=message):
        TaskKind.read(given)


@pytest.mark.parametrize(
    "override",
    [
        f'stream.kinds=[{{kind: "{FROZEN}", options: {{is_slippery: false}}}}]',
        f"stream.kinds=[{{kind: {FROZEN}, options: {{is_slippery: false}}}}]",
        f'stream.kinds=["{STILL}"]',
    ],
)
def test_a_stream_takes_options_on_the_command_line(override: str) -> None:
    config = compose_config([override])
    assert config.stream.kinds == [STILL]
    assert not differences(from_document(json.loads(json.dumps(to_document(config)))), config)


def test_equal_kinds_are_one_however_they_are_written() -> None:
    override = f'stream.kinds=["{STILL}",{{kind: "{FROZEN}", options: {{is_slippery: false}}}}]'
    with pytest.raises(EmbodiedMemError, match="is_slippery=false twice"):
        make_plan(compose_config([override]))


def test_a_world_is_made_with_its_options() -> None:
    worlds = Worlds()
    try:
        still, slippery = (worlds.get(kind).env.unwrapped for kind in (STILL, FROZEN))
        outcomes = [len(env.P[0][2]) for env in (still, slippery)]  # type: ignore[attr-defined]
        assert outcomes == [1, 3]
        assert worlds.get(STILL) is worlds.get(STILL)
    finally:
        worlds.close()


@pytest.mark.parametrize("options", ["?colour=1", '?map_name="9x9"'])
def test_options_that_a_world_rejects_stop_a_run_before_it_begins(tmp_path: Path, options: str) -> None:
    with pytest.raises(EmbodiedMemError, match=f"world '{FROZEN}' cannot be made with") as raised:
        play(tmp_path / "run", f"{FROZEN}{options}")
    assert f"change the options of {FROZEN}{options}" in str(raised.value)
    assert not (tmp_path / "run").exists()


def test_a_name_that_a_factory_rejects_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def make_lab(rest: str) -> None:
        raise KeyError(rest)

    monkeypatch.setattr(registry, "load", lambda group, name: make_lab)
    with pytest.raises(
        EmbodiedMemError, match="world 'lab:night' cannot be made: KeyError: 'night'; change the name"
    ):
        Worlds().get("lab:night")


def test_two_sets_of_options_are_two_kinds_of_a_run(tmp_path: Path) -> None:
    summary = play(tmp_path / "run", STILL, FROZEN)
    rows = [
        json.loads(line)
        for path in sorted((tmp_path / "run").glob("lifetimes/*/*/episodes.jsonl"))
        for line in path.read_text("utf-8").splitlines()
    ]
    assert {row["kind"] for row in rows} == {STILL, FROZEN} == set(summary["kinds"])
    assert set(summary["arms"]["floor"]["by_kind"]) == {STILL, FROZEN}
    assert (tmp_path / "run" / "report.html").read_text("utf-8").count("is_slippery=false") > 0
    again = run([f"resume={tmp_path / 'run'}", "workers=1"], command="", say=lambda line: None).summary
    assert again == summary


def play(folder: Path, *kinds: str) -> dict[str, Any]:
    listed = ",".join(f"'{kind}'" for kind in kinds)
    overrides = ("seeds=tuning", "lifetimes=1", "learning_episodes=2", "held_out_episodes=4", "workers=1")
    run_of = [*overrides, f"stream.kinds=[{listed}]", "arms=[none,floor]", f"out={folder}"]
    return run(run_of, command="", say=lambda line: None).summary


@pytest.mark.parametrize("has_close", [True, False])
def test_a_world_is_closed_by_its_own_close_and_else_by_that_of_its_environment(
    monkeypatch: pytest.MonkeyPatch, has_close: bool
) -> None:
    closed: list[str] = []

    class Lab(KeyDoorWorld):
        if has_close:

            def close(self) -> None:
                closed.append("world")

    def make_lab() -> World:
        world = Lab()
        world.env.close = lambda: closed.append("environment")  # type: ignore[method-assign]
        return world

    monkeypatch.setattr(registry, "load", lambda group, name: make_lab)
    worlds = Worlds()
    worlds.get("lab")
    worlds.close()
    worlds.close()
    assert closed == ["world" if has_close else "environment"]
