"""Stores of earlier releases open, hold what they held and go on."""

import json
import shutil

import pytest

from embodied_mem import Experience, HashedEmbedder, Kind, MemoryStore, Outcome, where
from embodied_mem.errors import StoreError
from embodied_mem.experiments.cli import main
from tests.compatibility.conftest import RELEASES

SCHEMA_1 = ["0.1.0"]  # migrated when opened for writing
SINCE_SCHEMA_2 = [name for name in RELEASES if name not in SCHEMA_1]
OTHER_TEXT_SCORES = ["0.1.0"]  # function words count less since then, and no embedder is the default


@pytest.fixture
def folder(copied):
    """A copy of the store."""
    return copied("store")


@pytest.fixture
def expected(kept):
    """What the release found in it."""
    return json.loads((kept / "expected.json").read_text("utf-8"))


def described(program, store):
    """What its program finds in it today, as JSON gives it back."""
    return json.loads(json.dumps(program.describe(store)))


def check_equal(found, expected, *, scores_changed, program):
    """Everything the same, scores to rounding; where text scores changed, what a text recalls as a set."""
    recalls, expected_recalls = found.pop("recalls"), expected.pop("recalls")
    assert found == expected
    assert list(found["experiences"]) == list(expected["experiences"])
    for name, hits in expected_recalls.items():
        if scores_changed and is_by_text(program.QUERIES[name]):
            assert ids(recalls[name], sorted) == ids(hits, sorted), name
        else:
            assert ids(recalls[name]) == ids(hits), name
            assert [hit[1] for hit in recalls[name]] == pytest.approx([hit[1] for hit in hits]), name


def is_by_text(query):
    return bool(query.text or query.task or query.state)


def ids(hits, order=list):
    return order(hit[0] for hit in hits)


def test_everything_in_it_is_as_it_was(folder, release, program, expected):
    with MemoryStore.open(folder) as store:
        found = described(program, store)
    check_equal(found, expected, scores_changed=release in OTHER_TEXT_SCORES, program=program)


@pytest.mark.parametrize("release", SINCE_SCHEMA_2, indirect=True)
def test_it_is_read_without_being_written(folder, program, expected):
    before = (folder / "experiences.sqlite").read_bytes()
    with MemoryStore.open(folder, read_only=True) as store:
        check_equal(described(program, store), expected, scores_changed=False, program=program)
    assert (folder / "experiences.sqlite").read_bytes() == before


@pytest.mark.parametrize("release", SCHEMA_1, indirect=True)
def test_one_that_needs_a_migration_is_read_after_it_was_opened_to_write(folder, program, expected):
    before = (folder / "experiences.sqlite").read_bytes()
    with pytest.raises(StoreError, match="open it once without read_only"):
        MemoryStore.open(folder, read_only=True)
    assert (folder / "experiences.sqlite").read_bytes() == before
    MemoryStore.open(folder).close()
    with MemoryStore.open(folder, read_only=True) as store:
        check_equal(described(program, store), expected, scores_changed=True, program=program)


@pytest.mark.parametrize("release", SINCE_SCHEMA_2, indirect=True)
def test_without_its_saved_index_it_recalls_the_same(folder, program, expected):
    shutil.rmtree(folder / "index")
    with MemoryStore.open(folder) as store:
        check_equal(described(program, store), expected, scores_changed=False, program=program)


def test_nothing_is_wrong_with_it(folder):
    with MemoryStore.open(folder) as store:
        report = store.check()
    assert report.is_clean, report


def test_it_goes_on(folder, expected):
    last = expected["log"][-1][0]
    with MemoryStore.open(folder) as store:
        memory = store.memory()
        old = list(store.experiences())
        assert memory.record(old[0]).is_duplicate
        new = Experience(id="new", task="water the orchid", outcome=Outcome(status="success"))
        receipt = memory.record(new)
        assert (receipt.is_duplicate, receipt.sequence) == (False, last + 1)
        memory.feedback(old[0].id, helped=True)
        store.archive([old[1].id])
        assert [hit.experience.id for hit in memory.recall("orchid", k=1)] == ["new"]
        store.save_index()
    with MemoryStore.open(folder) as store:
        assert [experience.id for experience in store.experiences()] == [*expected["experiences"], "new"]
        assert old[1].id in store.archived()
        assert store.stats().n_feedback == expected["stats"][2] + 1
        assert store.memory().recall(task="water the orchid", k=1)[0].experience.id == "new"
        assert store.check().is_clean


def test_what_is_purged_is_gone(folder, expected):
    gone = next(iter(expected["experiences"]))
    with MemoryStore.open(folder) as store:
        store.purge(where(id=gone))
        assert store.check().is_clean
        assert gone not in {experience.id for experience in store.experiences()}


def test_it_is_embedded_anew(folder, expected):
    with MemoryStore.open(folder) as store:
        store.reembed(HashedEmbedder(16))
        memory = store.memory(embedder=HashedEmbedder(16))
        memory.record(Experience(id="new", task="water the orchid"))
        assert memory.recall("water the orchid", k=1)[0].parts["embedding"] == pytest.approx(0.1)
        assert [e.id for e in store.experiences()] == [*expected["experiences"], "new"]


def test_it_is_copied_and_taken_elsewhere(folder, tmp_path):
    with MemoryStore.open(folder) as store:
        experiences = list(store.experiences())
        store.export(tmp_path / "taken")
        with store.branch(tmp_path / "copy") as branch:
            assert list(branch.experiences()) == experiences
    with MemoryStore.import_folder(tmp_path / "taken", tmp_path / "there") as there:
        assert list(there.experiences()) == experiences
    with MemoryStore.open(tmp_path / "merged") as merged:
        assert merged.merge(folder).n_added >= len(experiences)
        assert list(merged.experiences()) == experiences


@pytest.mark.parametrize(
    "command", [["stats"], ["check"], ["search", "cup ball"]], ids=lambda words: words[0]
)
def test_the_command_line_looks_into_it(folder, command, capsys):
    MemoryStore.open(folder).close()
    assert main(["memory", command[0], str(folder), *command[1:]]) == 0
    assert capsys.readouterr().out


@pytest.mark.parametrize("release", SINCE_SCHEMA_2, indirect=True)
def test_its_branch_knows_where_it_comes_from(copied, expected):
    with MemoryStore.open(copied("branch")) as branch:
        assert branch.stats().origin["sequence"] == branch.stats().last_sequence == 20
        seen = [[logged.sequence, logged.entry.id] for logged in branch.backend.changes_since(0)]
        assert branch.check().is_clean
    shared = [[sequence, name] for sequence, kind, name, _ in expected["log"] if kind == "experience"]
    assert [pair for pair in seen if pair in shared] == [pair for pair in shared if pair[0] <= 20]


@pytest.mark.parametrize("release", SINCE_SCHEMA_2, indirect=True)
def test_its_export_is_imported(kept, tmp_path, program, expected):
    with MemoryStore.import_folder(kept / "exported", tmp_path / "store") as store:
        found = {experience.id: program.digest_of(experience) for experience in store.experiences()}
        assert found == expected["experiences"]
        assert store.archived() == expected["archived"]
        assert store.check().is_clean


def test_the_program_that_made_it_makes_the_same_today(program, release, tmp_path, expected):
    if hasattr(program, "KINDS"):  # it takes kinds in turn, and there are more since then
        for kind in (Kind.DECISION, Kind.FACT):
            program.KINDS.remove(kind)
    program.main(tmp_path)
    made = json.loads((tmp_path / "expected.json").read_text("utf-8"))
    for each in (made, expected):
        each["log"] = [line[:3] for line in each["log"]]  # what a purge notes is salted
        each["spaces"] = {name: space for name, space in each["spaces"].items() if "integer" not in name}
        # What was recorded in an environment holds vectors of each part of its observations since then.
        each["experiences"] = {
            name: None if name.startswith("door-") else digest for name, digest in each["experiences"].items()
        }
        if release in OTHER_TEXT_SCORES:  # nothing is embedded by default today, and clocks are asked less
            each["spaces"].pop("text", None)
            each["experiences"] = dict.fromkeys(each["experiences"])
    check_equal(made, expected, scores_changed=release in OTHER_TEXT_SCORES, program=program)
