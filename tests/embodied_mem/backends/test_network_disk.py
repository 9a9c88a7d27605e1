from pathlib import Path

import pytest

from embodied_mem.backends import network_disk
from embodied_mem.backends.network_disk import file_system, refuse_network_disk
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.errors import StoreError

LINE = "{number} 1 0:{number} / {point} rw,relatime shared:{number} - {kind} {source} rw"


def table(*mounts):
    lines = [
        LINE.format(number=number, point=point, kind=kind, source="server:/export")
        for number, (point, kind) in enumerate(mounts, 20)
    ]
    return "\n".join(lines) + "\n"


MOUNTS = table(
    ("/", "ext4"),
    ("/home", "nfs4"),
    ("/home/local", "xfs"),
    ("/home/local\\040disk", "btrfs"),
    ("/mnt/share", "cifs"),
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/var/lib/log.sqlite", "ext4"),
        ("/home/ana/log.sqlite", "nfs4"),
        ("/home/local/log.sqlite", "xfs"),
        ("/home/localhost/log.sqlite", "nfs4"),
        ("/home/local disk/log.sqlite", "btrfs"),
        ("/homes/log.sqlite", "ext4"),
    ],
)
def test_the_mount_with_the_longest_path_holds_a_file(path, expected):
    assert file_system(Path(path), MOUNTS) == expected


def test_a_mount_over_another_covers_it():
    assert file_system(Path("/data/x"), table(("/data", "nfs"), ("/data", "ext4"))) == "ext4"


def test_a_line_with_optional_fields_or_none_is_read():
    mounts = (
        "25 1 0:23 / / rw - ext4 /dev/vda rw\n26 1 0:24 / /n rw shared:1 master:2 - nfs s:/e rw\nnonsense\n"
    )
    assert file_system(Path("/n/x"), mounts) == "nfs"


@pytest.mark.parametrize(
    "kind",
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "9p",
        "fuse.sshfs",
        "fuse.someremotefs",
        "lustre",
        "ceph",
        "gpfs",
    ],
)
def test_a_network_disk_is_refused_with_the_way_out(kind):
    with pytest.raises(StoreError, match=f"type {kind}.*keep one store a worker on a local disk, then merge"):
        refuse_network_disk(Path("/data/log.sqlite"), table(("/", "ext4"), ("/data", kind)))


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "overlay", "tmpfs", "zfs", "apfs", "fuseblk"])
def test_a_local_disk_is_taken(kind):
    refuse_network_disk(Path("/data/log.sqlite"), table(("/", "nfs"), ("/data", kind)))


@pytest.mark.parametrize("path", ["\\\\server\\share\\log.sqlite", "//server/share/log.sqlite"])
def test_a_network_share_of_windows_is_refused(path):
    class Named:
        def __str__(self):
            return path

    with pytest.raises(StoreError, match="a network share"):
        refuse_network_disk(Named(), "")


def test_without_a_table_nothing_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(network_disk, "MOUNTS", tmp_path / "none")
    refuse_network_disk(Path("/data/log.sqlite"))


def test_a_link_to_a_network_disk_is_followed(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "near").symlink_to(tmp_path / "far")
    mounts = table(("/", "ext4"), (str(tmp_path / "far"), "nfs"))
    with pytest.raises(StoreError, match="type nfs"):
        refuse_network_disk(tmp_path / "near" / "log.sqlite", mounts)


def test_a_store_there_is_refused_before_anything_is_made(monkeypatch, tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(table(("/", "nfs4")))
    monkeypatch.setattr(network_disk, "MOUNTS", mounts)
    monkeypatch.setattr(network_disk.sys, "platform", "linux")
    with pytest.raises(StoreError, match="type nfs4"):
        SqliteBackend(tmp_path / "new" / "log.sqlite")
    assert not (tmp_path / "new").exists()
