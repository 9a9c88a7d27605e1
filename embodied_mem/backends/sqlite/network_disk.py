"""Detection of network disks, where SQLite's write-ahead log does not work.

Processes that share the log need shared memory and file locks, which a network disk provides within one
machine at best (https://sqlite.org/wal.html, section 1).
"""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from embodied_mem.errors import StoreError

MOUNTS = Path("/proc/self/mountinfo")
MAC_MOUNT = ("/sbin/mount",)  # macOS has no mountinfo file

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

# Programs that mount as plain `fuse`, as many local disks do; only the source identifies them. `mount` prints
# "mountpoint-s3 on /s3 type fuse (...)", "blobfuse2 on /mnt/blob type fuse (...)".
_FUSE_TYPES = frozenset({"fuse", "macfuse", "osxfuse"})
_NETWORK_SOURCES = frozenset({"blobfuse", "blobfuse2", "mountpoint-s3", "s3fs"})

_MAC_LINE = re.compile(r"(?P<source>.+?) on (?P<point>/.*) \((?P<kind>[^,()]+)(, [^()]*)?\)")


class Mount(NamedTuple):
    """A mounted file system.

    Attributes:
        point: The folder where it is mounted.
        kind: The file system type, such as `ext4`.
        source: A device, a server and its folder, or the name of a program.
    """

    point: str
    kind: str
    source: str


def refuse_network_disk(path: Path, mounts: Sequence[Mount] | None = None) -> None:
    """Reject a file on a network disk.

    Args:
        path: The absolute path of the file; neither it nor its folder need exist.
        mounts: The mounts; None asks the system on Linux and macOS. On Windows only network paths are
            detected.

    Raises:
        StoreError: The file is on a network disk.
    """
    if str(path).startswith(("\\\\", "//")) and not str(path).startswith(("\\\\?\\", "\\\\.\\")):
        raise _refusal(path, "a network share")
    mount = mount_of(Path(os.path.realpath(path)), _mounts() if mounts is None else mounts)
    if mount is not None and _is_network(mount):
        plain = f" ({mount.source})" if mount.kind in _FUSE_TYPES else ""
        raise _refusal(path, f"a disk of type {mount.kind}{plain}")


def file_system(path: Path, table: str | None = None) -> str:
    """Return the type of the file system that holds a path; empty if unknown.

    Args:
        path: An absolute path without symbolic links.
        table: Text in the format of `/proc/self/mountinfo`; None asks the system.
    """
    mount = mount_of(path, _mounts() if table is None else list(linux_mounts(table)))
    return "" if mount is None else mount.kind


def mount_of(path: Path, mounts: Sequence[Mount]) -> Mount | None:
    """Return the mount that holds a path, the one with the deepest mount point; None if there is none.

    Args:
        path: An absolute path without symbolic links.
        mounts: The mounts in mount order.
    """
    holding = [mount for mount in mounts if path.is_relative_to(mount.point)]
    # Ties: the last, which is mounted over the others.
    return max(reversed(holding), key=lambda mount: len(Path(mount.point).parts), default=None)


def linux_mounts(table: str) -> Iterator[Mount]:
    """Parse the format of `/proc/self/mountinfo`; other lines are skipped."""
    for line in table.splitlines():
        before, _, after = line.partition(" - ")
        fields, rest = before.split(), after.split()
        if len(fields) >= 5 and rest:
            yield Mount(_unescaped(fields[4]), rest[0], _unescaped(rest[1]) if len(rest) > 1 else "")


def mac_mounts(table: str) -> Iterator[Mount]:
    """Parse the output of `mount` on macOS; other lines are skipped."""
    for line in table.splitlines():
        if found := _MAC_LINE.fullmatch(line):
            yield Mount(found["point"], found["kind"], found["source"])


def _is_network(mount: Mount) -> bool:
    """Whether the files are on another machine, or on a host that shares no memory with this guest."""
    if mount.kind in _NETWORK_TYPES or re.fullmatch(r"fuse\..*remote.*", mount.kind):
        return True
    if mount.kind not in _FUSE_TYPES:
        return False
    # On macOS only a source such as "ana@server:/data" identifies sshfs and rclone.
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
    import subprocess  # imported here because it loads slowly

    try:
        output = subprocess.run(MAC_MOUNT, capture_output=True, timeout=5.0, check=True)
    except (OSError, subprocess.SubprocessError):  # a sandbox without it
        return ""
    return output.stdout.decode("utf-8", "surrogateescape")


def _unescaped(point: str) -> str:
    """Decode the octal escapes that the kernel writes for blanks, tabs and backslashes."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), point)


def _refusal(path: Path, what: str) -> StoreError:
    return StoreError(
        f"{path} is on {what}, where SQLite can damage the file; keep one store per worker on a local "
        "disk, then merge: MemoryStore.merge(other)"
    )
