"""Whether a path lies on a network disk, where SQLite's write-ahead log does not work.

Processes that share the log must share memory and file locks, which a network disk gives to one machine at
best (https://sqlite.org/wal.html, section 1).
"""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from embodied_mem.errors import StoreError

MOUNTS = Path("/proc/self/mountinfo")
MAC_MOUNT = ("/sbin/mount",)  # macOS has no such file

# fmt: off
_NETWORK_TYPES = frozenset({
    "9p", "acfs", "afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "cvmfs", "davfs", "fhgfs",
    "fuse.beegfs", "fuse.blobfuse", "fuse.blobfuse2", "fuse.ceph", "fuse.cephfs", "fuse.davfs",
    "fuse.gcsfuse", "fuse.glusterfs", "fuse.goofys", "fuse.juicefs", "fuse.mfs", "fuse.mountpoint-s3",
    "fuse.nfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "fuse.vmhgfs-fuse", "fuse.weed", "gcsfuse", "gfs",
    "gfs2", "glusterfs", "gpfs", "kafs", "lustre", "ncpfs", "nfs", "nfs3", "nfs4", "ocfs2", "orangefs",
    "panfs", "pvfs2", "rclone", "smb2", "smb3", "smbfs", "sshfs", "vboxsf", "vmhgfs", "webdav", "weka",
    "wekafs",
})
# fmt: on

# Programs that mount as plain `fuse`, like many local disks; only the source tells them apart: `mount` says
# "mountpoint-s3 on /s3 type fuse (...)", "blobfuse2 on /mnt/blob type fuse (...)".
_FUSE_TYPES = frozenset({"fuse", "macfuse", "osxfuse"})
_NETWORK_SOURCES = frozenset({"blobfuse", "blobfuse2", "mountpoint-s3", "s3fs"})

_MAC_LINE = re.compile(r"(?P<source>.+?) on (?P<point>/.*) \((?P<kind>[^,()]+)(, [^()]*)?\)")


class Mount(NamedTuple):
    """A file system in its place.

    Attributes:
        point: The folder under which it is seen.
        kind: Its type, such as `ext4`.
        source: What is mounted: a device, a server and its folder, or the name of a program.
    """

    point: str
    kind: str
    source: str


def refuse_network_disk(path: Path, mounts: Sequence[Mount] | None = None) -> None:
    """Refuse a file on a network disk before it is first used.

    Args:
        path: The file, absolute; neither it nor its folder need be there.
        mounts: What is mounted; None asks the system, if that is Linux or macOS. Of others only the network
            paths of Windows are known.

    Raises:
        StoreError: It lies on one; the message says the way out.
    """
    if str(path).startswith(("\\\\", "//")) and not str(path).startswith(("\\\\?\\", "\\\\.\\")):
        raise _refusal(path, "a network share")
    mount = mount_of(Path(os.path.realpath(path)), _mounts() if mounts is None else mounts)
    if mount is not None and _is_network(mount):
        plain = f" ({mount.source})" if mount.kind in _FUSE_TYPES else ""
        raise _refusal(path, f"a disk of type {mount.kind}{plain}")


def file_system(path: Path, table: str | None = None) -> str:
    """The type of the file system that holds a path; empty where nobody knows.

    Args:
        path: An absolute path without symbolic links.
        table: Lines as in `/proc/self/mountinfo`; None asks the system.
    """
    mount = mount_of(path, _mounts() if table is None else list(linux_mounts(table)))
    return "" if mount is None else mount.kind


def mount_of(path: Path, mounts: Sequence[Mount]) -> Mount | None:
    """The mount that holds a path, the one with the longest point; None if there is none.

    Args:
        path: An absolute path without symbolic links.
        mounts: What is mounted, in that order.
    """
    holding = [mount for mount in mounts if path.is_relative_to(mount.point)]
    # Of equals the last, which covers the others.
    return max(reversed(holding), key=lambda mount: len(Path(mount.point).parts), default=None)


def linux_mounts(table: str) -> Iterator[Mount]:
    """What is mounted by lines as in `/proc/self/mountinfo`; others are passed over."""
    for line in table.splitlines():
        before, _, after = line.partition(" - ")
        fields, rest = before.split(), after.split()
        if len(fields) >= 5 and rest:
            yield Mount(_unescaped(fields[4]), rest[0], _unescaped(rest[1]) if len(rest) > 1 else "")


def mac_mounts(table: str) -> Iterator[Mount]:
    """What is mounted by lines as the `mount` of macOS writes them; others are passed over."""
    for line in table.splitlines():
        if found := _MAC_LINE.fullmatch(line):
            yield Mount(found["point"], found["kind"], found["source"])


def _is_network(mount: Mount) -> bool:
    """Whether another machine holds what is there, or another system that shares no memory with this one."""
    if mount.kind in _NETWORK_TYPES or re.fullmatch(r"fuse\..*remote.*", mount.kind):
        return True
    if mount.kind not in _FUSE_TYPES:
        return False
    # On macOS, sshfs and rclone are known by a source such as "ana@server:/data" alone.
    is_remote = mount.kind != "fuse" and re.match(r"[^/:]+:(?!//)", mount.source) is not None
    return is_remote or mount.source in _NETWORK_SOURCES


def _mounts() -> list[Mount]:
    if sys.platform.startswith("linux"):
        return list(linux_mounts(_read_mounts()))
    if sys.platform == "darwin":
        return list(mac_mounts(_mac_table()))
    return []


def _read_mounts() -> str:
    try:
        return MOUNTS.read_text("utf-8", "surrogateescape")
    except OSError:  # a jail without /proc
        return ""


def _mac_table() -> str:
    import subprocess  # only here, as it takes a while to load

    try:
        told = subprocess.run(MAC_MOUNT, capture_output=True, timeout=5.0, check=True)
    except (OSError, subprocess.SubprocessError):  # a sandbox without it
        return ""
    return told.stdout.decode("utf-8", "surrogateescape")


def _unescaped(point: str) -> str:
    """The mount point as it is; the kernel writes blanks, tabs and backslashes as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), point)


def _refusal(path: Path, what: str) -> StoreError:
    return StoreError(
        f"{path} lies on {what}, where SQLite cannot keep a file whole; keep one store a worker on a local "
        "disk, then merge: MemoryStore.merge(other)"
    )
