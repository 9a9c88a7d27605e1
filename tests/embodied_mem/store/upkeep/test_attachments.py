import os
import pickle
import subprocess
import sys
from hashlib import sha256

import pytest

from embodied_mem.errors import DamagedAttachment, InvalidRecord, QuotaExceeded, StoreError, UnknownName
from embodied_mem.store import MemoryStore
from embodied_mem.store.upkeep.attachments import AttachmentStore

IMAGE = b"\x89PNG an image of a kitchen"


@pytest.fixture
def attachments(tmp_path):
    return AttachmentStore(tmp_path / "attachments")


def put(attachments, data=IMAGE):
    return attachments.put(data, role="image", media_type="image/png").digest


@pytest.mark.parametrize("data", [b"", IMAGE, bytes(range(256)) * 5000])
def test_what_was_put_comes_back(attachments, data):
    attachment = attachments.put(data, role="depth", media_type="image/png")
    assert (attachment.role, attachment.media_type) == ("depth", "image/png")
    assert attachment.digest == sha256(data).hexdigest()
    assert attachments.get(attachment.digest) == data


def test_a_file_lies_in_a_folder_of_the_first_two_characters_of_its_hash(attachments):
    digest = put(attachments)
    assert (attachments.folder / digest[:2] / digest).read_bytes() == IMAGE


def test_equal_bytes_are_kept_once(attachments):
    assert put(attachments) == put(attachments)
    assert list(attachments) == [sha256(IMAGE).hexdigest()]
    assert attachments.size_bytes() == len(IMAGE)


def test_nothing_is_made_before_the_first_file(attachments):
    assert list(attachments) == []
    assert not attachments.folder.exists()


def test_a_missing_file_is_an_unknown_name(attachments):
    put(attachments)
    with pytest.raises(UnknownName, match="Unknown attachment '0000"):
        attachments.get("0" * 64)


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"X" + data[1:], lambda data: b""])
def test_a_damaged_file_is_not_given_back(attachments, damage):
    digest = put(attachments)
    attachments.path_of(digest).write_bytes(damage(IMAGE))
    with pytest.raises(DamagedAttachment, match="another hash"):
        attachments.get(digest)


def test_putting_the_original_again_mends_a_damaged_file(attachments):
    attachments.path_of(put(attachments)).write_bytes(b"damaged")
    assert attachments.get(put(attachments)) == IMAGE


@pytest.mark.parametrize(
    "digest", ["../../etc/passwd", "..", "", "A" * 64, "ab/" + "c" * 61, "é" * 64, "a" * 63, None]
)
def test_no_name_leads_out_of_the_folder(attachments, digest):
    for use in (attachments.get, attachments.path_of, lambda name: attachments.remove([name])):
        with pytest.raises(StoreError, match="is not a digest"):
            use(digest)


def test_a_quota_is_refused_with_its_numbers_before_anything_is_written(tmp_path):
    attachments = AttachmentStore(tmp_path, quota_bytes=1500)
    put(attachments, b"a" * 1000)
    with pytest.raises(QuotaExceeded, match=r"501 bytes do not fit: 1,000 of 1,500 are taken"):
        put(attachments, b"b" * 501)
    assert len(list(attachments)) == 1
    put(attachments, b"b" * 500)
    put(attachments, b"a" * 1000)  # is there already, so it needs no room
    assert attachments.size_bytes() == 1500


def test_room_that_another_handle_made_is_noticed_before_a_file_is_refused(tmp_path):
    attachments = AttachmentStore(tmp_path, quota_bytes=100)
    digest = put(attachments, bytes(90))
    AttachmentStore(tmp_path).remove([digest])
    assert attachments.get(put(attachments, bytes(80))) == bytes(80)


def test_a_negative_quota_is_refused(tmp_path):
    with pytest.raises(StoreError, match="quota_bytes is -1"):
        AttachmentStore(tmp_path, quota_bytes=-1)


def test_files_that_nothing_refers_to_are_found_and_removed(attachments):
    kept, stray = put(attachments, b"kept"), put(attachments, b"stray")
    assert attachments.unreferenced([kept, "f" * 64]) == [stray]
    assert attachments.remove([stray, "f" * 64]) == len(b"stray")
    assert list(attachments) == [kept]
    assert stray not in attachments


def test_a_file_can_be_put_again_after_it_was_removed(attachments):
    attachments.remove([put(attachments)])
    assert attachments.get(put(attachments)) == IMAGE


def test_a_file_whose_writing_fails_leaves_nothing(attachments, monkeypatch):
    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreError, match="No space left on device; nothing was kept"):
        put(attachments)
    assert list(attachments) == []
    assert attachments.partial_files() == []


KILLED = """
import os, sys
from hashlib import sha256
from embodied_mem.store.upkeep.attachments import AttachmentStore
attachments = AttachmentStore(sys.argv[1])
attachments.path_of(sha256(b"half").hexdigest()).parent.mkdir(parents=True)
os.fsync = lambda descriptor: os.kill(os.getpid(), 9)
attachments.put(b"half", role="image", media_type="image/png")
"""


def test_a_writer_that_is_killed_leaves_no_file_but_a_partial_one(attachments, run_python):
    assert run_python("-c", KILLED, str(attachments.folder)).returncode == -9
    assert list(attachments) == []
    assert [path.read_bytes() for path in attachments.partial_files()] == [b"half"]
    assert attachments.get(put(attachments, b"half")) == b"half"


def test_an_odd_role_is_refused_before_anything_is_written(attachments):
    with pytest.raises(InvalidRecord, match=r"attachment\.role"):
        attachments.put(IMAGE, role=3, media_type="image/png")
    assert not attachments.folder.exists()


WRITING = """
import sys
from embodied_mem.store.upkeep.attachments import AttachmentStore
attachments = AttachmentStore(sys.argv[1])
for number in range(60):
    attachments.put(b"%d" % (number % 20) * 1000, role="image", media_type="image/png")
    attachments.remove(attachments.unreferenced([])[:1])
"""


def test_processes_may_write_and_remove_the_same_files_at_once(attachments, child_environment):
    command = [sys.executable, "-c", WRITING, str(attachments.folder)]
    writers = [subprocess.Popen(command, env=child_environment) for _ in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert all(attachments.get(digest) for digest in attachments)
    assert attachments.partial_files() == []


def test_what_is_no_bytes_is_refused(attachments):
    with pytest.raises(InvalidRecord, match="data is of str; expected bytes"):
        put(attachments, "text")


def test_what_is_set_aside_is_not_found_and_comes_back_or_goes(attachments):
    kept, gone = put(attachments, b"kept"), put(attachments, b"gone")
    attachments.set_aside([kept, gone, "f" * 64])
    assert list(attachments) == []
    assert attachments.settle({kept}) == [gone]
    assert list(attachments) == [kept]
    assert attachments.get(kept) == b"kept"
    assert len([path for path in attachments.folder.rglob("*") if path.is_file()]) == 1


def test_what_is_put_while_it_is_set_aside_stays(attachments):
    digest = put(attachments)
    attachments.set_aside([digest])
    assert put(attachments) == digest
    attachments.settle(())
    assert attachments.get(digest) == IMAGE


def test_a_folder_that_cannot_be_changed_is_named(attachments, monkeypatch):
    digest = put(attachments)

    def refuse(path, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(attachments.folder), "unlink", refuse)
    with pytest.raises(StoreError, match=r"attachments: .*Permission denied; make it writable"):
        attachments.remove([digest])


@pytest.mark.parametrize("makes_folder", [True, False], ids=["its folder", "its name"])
def test_a_file_that_another_process_wrote_is_on_the_disk_once_put_returns(
    attachments, monkeypatch, makes_folder
):
    """The other one may have been killed before it had synced the name of the file, or of its folder."""
    path = attachments.path_of(sha256(IMAGE).hexdigest())
    path.parent.mkdir(parents=True)
    if not makes_folder:
        path.write_bytes(IMAGE)
    synced = set()

    def fsync(descriptor):
        synced.add(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", fsync)
    put(attachments)
    names = (path, path.parent, attachments.folder, attachments.folder.parent)
    assert {name.stat().st_ino for name in names} <= synced


def test_a_store_that_is_only_read_takes_and_loses_no_file(tmp_path):
    with MemoryStore.open(tmp_path) as store:
        digest = put(store.attachments)
    with MemoryStore.open(tmp_path, read_only=True) as store:
        assert store.attachments.get(digest) == IMAGE
        for write in (put, lambda attachments: attachments.remove([digest])):
            with pytest.raises(StoreError, match="attachments is open for reading only"):
                write(store.attachments)


def test_files_are_not_measured_again_for_each_that_is_put(tmp_path, monkeypatch):
    n_measured = 0
    measured = AttachmentStore.size_bytes

    def counted(attachments):
        nonlocal n_measured
        n_measured += 1
        return measured(attachments)

    monkeypatch.setattr(AttachmentStore, "size_bytes", counted)
    with MemoryStore.open(tmp_path, quota_bytes=10_000) as store:
        for number in range(20):
            put(store.attachments, b"%d" % number)
    assert n_measured == 1


@pytest.mark.parametrize(
    ("role", "media_type", "message"),
    [
        ("", "image/png", "role is empty"),
        ("image", "", "media_type is ''"),
        ("image", "png", "media_type is 'png'"),
        ("image", "image/", "media_type is 'image/'"),
    ],
)
def test_a_file_without_a_role_or_a_type_is_refused(attachments, role, media_type, message):
    with pytest.raises(InvalidRecord, match=message):
        attachments.put(IMAGE, role=role, media_type=media_type)
    assert not list(attachments)


@pytest.mark.parametrize(
    "media_type", ["audio/ogg; codecs=opus", "x-world/x-vrml", "application/vnd.a&b+json ;v=1"]
)
def test_a_media_type_may_be_any_that_there_is(attachments, media_type):
    assert attachments.put(IMAGE, role="sound", media_type=media_type).media_type == media_type


USES = {
    "put": lambda attachments: put(attachments, b"from a child"),
    "get": lambda attachments: attachments.get(sha256(IMAGE).hexdigest()),
    "in": lambda attachments: sha256(IMAGE).hexdigest() in attachments,
    "iterate": list,
    "size": lambda attachments: attachments.size_bytes(),
    "remove": lambda attachments: attachments.remove([sha256(IMAGE).hexdigest()]),
    "settle": lambda attachments: attachments.settle(()),
}


def told_in_a_child(use):
    """What a forked child meets: the name of the error, or `it worked`."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        told = "it worked"
        try:
            use()
        except BaseException as error:
            told = f"{type(error).__name__}: {error}"
        os.write(writer, told.encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader) as lines:
        return lines.read()


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@needs_fork
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_forked_child_is_refused_the_attachments_of_its_parent(attachments, use):
    digest = put(attachments)
    told = told_in_a_child(lambda: use(attachments))
    assert told.startswith("ForkedHandle: ")
    assert "open the store again in this child" in told
    assert list(attachments) == [digest]
    assert attachments.get(digest) == IMAGE


@needs_fork
def test_a_forked_child_may_open_them_again(attachments):
    assert told_in_a_child(lambda: put(AttachmentStore(attachments.folder))) == "it worked"
    assert attachments.get(sha256(IMAGE).hexdigest()) == IMAGE


@needs_fork
def test_attachments_that_are_first_asked_for_in_a_child_are_those_of_the_process_of_the_store(tmp_path):
    pid = os.getpid()
    told = told_in_a_child(lambda: put(AttachmentStore(tmp_path / "attachments", pid=pid)))
    assert told.startswith("ForkedHandle: ")
    assert not (tmp_path / "attachments").exists()


@needs_fork
def test_a_forked_child_is_refused_the_attachments_of_its_parents_store(tmp_path):
    with MemoryStore.open(tmp_path) as store:
        put(store.attachments)
        assert told_in_a_child(lambda: put(store.attachments, b"other")).startswith("ForkedHandle: ")
        assert len(list(store.attachments)) == 1


def test_pickled_attachments_belong_to_where_they_arrive(tmp_path):
    attachments = AttachmentStore(tmp_path, quota_bytes=100, pid=-1)
    copy = pickle.loads(pickle.dumps(attachments))
    assert copy.get(put(copy)) == IMAGE
    assert copy.quota_bytes == 100


def test_pickled_attachments_count_what_is_there_already_where_they_arrive(tmp_path):
    attachments = AttachmentStore(tmp_path, quota_bytes=100)
    put(attachments, bytes(90))
    with pytest.raises(QuotaExceeded, match="20 bytes do not fit: 90 of 100 are taken"):
        put(pickle.loads(pickle.dumps(attachments)), bytes(20))
