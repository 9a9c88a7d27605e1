"""Unsynced writes dropped: what `fsync` and `commit_every` promise holds after a power cut at any moment.

A child does something to a store on top of a layer that notes every call to the file system. From its
journal, disks are built as a power cut would have left them, at many moments and in several variants. Each is
opened as a store and checked, and the operation is done again.
"""

import itertools
import random
import shutil

import pytest

from embodied_mem import MemoryStore
from embodied_mem.store.upkeep.purge import unfinished_purges
from tests.durability import power_cut
from tests.durability.examples import EMBEDDER, example
from tests.durability.file_calls import layer_variables, read_journal
from tests.durability.operations import ATTACHED, BEFORE, OPERATIONS, PICTURES, some_experiences
from tests.durability.power_cut import VARIANTS, Disk, Keep
from tests.durability.verify import checked, verdict
from tests.durability.zygote import Zygote

NAMES = sorted(OPERATIONS)
N_CUTS = 8  # of each operation; the nightly tier makes more
N_NIGHTLY_CUTS = 150


class Story:
    """What one operation did in a folder, call by call.

    Args:
        name: Of the operation.
        folder: Where.
        start: The files it started from.
        calls: Everything it did to files.
    """

    def __init__(self, name, folder, start, calls) -> None:
        self.name, self.folder, self._start, self._calls = name, folder, start, calls
        whole = self.whole_disk().image(Keep(data=1.0, names=1.0))
        self.untold = power_cut.same_files(whole, folder)  # before anybody opens the store again

    def whole_disk(self) -> Disk:
        disk = Disk(self.folder, self._start)
        disk.play(self._calls)
        return disk

    def cuts(self, n, rng):
        """So many moments, each with one variant: the disk afterwards and what had been acknowledged."""
        moments = sorted(rng.choices(range(len(self._calls) + 1), k=n))
        disk, done = Disk(self.folder, self._start), 0
        for moment, keep in zip(moments, itertools.cycle(VARIANTS)):
            disk.play(self._calls[done:moment])
            done = moment
            yield f"call {moment} of {len(self._calls)}, {keep}", disk.image(keep), list(disk.marks)


class Stage:
    """Runs operations on top of the layer, each once; one for all tests of this file.

    Args:
        layer: The library.
        environment: Environment variables of children.
        folder: Where everything happens.
    """

    def __init__(self, layer, environment, folder) -> None:
        self._root, self._journal = folder / "watched", folder / "journal"
        self._root.mkdir()
        self._journal.touch()
        variables = layer_variables(layer, self._root, self._journal)
        self.zygote = Zygote({**environment, **variables}, folder)
        self._numbers = itertools.count()
        self._stories = {}

    def play(self, name, *, fsync=False) -> Story:
        if (name, fsync) not in self._stories:
            self._stories[name, fsync] = self._play(name, fsync=fsync)
        return self._stories[name, fsync]

    def _play(self, name, **options) -> Story:
        folder = self._root / f"{name}-{next(self._numbers)}"
        folder.mkdir()
        OPERATIONS[name].prepare(folder)
        arguments = {"operation": name, "folder": str(folder), "acknowledged": "", "options": options}
        return self._told(name, folder, "operate", arguments)

    def play_role(self, role) -> Story:
        """Of a function of `children.py` that works in a store, which starts with some experiences."""
        folder = self._root / f"{role}-{next(self._numbers)}"
        folder.mkdir()
        some_experiences(folder)
        return self._told(role, folder, role, {"store": str(folder / "store")})

    def _told(self, name, folder, role, arguments) -> Story:
        start, size = power_cut.before(folder), self._journal.stat().st_size
        assert self.zygote.run(role, **arguments) == 0, self.zygote.output()[-3000:]
        return Story(name, folder, start, list(read_journal(self._journal, start=size)))


@pytest.fixture(scope="module")
def stage(layer, child_environment, tmp_path_factory):
    stage = Stage(layer, child_environment, tmp_path_factory.mktemp("stage"))
    yield stage
    stage.zygote.close()


def check_after_cuts(story, n, zygote, tmp_path, *, is_synced) -> int:
    """Open what each cut left, where with fsync nothing acknowledged is missing, and do it again.

    Returns:
        How many acknowledged ids there were, over all cuts.
    """
    operation = OPERATIONS[story.name]
    expected = operation.look(story.folder)
    may_be_open = ("purges", *operation.is_open, *operation.is_open_meanwhile)
    n_acknowledged = 0
    for moment, image, marks in story.cuts(n, random.Random(f"{story.name} {is_synced}")):
        folder = power_cut.write_image(image, tmp_path / "image")
        said = set(marks) if is_synced else set()
        if operation.starts_with_some:
            said |= set(BEFORE) - set(operation.gone)
        n_acknowledged += len(said)
        found = verdict(folder / "store", said, may_be_open=may_be_open)
        assert found.is_kept, f"{moment}: {found}"
        noted = str(tmp_path / "again")
        status = zygote.run("operate", operation=story.name, folder=str(folder), acknowledged=noted)
        assert status == 0, f"{moment}: it cannot be done again: {zygote.output()[-3000:]}"
        assert operation.look(folder) == expected, moment
        shutil.rmtree(folder)
    return n_acknowledged


@pytest.mark.parametrize("name", NAMES)
def test_the_journal_tells_everything_that_was_done(name, stage):
    assert not stage.play(name).untold


@pytest.mark.parametrize("name", NAMES)
def test_with_fsync_everything_acknowledged_survives_a_power_cut(name, stage, zygote, tmp_path):
    check_after_cuts(stage.play(name, fsync=True), N_CUTS, zygote, tmp_path, is_synced=True)


@pytest.mark.parametrize("name", NAMES)
def test_without_fsync_a_power_cut_leaves_a_whole_store(name, stage, zygote, tmp_path):
    check_after_cuts(stage.play(name), N_CUTS, zygote, tmp_path, is_synced=False)


def test_a_file_is_missing_only_while_a_purge_is_unfinished(stage, tmp_path):
    """Without fsync too: a file that goes before the log says why would be missing for good."""
    story = stage.play("purge_attached")
    for moment, image, _ in story.cuts(6 * N_CUTS, random.Random(2)):
        folder = power_cut.write_image(image, tmp_path / "image") / "store"
        with MemoryStore.open(folder) as store:
            if not unfinished_purges(store.backend):
                assert not checked(store), moment
        shutil.rmtree(folder.parent)


@pytest.mark.parametrize("keep", VARIANTS, ids=str)
def test_what_was_purged_does_not_come_back_with_a_power_cut(keep, stage):
    story = stage.play("purge_attached")
    secrets = [*PICTURES[1:2], *(identity.encode() for identity in ATTACHED[:3])]
    files = {name: content or b"" for name, content in story.whole_disk().image(keep).items()}
    assert any(ATTACHED[3].encode() in content for content in files.values()), "nothing is left at all"
    assert not [name for name, content in files.items() if any(secret in content for secret in secrets)]


@pytest.mark.parametrize("name", ["record", "record_batches", "checkpoint"])
def test_without_fsync_what_is_left_is_a_beginning_of_the_log(name, stage, tmp_path):
    story = stage.play(name)
    whole = ids_in_order(story.folder / "store")
    lengths = set()
    for moment, image, _ in story.cuts(3 * N_CUTS, random.Random(1)):
        folder = power_cut.write_image(image, tmp_path / "image")
        left = ids_in_order(folder / "store")
        assert left == whole[: len(left)], moment
        lengths.add(len(left))
        shutil.rmtree(folder)
    assert len(lengths) > 1, "every cut left the same, so nothing was shown"


def test_an_index_never_holds_what_the_log_has_lost(stage, tmp_path):
    """The log loses its end and grows again, to the same length and the same last entry."""
    story = stage.play_role("save_index_of_what_is_not_synced")
    folder = power_cut.write_image(story.whole_disk().image(Keep(names=1.0)), tmp_path / "image")
    with MemoryStore.open(folder / "store") as store:
        memory = store.memory(embedder=EMBEDDER)
        for name in ("other-0", "again-0"):
            memory.record(example(name))
    asked = example("other-0")
    with MemoryStore.open(folder / "store") as store:
        best = store.memory(embedder=EMBEDDER).recall(task=asked.task, state=asked.state, k=1)
        assert best[0].experience.id == "other-0"


def test_the_layer_would_show_a_loss(stage, zygote, tmp_path):
    """Without fsync, what is only promised with it does not hold; so the test above can fail."""
    story = stage.play("record")
    with pytest.raises(AssertionError, match="lost"):
        check_after_cuts(story, 4 * N_CUTS, zygote, tmp_path, is_synced=True)


@pytest.mark.nightly
@pytest.mark.parametrize("is_synced", [True, False], ids=["fsync", "no fsync"])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_promised_holds_after_many_power_cuts(name, is_synced, stage, zygote, tmp_path):
    story = stage.play(name, fsync=is_synced)
    n = check_after_cuts(story, N_NIGHTLY_CUTS, zygote, tmp_path, is_synced=is_synced)
    print(f"\n{name}, fsync={is_synced}: {N_NIGHTLY_CUTS} power cuts, {n} acknowledged, none lost", end="")


def ids_in_order(store):
    with MemoryStore.open(store) as opened:
        return [logged.entry.id for logged in opened.backend.changes_since(0)]
