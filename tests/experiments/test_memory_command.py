"""A store from the command line: looking into it, keeping it in order, carrying it elsewhere."""

import json
import os

import pytest

from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.experiments.cli import main
from embodied_mem.records import Experience, Outcome, SkillCall, Status
from embodied_mem.store import MemoryStore


@pytest.fixture
def folder(tmp_path):
    with MemoryStore.open(tmp_path / "lab") as store:
        memory = store.memory(embedder=HashedEmbedder(16))
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


def test_stats_of_a_branch_say_of_what(folder, tmp_path, capsys):
    assert main(["memory", "branch", folder, str(tmp_path / "arm"), "--sequence", "2"]) == 0
    capsys.readouterr()
    assert main(["memory", "stats", str(tmp_path / "arm")]) == 0
    assert f"branch of    {folder}, entry 2" in capsys.readouterr().out


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


def test_search_sees_the_memory_as_it_was(folder, capsys):
    assert "lost" not in run(capsys, "search", folder, "red ball", "--as-of", 1)[1]
    assert "nothing was recalled" in run(capsys, "search", folder, "red ball", "--as-of-s", 1.0)[1]


def test_search_gives_near_duplicates_once(folder, capsys):
    with MemoryStore.open(folder) as store:
        for name in ("again", "and-again"):
            store.memory().record(store.get("won").replace(id=name))
    assert run(capsys, "near-duplicates", folder)[1] == "won  and 2 alike: again, and-again\n"
    assert json.loads(run(capsys, "near-duplicates", folder, "--json")[1]) == {"won": ["again", "and-again"]}
    out = run(capsys, "search", folder, "red ball", "--distinct")[1]
    assert ("one of 3 near duplicates" in out, "again" in out) == (True, False)


def test_search_compares_vectors_by_an_embedder_of_that_name(folder, capsys):
    code, _, error = run(capsys, "search", folder, "red ball", "--embedder", "hashed")
    assert (code, "vectors of hashed" in error or "hashed@" in error) == (1, True)  # it has 16 numbers
    run(capsys, "reembed", folder)
    assert "embedding 0." in run(capsys, "search", folder, "red ball", "--embedder", "hashed")[1]
    assert "Known: hashed" in run(capsys, "search", folder, "red ball", "--embedder", "hushed")[2]


def test_nothing_is_alike_or_useful_at_first(tmp_path, capsys):
    MemoryStore.open(tmp_path / "new").close()
    assert run(capsys, "near-duplicates", tmp_path / "new")[1] == "no near duplicates\n"
    assert run(capsys, "utility", tmp_path / "new")[1] == "nothing was used or judged yet\n"
    assert run(capsys, "archived", tmp_path / "new")[1] == "nothing is archived\n"


def test_utility_gives_the_most_useful_first(folder, capsys):
    with MemoryStore.open(folder) as store:
        store.memory().feedback("lost", helped=False)
    code, out, _ = run(capsys, "utility", folder)
    assert (code, [line.split()[1] for line in out.splitlines()]) == (0, ["won", "lost"])
    assert json.loads(run(capsys, "utility", folder, "--json")[1])["lost"] == 0.0


def test_archived_lists_what_is_archived(folder, capsys):
    run(capsys, "archive", folder, "lost", "won")
    out = run(capsys, "archived", folder)[1]
    assert out.splitlines() == ["lost  fetch the  [31mred ball", "won  fetch the red ball"]
    assert json.loads(run(capsys, "archived", folder, "--json")[1]) == ["lost", "won"]


def test_search_finds_what_is_archived_when_asked_to(folder, capsys):
    run(capsys, "archive", folder, "won")
    assert "won" not in run(capsys, "search", folder, "red ball")[1]
    assert "won  episode" in run(capsys, "search", folder, "red ball", "--include-archived")[1]


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
    assert "did you mean 'won'" in capsys.readouterr().err


def test_an_unknown_outcome_lists_the_known_ones(folder, capsys):
    assert main(["memory", "search", folder, "ball", "--outcome", "won"]) == 1
    assert "Known: cancelled, failure, success" in capsys.readouterr().err


def test_a_misspelt_outcome_is_told_the_word_and_not_a_class(folder, capsys):
    assert main(["memory", "search", folder, "ball", "--outcome", "sucess"]) == 1
    assert "Did you mean 'success'?" in capsys.readouterr().err


def test_a_folder_without_a_store_is_left_as_it_is(tmp_path, capsys):
    assert main(["memory", "stats", str(tmp_path)]) == 1
    assert "holds no experiences.sqlite" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def run(capsys, *words):
    """Exit code, standard output and standard error of a command."""
    code = main(["memory", *map(str, words)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def ids(folder):
    with MemoryStore.open(folder) as store:
        return [experience.id for experience in store.experiences()]


@pytest.mark.parametrize("action", ["stats", "check", "search", "compact"])
def test_the_database_of_a_store_is_answered_with_its_folder(folder, capsys, action):
    assert main(["memory", action, f"{folder}/experiences.sqlite"]) == 1
    said = capsys.readouterr().err
    assert f"experiences.sqlite is the database in the folder of a store; give the folder: {folder}" in said


def test_stats_as_json(folder, capsys):
    code, out, _ = run(capsys, "stats", folder, "--json")
    assert code == 0
    stats = json.loads(out)
    assert (stats["n_experiences"], stats["spaces"]["text"]["dimension"]) == (2, 16)


def test_history_tells_what_happened_in_order(folder, capsys):
    run(capsys, "archive", folder, "won", "--reason", "moved\x1b house")
    code, out, _ = run(capsys, "history", folder, "won")
    assert code == 0
    assert [line.split()[3] for line in out.splitlines()] == ["recorded", "feedback", "archived"]
    assert "moved" in out
    assert "\x1b" not in out
    assert json.loads(run(capsys, "history", folder, "won", "--json")[1])[2]["kind"] == "archived"


def test_archive_and_restore_say_how_many_changed(folder, capsys):
    assert run(capsys, "archive", folder, "won", "lost")[1] == "archived 2; 0 were archived before\n"
    assert "nothing was recalled" in run(capsys, "search", folder, "ball")[1]
    assert run(capsys, "restore", folder, "won")[1] == "restored 1; 0 were not archived\n"
    assert "won" in run(capsys, "search", folder, "ball")[1]


def test_forget_archives_by_a_policy_of_that_name(folder, capsys):
    code, out, _ = run(capsys, "forget", folder, "--policy", "fifo", "--keep", 1)
    assert (code, out) == (0, "archived 1 by fifo\n")
    assert "Known: " in run(capsys, "forget", folder, "--policy", "fifi", "--keep", 1)[2]


def test_a_policy_that_is_made_for_a_number_gets_the_one_to_keep(folder, capsys):
    code, _, error = run(capsys, "forget", folder, "--policy", "w_tinylfu", "--below", 0.5)
    assert (code, "give keep" in error) == (1, True)
    assert run(capsys, "forget", folder, "--policy", "w_tinylfu", "--keep", 2)[0] == 0


def test_retain_archives_what_is_beyond_the_limits(folder, capsys):
    with MemoryStore.open(folder) as store:
        store.memory().record(Experience(id="third", task="look"))
    code, out, _ = run(capsys, "retain", folder, "--kind", "episode", "--max-count", 1, "--policy", "lru")
    assert (code, "episode: archived 1 of 2 (1 by count)" in out) == (0, True)
    code, out, _ = run(capsys, "retain", folder, "--kind", "repair", "--max-bytes", 10**6)
    assert (code, "repair: archived 0 of 1 (within its limits)" in out) == (0, True)
    report = json.loads(run(capsys, "retain", folder, "--kind", "repair", "--max-count", 0, "--json")[1])
    assert report["kinds"][0]["because"] == {"lost": "count"}


def test_retain_purges_only_when_that_is_confirmed(folder, capsys):
    command = ("retain", folder, "--kind", "repair", "--max-age-s", 0, "--purge")
    code, _, error = run(capsys, *command)
    assert (code, "add --yes" in error, ids(folder)) == (1, True, ["won", "lost"])
    assert "repair: removed 1 of 1 (1 by age)" in run(capsys, *command, "--yes")[1]
    assert ids(folder) == ["won"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give --max-count, --max-age-s or --max-bytes"),
        (["--max-count", "-1"], "max_count of 'repair' is -1; expected at least 0"),
        (["--max-count", "1", "--policy", "lur"], "Did you mean 'lru'"),
        (["--max-bytes", "1", "--policy", "w_tinylfu"], "give keep, or max_count of a rule"),
    ],
)
def test_retain_says_what_it_needs(folder, capsys, words, said):
    code, _, error = run(capsys, "retain", folder, "--kind", "repair", *words)
    assert (code, said in error) == (1, True)


def test_purge_takes_ids_or_a_filter_and_drops_neither_silently(folder, capsys):
    for sure in ((), ("--yes",)):
        code, _, error = run(capsys, "purge", folder, "won", "--person", "nobody", *sure)
        assert (code, "not both" in error) == (1, True)
    assert ids(folder) == ["won", "lost"]


def test_purge_without_yes_counts_each_id_once_and_names_an_unknown_one(folder, capsys):
    code, out, _ = run(capsys, "purge", folder, "won", "won", "--json")
    report = json.loads(out)
    assert (code, report["purged"], report["is_dry_run"]) == (1, ["won"], True)
    assert "'nobody'" in run(capsys, "purge", folder, "nobody")[2]


def test_purge_without_yes_knows_what_was_purged_before(folder, capsys):
    run(capsys, "purge", folder, "won", "--yes")
    code, out, _ = run(capsys, "purge", folder, "won", "--json")
    assert (code, json.loads(out)["purged"]) == (1, [])


def test_purge_without_yes_removes_nothing(folder, capsys):
    code, out, _ = run(capsys, "purge", folder, "won")
    assert (code, "would remove 1 experiences" in out, "add --yes" in out) == (1, True, True)
    assert ids(folder) == ["won", "lost"]


def test_purge_with_yes_removes_and_says_what_it_cannot_reach(folder, capsys):
    code, out, _ = run(capsys, "purge", folder, "won", "--yes")
    assert code == 0
    assert "removed 1 experiences" in out
    assert "not reached: exports" in out
    assert ids(folder) == ["lost"]


def test_purge_takes_a_filter_and_refuses_none(folder, capsys):
    code, out, _ = run(capsys, "purge", folder, "--person", "nobody")
    assert "would remove 0" in out
    code, _, error = run(capsys, "purge", folder, "--yes")
    assert (code, "needs ids or a filter" in error) == (1, True)
    assert len(ids(folder)) == 2


def test_a_sound_store_passes_its_check(folder, capsys):
    code, out, _ = run(capsys, "check", folder)
    assert (code, "all is well" in out) == (0, True)
    assert json.loads(run(capsys, "check", folder, "--json")[1])["findings"] == []


def test_a_damaged_store_fails_its_check_until_it_is_repaired(folder, capsys):
    import sqlite3

    with sqlite3.connect(f"{folder}/experiences.sqlite") as db:
        db.execute("UPDATE contents SET texts = '{}' WHERE sequence = 2")
    db.close()
    code, out, _ = run(capsys, "check", folder)
    assert (code, "damage: entries" in out) == (1, True)
    code, out, _ = run(capsys, "check", folder, "--repair")
    assert (code, "moved aside" in out) == (0, True)
    assert ids(folder) == ["won"]


def test_files_that_no_experience_names_go_once_that_is_confirmed(folder, capsys):
    with MemoryStore.open(folder) as store:
        digest = store.attachments.put(bytes(2_000_000), role="image", media_type="image/png").digest
    assert main(["memory", "remove-unreferenced", folder, "--yes"]) == 0
    assert capsys.readouterr().out == "removed 0 attachments\n"  # it was put a moment ago
    assert main(["memory", "remove-unreferenced", folder, "--older-than-s", "0"]) == 1
    assert "would remove 1 attachments, 2.0 MB; add --yes to do it" in capsys.readouterr().out
    assert main(["memory", "remove-unreferenced", folder, "--older-than-s", "0", "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"removed": [digest]}
    with MemoryStore.open(folder) as store:
        assert list(store.attachments) == []


def test_a_store_that_cannot_be_opened_is_checked_all_the_same(folder, capsys):
    os.truncate(f"{folder}/experiences.sqlite", os.path.getsize(f"{folder}/experiences.sqlite") // 2)
    assert run(capsys, "stats", folder)[0] == 1
    code, out, _ = run(capsys, "check", folder)
    assert (code, "damage: file" in out) == (1, True)


def test_export_and_import_carry_a_store(folder, capsys, tmp_path):
    code, out, _ = run(capsys, "export", folder, tmp_path / "out")
    assert (code, "2 experience, 1 feedback" in out) == (0, True)
    code, out, _ = run(capsys, "import", tmp_path / "out", tmp_path / "robot")
    assert (code, "imported 2 experiences" in out) == (0, True)
    assert ids(tmp_path / "robot") == ids(folder)


def test_import_names_the_damaged_file(folder, capsys, tmp_path):
    run(capsys, "export", folder, tmp_path / "out")
    (tmp_path / "out" / "experiences.jsonl").write_text("")
    code, _, error = run(capsys, "import", tmp_path / "out", tmp_path / "robot")
    assert (code, "experiences.jsonl is damaged" in error) == (1, True)


def test_branch_copies_up_to_an_entry(folder, capsys, tmp_path):
    code, out, _ = run(capsys, "branch", folder, tmp_path / "arm", "--sequence", 1)
    assert (code, "holds 1 experiences up to entry 1" in out) == (0, True)
    assert ids(tmp_path / "arm") == ["won"]


def test_merge_says_what_came_and_what_conflicts(folder, capsys, tmp_path):
    with MemoryStore.open(tmp_path / "other") as other:
        other.memory().record(Experience(id="won", task="something else"))
        other.memory().record(Experience(id="new", task="look"))
    code, out, _ = run(capsys, "merge", folder, tmp_path / "other")
    assert code == 0
    assert "1 entries added, 0 were here already" in out
    assert "conflict: 1 ids have different content here, which is kept: won" in out
    again = json.loads(run(capsys, "merge", folder, tmp_path / "other", "--json")[1])
    assert again[str(tmp_path / "other")]["n_known"] == 1


def test_merge_makes_the_store_that_grows_and_says_so(folder, capsys, tmp_path):
    with MemoryStore.open(tmp_path / "other") as other:
        other.memory(embedder=HashedEmbedder(16)).record(Experience(id="new", task="look"))
    code, out, error = run(capsys, "merge", tmp_path / "all", folder, tmp_path / "other")
    assert (code, error) == (0, f"made a new store, {tmp_path / 'all'}\n")
    assert "1 entries added, 0 were here already" in out
    assert ids(tmp_path / "all") == ["won", "lost", "new"]
    assert run(capsys, "merge", tmp_path / "all", folder)[2] == ""


def test_merge_makes_no_store_where_something_else_is(folder, capsys, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_bytes(b"")
    code, _, error = run(capsys, "merge", tmp_path / "photos", folder)
    assert (code, "holds no experiences.sqlite" in error) == (1, True)
    assert os.listdir(tmp_path / "photos") == ["cat.png"]


@pytest.mark.parametrize("other", ["bad", "nowhere"])
def test_no_store_is_made_of_stores_that_cannot_be_merged(folder, capsys, tmp_path, other):
    with MemoryStore.open(tmp_path / "bad") as store:
        store.memory(embedder=HashedEmbedder(32)).record(Experience(task="look", id="bad"))
    code, _, error = run(capsys, "merge", tmp_path / "all", folder, tmp_path / other)
    assert (code, error.startswith("error: ")) == (1, True)
    assert not (tmp_path / "all").exists()


def test_nothing_is_merged_if_one_of_the_others_is_no_store(folder, capsys, tmp_path):
    with MemoryStore.open(tmp_path / "other") as other:
        other.memory().record(Experience(id="new", task="look"))
    code, _, error = run(capsys, "merge", folder, tmp_path / "other", tmp_path / "nowhere")
    assert (code, "holds no experiences.sqlite" in error) == (1, True)
    assert ids(folder) == ["won", "lost"]


def test_nothing_is_merged_if_one_of_the_others_has_vectors_of_another_space(folder, capsys, tmp_path):
    for name, dimension in {"good": 16, "bad": 32}.items():
        with MemoryStore.open(tmp_path / name) as store:
            store.memory(embedder=HashedEmbedder(dimension)).record(Experience(task="look", id=name))
    code, _, error = run(capsys, "merge", folder, tmp_path / "good", tmp_path / "bad")
    assert (code, f"reembed {tmp_path / 'bad'}" in error) == (1, True)
    assert ids(folder) == ["won", "lost"]


def test_reembed_names_the_new_space(folder, capsys):
    code, out, _ = run(capsys, "reembed", folder, "--embedder", "hashed")
    assert (code, f"text: 2 vectors of {HashedEmbedder().space}" in out) == (0, True)
    assert "Known: hashed" in run(capsys, "reembed", folder, "--embedder", "hushed")[2]


def test_compact_says_what_the_log_takes(folder, capsys):
    code, out, _ = run(capsys, "compact", folder)
    assert (code, out.startswith("the log takes 0.")) == (0, True)
    assert ids(folder) == ["won", "lost"]


def test_the_index_is_saved(folder, capsys):
    assert run(capsys, "snapshot-index", folder)[0] == 0
    assert any(name.endswith(".index") for name in os.listdir(f"{folder}/index"))


def test_long_work_shows_how_far_it_is(monkeypatch, capsys):
    from embodied_mem.experiments.memory_command import opening

    monkeypatch.setattr(opening, "PROGRESS_EVERY_S", 0.0)
    opening.progress("embedded")(1_000, 2_000)
    assert capsys.readouterr().err == "embedded: 1,000 of 2,000\n"


def test_the_doctor_looks_at_a_store(folder, capsys):
    assert main(["doctor", "--store", folder]) == 0
    out = capsys.readouterr().out
    assert "schema 2" in out
    assert "GB free" in out


def test_the_doctor_makes_no_store(tmp_path, capsys):
    assert main(["doctor", "--store", str(tmp_path / "nowhere")]) == 0
    assert "holds no experiences.sqlite" in capsys.readouterr().out
    assert not (tmp_path / "nowhere").exists()


def test_import_from_another_system_says_what_became_of_each_entry(capsys, tmp_path):
    step = {"goal": {"logs": 1}, "type": "mine", "text": "logs"}
    content = {"oak_door": {"status": "success", "plan": [step]}, "odd": {"status": "maybe", "plan": []}}
    (tmp_path / "memory.json").write_text(json.dumps(content), "utf-8")
    code, out, _ = run(capsys, "import", "--from", "jarvis1", tmp_path / "memory.json", tmp_path / "store")
    assert (code, "1 experiences recorded, 0 were here already" in out) == (1, True)
    assert "memory.json: odd: status is 'maybe'; expected success or failure" in out
    code, out, _ = run(capsys, "search", tmp_path / "store", "oak door")
    assert (code, "mine(1, logs)" in out) == (0, True)
    code, out, _ = run(capsys, "import", "--from", "jarvis1", tmp_path / "memory.json", tmp_path / "store")
    assert "0 experiences recorded, 1 were here already" in out


def test_import_from_an_unknown_system_makes_no_store(capsys, tmp_path):
    code, _, error = run(capsys, "import", "--from", "jarvis", tmp_path, tmp_path / "store")
    assert (code != 0, "jarvis1" in error, (tmp_path / "store").exists()) == (True, True, False)
