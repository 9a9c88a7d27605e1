"""Each system's files become experiences that a recall finds; what is malformed is counted with its place."""

import json

import pytest

from embodied_mem.errors import StoreError, UnknownName
from embodied_mem.records import SkillCall, Status
from embodied_mem.records.experience import Kind
from embodied_mem.records.filters import where
from embodied_mem.store.transfer.foreign import SYSTEMS, import_foreign

# system -> a query, and what the best hit must be (a text in its task or state)
QUERIES = {
    "arigraph": ("where is the copper lamp?", "hall contains copper lamp"),
    "helper": ("water the flower", "give the flower water"),
    "jarvis1": ("obtain a spruce door", "spruce door"),
    "rap": ("put the candle into the bathtub", "put a candle in the bathtub"),
    "reflexion": ("cool the kettle", "cool the kettle."),
    "remembr": ("where did you see a sofa?", "blue sofa"),
    "voyager": ("shear a cow", "Shears one cow"),
}


@pytest.fixture(params=sorted(SYSTEMS))
def files(request):
    return request.param, request.getfixturevalue(request.param)


def found(store, **conditions):
    return [hit.experience for hit in store.memory().recall(where=where(**conditions), k=100)]


def test_a_recall_query_finds_what_was_imported(store, files):
    system, path = files
    report = import_foreign(store, system, path)
    assert report.n_recorded > 0
    query, expected = QUERIES[system]
    best = store.memory().recall(query, k=1)[0].experience
    assert expected in best.task.text + best.state
    assert best.metadata["imported"]["from"] == system


def test_importing_again_adds_nothing_also_under_another_name(store, files, tmp_path):
    system, path = files
    first = import_foreign(store, system, path)
    again = import_foreign(store, system, path)
    assert again.n_recorded == 0
    assert again.n_known == first.n_recorded + first.n_known
    assert again.skipped == first.skipped
    moved = path.rename(path.with_name(f"moved_{path.name}")) if path.is_dir() else path
    assert import_foreign(store, system, moved).n_recorded == 0
    assert store.stats().n_experiences == first.n_recorded


def test_what_is_malformed_is_counted_with_its_place_and_costs_nothing_else(store, files):
    system, path = files
    report = import_foreign(store, system, path)
    assert report.malformed
    for each in report.malformed:
        assert each.place
        assert "expected" in each.why or "is no" in each.why or "missing" in each.why


def test_an_archived_experience_is_not_imported_again(store, jarvis1):
    import_foreign(store, "jarvis1", jarvis1)
    store.archive([each.id for each in store.experiences()])
    assert import_foreign(store, "jarvis1", jarvis1).n_recorded == 0
    assert store.memory().recall("door") == []


def test_jarvis1_plans_are_typed_calls(store, jarvis1):
    report = import_foreign(store, "jarvis1", jarvis1)
    assert (report.n_recorded, len(report.malformed)) == (3, 6)
    assert any("odd_status" in each.place and "'maybe'" in each.why for each in report.malformed)
    [door] = found(store, outcome="success")
    assert door.plan == (
        SkillCall("mine", {"item": "logs", "amount": 1}),
        SkillCall("craft", {"item": "planks", "amount": 4}),
        SkillCall("craft", {"item": "spruce_door", "amount": 3, "text": "door of spruce"}),
    )
    assert (door.state, door.facts["init_inventory"]) == ("inventory: 1 iron axe", {"iron_axe": 1})
    assert door.happened_at_s == 1692525630.0
    [lost] = found(store, outcome="failure")
    assert (lost.task.text, lost.state) == ("gold sword", "inventory: nothing")
    assert [each.metadata["item"] for each in found(store, outcome="unverified")] == ["gold_sword"]


def test_voyager_programs_are_kept_as_text_and_earlier_versions_too(store, voyager):
    report = import_foreign(store, "voyager", voyager)
    assert (report.n_recorded, report.n_known) == (3, 0)
    assert {each.place for each in report.malformed} == {"skills.json: noCode", "code/lost.js"}
    skills = {each.metadata["name"]: each for each in found(store, kind=Kind.SKILL.value)}
    assert set(skills) == {"shearOneCow", "shearOneCowV2", "buildTent"}
    shear = skills["shearOneCow"]
    assert shear.task.text == "Shears one cow, after it found shears in a chest."
    assert (shear.plan, shear.outcome.status) == ((SkillCall("shearOneCow"),), Status.UNVERIFIED)
    assert "await mineBlock" in shear.metadata["code"]
    assert import_foreign(store, "voyager", voyager / "skill" / "skills.json").n_recorded == 0


def test_helper_programs_become_calls_where_they_parse(store, helper):
    report = import_foreign(store, "helper", helper)
    assert (report.n_recorded, len(report.malformed)) == (3, 3)
    [flower] = [each for each in found(store) if "flower" in each.task.text]
    assert flower.plan == (
        SkillCall("go_to", {"object": "Cup"}),
        SkillCall("pickup", {"object": "Cup"}),
        SkillCall("pour", {"object": "Cup", "target": "HousePlant"}),
    )
    [routine] = [each for each in found(store) if "Sundays" in each.task.text]
    assert routine.plan == ()
    assert (routine.metadata["is_typed"], "for _ in range(4)" in routine.metadata["program"]) == (False, True)
    [repair] = found(store, kind=Kind.REPAIR.value)
    assert repair.plan == (SkillCall("move_back", {"object": "agent"}), SkillCall("open", {"object": "Box"}))
    assert "The box is closed." in repair.state
    assert repair.outcome.explanation == "A closed box must be opened first."


@pytest.mark.parametrize(
    "program",
    [
        "import os\nos.system('true')",
        "x = InteractionObject(open('f').read())",
        "x.place(__import__('os'))",
        "x.place(*y)",
        "x.place(**y)",
        "x.place(y := 1)",
        "x.y.place(z)",
        "x = eval('1')",
        "f(" * 300,
        "x.place(1)\n" * 5000,
        f"x.place({2**70})",
        "x.place('\x00')",
        "lambda: 1",
    ],
)
def test_a_program_that_says_more_than_calls_is_only_text(program):
    from embodied_mem.store.transfer.foreign.programs import calls_of

    assert calls_of(program) is None


def test_rap_commands_are_calls_and_thoughts_are_none(store, rap):
    report = import_foreign(store, "rap", rap)
    assert (report.n_recorded, report.n_known, len(report.malformed)) == (2, 1, 3)
    [candle] = [each for each in found(store) if "candle" in each.task.text]
    assert candle.plan == (
        SkillCall("go_to", {"place": "shelf 2"}),
        SkillCall("take", {"object": "candle 1", "place": "shelf 2"}),
        SkillCall("put", {"object": "candle 1", "place": "bathtub 1"}),
    )
    assert (candle.task.kind, candle.outcome.status) == ("put", Status.UNVERIFIED)
    assert "> think: here it is." in candle.metadata["steps"]
    [odd] = [each for each in found(store) if "pen" in each.task.text]
    assert odd.plan == (SkillCall("command", {"text": "dance 3 times"}),)


def test_reflexion_lessons_and_episodes(store, reflexion):
    report = import_foreign(store, "reflexion", reflexion)
    lessons = found(store, kind=Kind.LESSON.value)
    assert {each.metadata["number"] for each in lessons} == {0, 1}
    assert (report.n_recorded, report.n_known) == (4, 1)  # the later trial repeats the first lesson
    lost, won = (found(store, kind="episode", outcome=status)[0] for status in ("failure", "success"))
    assert lost.task.text == "cool the kettle."
    assert lost.plan == (SkillCall("go_to", {"place": "drawer 1"}),)
    assert lost.state == "You are in the middle of a room. You see a stove 1."
    assert won.plan[1] == SkillCall("cool", {"object": "kettle 1", "tool": "fridge 1"})
    assert (won.outcome.steps, won.state_after) == (2, "You cool the kettle 1.")
    assert {each.place for each in report.malformed} == {
        "env_results_trial_1.json[2]",
        "env_results_trial_1.json[3]",
        "trial_1.log, block 3",
    }
    others = {each.why for each in report.skipped if not each.is_malformed}
    assert len(others) == 3  # no lesson, won earlier, the summary


def test_remembr_captions_have_time_place_and_heading(store, remembr):
    report = import_foreign(store, "remembr", remembr)
    assert (report.n_recorded, len(report.malformed)) == (2, 5)
    sofa, people = sorted(found(store, kind=Kind.NOTE.value), key=lambda each: each.happened_at_s)
    assert (sofa.position_m, sofa.happened_at_s) == ((1.5, -2.0, 0.1), 1_700_000_000.5)
    assert sofa.metadata["theta_rad"] == 3.14
    assert sofa.vectors == ()
    assert (people.happened_at_s, people.metadata["camera_id"]) == (1_721_761_060.0, "left")


def test_arigraph_triplets_are_facts_of_their_attempt_and_may_hold_no_longer(store, arigraph):
    report = import_foreign(store, "arigraph", arigraph)
    facts = found(store, kind="fact")
    told = {(each.scope.run, each.metadata["valid_at"], each.state, each.metadata["holds"]) for each in facts}
    assert told == {
        ("attempt 1", 1, "hall contains copper lamp", True),
        ("attempt 1", 1, "hall has exit north", True),
        ("attempt 1", 2, "no longer: hall contains copper lamp", False),
        ("attempt 1", 2, "no longer: hall has exit north", False),
        ("attempt 2", 1, "hall has exit north", True),
    }
    places = ["log.txt, line 10[1]", "log.txt, line 13[1]", "log.txt, line 15"]
    assert [each.place for each in report.malformed] == places
    [lamp] = [each for each in facts if each.state == "hall contains copper lamp"]
    parts = {name: lamp.metadata[name] for name in ("subject", "relation", "object")}
    assert parts == {"subject": "hall", "relation": "contains", "object": "copper lamp"}


def test_arigraph_triplets_may_be_a_json_list(store, tmp_path):
    file = tmp_path / "triplets.json"
    listed = [
        "lamp, is on, shelf",
        ["cup", "in", "sink"],
        ["hall", "yard", {"label": "is west of"}],
        ["cup"],
        "a, , b",
        ["the observation, which says nothing new " * 6, "is", "long"],
    ]
    file.write_text(json.dumps(listed), "utf-8")
    report = import_foreign(store, "arigraph", file)
    assert {each.state for each in found(store, kind="fact")} == {
        "lamp is on shelf",
        "cup in sink",
        "hall is west of yard",
    }
    assert len(report.malformed) == 3


@pytest.mark.parametrize("content", ["", "{", "[1, 2", "7", "null", "[" * 100_000, "\ufeffnull"])
def test_a_file_of_something_else_is_named(store, files, tmp_path, content):
    system, _ = files
    names = {
        "helper": "x.txt",
        "arigraph": "x.json",
        "reflexion": "env_results_trial_0.json",
        "voyager": "skills.json",
    }
    file = tmp_path / names.get(system, "x.json")
    file.write_text(content, "utf-8")
    if system == "helper":  # any text is an example, and then a malformed one
        assert len(import_foreign(store, system, file).malformed) == 1
        return
    with pytest.raises(StoreError, match=file.name):
        import_foreign(store, system, file)
    assert store.stats().n_experiences == 0


def test_missing_files_and_bytes_are_named(store, files, tmp_path):
    system, _ = files
    with pytest.raises(StoreError, match="nowhere"):
        import_foreign(store, system, tmp_path / "nowhere")
    file = tmp_path / "captions.json"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StoreError, match="captions"):
        import_foreign(store, system, file)


def test_an_unknown_system_is_named_with_the_close_ones(store, tmp_path):
    with pytest.raises(UnknownName, match="jarvis1"):
        import_foreign(store, "jarvis", tmp_path)
