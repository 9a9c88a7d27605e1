import subprocess
from pathlib import Path

import pytest

from embodied_mem.backends.sqlite import SqliteBackend, network_disk
from embodied_mem.backends.sqlite.network_disk import (
    Mount,
    file_system,
    linux_mounts,
    mac_mounts,
    mount_of,
    refuse_network_disk,
)
from embodied_mem.errors import StoreError

LINE = "{number} 1 0:{number} / {point} rw,relatime shared:{number} - {kind} {source} rw"


def table(*mounts, source="server:/export"):
    lines = [
        LINE.format(number=number, point=point, kind=kind, source=source)
        for number, (point, kind) in enumerate(mounts, 20)
    ]
    return "\n".join(lines) + "\n"


def mounted(*mounts, **options):
    return list(linux_mounts(table(*mounts, **options)))


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
        "vboxsf",
        "fuse.vmhgfs-fuse",
        "fuse.blobfuse2",
    ],
)
def test_a_network_disk_is_refused_with_the_way_out(kind):
    with pytest.raises(StoreError, match=f"type {kind}.*one store per worker on a local disk, then merge"):
        refuse_network_disk(Path("/data/log.sqlite"), mounted(("/", "ext4"), ("/data", kind)))


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "overlay", "tmpfs", "zfs", "apfs", "fuseblk"])
def test_a_local_disk_is_taken(kind):
    refuse_network_disk(Path("/data/log.sqlite"), mounted(("/", "nfs"), ("/data", kind)))


@pytest.mark.parametrize("source", ["mountpoint-s3", "blobfuse2", "blobfuse"])
def test_a_bucket_that_is_mounted_as_plain_fuse_is_known_by_its_source(source):
    mounts = mounted(("/data", "fuse"), source=source)
    with pytest.raises(StoreError, match=rf"a disk of type fuse \({source}\)"):
        refuse_network_disk(Path("/data/log.sqlite"), mounts)


@pytest.mark.parametrize("source", ["/dev/sdb1", "encfs", "/dev/fuse", "one:two", "s3"])
def test_another_disk_of_plain_fuse_is_taken_for_local(source):
    refuse_network_disk(Path("/data/log.sqlite"), mounted(("/data", "fuse"), source=source))


@pytest.mark.parametrize("path", ["\\\\server\\share\\log.sqlite", "//server/share/log.sqlite"])
def test_a_network_share_of_windows_is_refused(path):
    class Named:
        def __str__(self):
            return path

    with pytest.raises(StoreError, match="a network share"):
        refuse_network_disk(Named(), [])


# As a Mac with servers, disks of macFUSE, a disk image and a USB stick says it.
MAC_MOUNTS = """\
/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
devfs on /dev (devfs, local, nobrowse)
/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse, protect, root data)
map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)
//ana@nas._smb._tcp.local/Photo%20Library on /Volumes/Photo Library (smbfs, nodev, nosuid, mounted by ana)
//ana@zf/backup on /Volumes/backup (afpfs, nodev, nosuid, mounted by ana)
nas:/export/lab on /Volumes/lab (nfs, nodev, nosuid, mounted by ana)
https://dav.example.org/files/ on /Volumes/files (webdav, nodev, noexec, nosuid, mounted by ana)
ana@robot:/home/ana on /Users/ana/robot (1) (macfuse, nodev, nosuid, synchronous, mounted by ana)
JuiceFS:lab on /Users/ana/jfs (macfuse, nodev, nosuid, synchronous, mounted by ana)
mountpoint-s3 on /Users/ana/s3 (macfuse, nodev, nosuid, mounted by ana)
fuse-t:/vault on /Users/ana/vault (nfs, nodev, nosuid, mounted by ana)
pi@10.0.0.2:/ on /private/tmp/pi (osxfuse, nodev, nosuid, synchronous, mounted by ana)
Cryptomator@macfuse0 on /Volumes/secret (macfuse, nodev, nosuid, synchronous, mounted by ana)
macfuse://6D0D7B67 on /Volumes/kit (macfuse, noowners, noatime, fskit)
/dev/disk4s2 on /Volumes/NTFS (macfuse, local, synchronous, noatime)
/dev/disk6s2 on /Volumes/Shared Support (hfs, local, nodev, nosuid, read-only, nobrowse)
/dev/disk7s1 on /Volumes/Stick (msdos, local, nodev, nosuid, noowners)

no line of mount
"""


@pytest.mark.parametrize(
    "folder",
    [
        "/Volumes/Photo Library",
        "/Volumes/backup",
        "/Volumes/lab",
        "/Volumes/files",
        "/Users/ana/robot (1)",
        "/Users/ana/jfs",
        "/Users/ana/s3",
        "/Users/ana/vault",
        "/private/tmp/pi",
    ],
)
def test_a_network_disk_of_a_mac_is_refused(folder):
    with pytest.raises(StoreError, match="keep one store per worker on a local disk"):
        refuse_network_disk(Path(folder) / "lab" / "log.sqlite", list(mac_mounts(MAC_MOUNTS)))


@pytest.mark.parametrize(
    "folder",
    [
        "/Users/ana/memories",
        "/Volumes/secret",
        "/Volumes/kit",
        "/Volumes/NTFS",
        "/Volumes/Shared Support",
        "/Volumes/Stick",
        "/Volumes/lab 2",
    ],
)
def test_a_local_disk_of_a_mac_is_taken(folder):
    refuse_network_disk(Path(folder) / "log.sqlite", list(mac_mounts(MAC_MOUNTS)))


def test_a_line_of_mount_gives_point_type_and_source():
    mounts = list(mac_mounts(MAC_MOUNTS))
    assert len(mounts) == 18
    lab = Mount("/Volumes/lab", "nfs", "nas:/export/lab")
    assert mount_of(Path("/Volumes/lab/log.sqlite"), mounts) == lab
    assert mount_of(Path("/x"), []) is None


def on_a_mac(monkeypatch, run):
    monkeypatch.setattr(network_disk.sys, "platform", "darwin")
    monkeypatch.setattr(subprocess, "run", run)


def test_a_mac_is_asked_with_the_program_mount_and_no_shell(monkeypatch):
    def run(arguments, **options):
        assert tuple(arguments) == ("/sbin/mount",)
        assert not options.get("shell")
        return subprocess.CompletedProcess(arguments, 0, MAC_MOUNTS.encode(), b"")

    on_a_mac(monkeypatch, run)
    assert file_system(Path("/Volumes/lab/x")) == "nfs"
    with pytest.raises(StoreError, match="type nfs"):
        refuse_network_disk(Path("/Volumes/lab/log.sqlite"))


@pytest.mark.parametrize("error", [FileNotFoundError(), subprocess.TimeoutExpired("/sbin/mount", 5.0)])
def test_where_a_mac_does_not_answer_nothing_is_refused(monkeypatch, error):
    def run(arguments, **options):
        raise error

    on_a_mac(monkeypatch, run)
    refuse_network_disk(Path("/Volumes/lab/log.sqlite"))


def test_without_a_table_nothing_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(network_disk, "MOUNTS", tmp_path / "none")
    refuse_network_disk(Path("/data/log.sqlite"))


def test_a_link_to_a_network_disk_is_followed(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "near").symlink_to(tmp_path / "far")
    mounts = mounted(("/", "ext4"), (str(tmp_path / "far"), "nfs"))
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
