"""Whether a path lies on a network disk, where SQLite's write-ahead log does not work.

Processes that share the log must share memory and file locks, which a network disk gives to one machine at
best (https://sqlite.org/wal.html, section 1).
"""

import os
import re
import sys
from pathlib import Path

from embodied_mem.errors import StoreError

MOUNTS = Path("/proc/self/mountinfo")

# fmt: off
_NETWORK_TYPES = frozenset({
    "9p", "acfs", "afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "cvmfs", "davfs", "fhgfs",
    "fuse.beegfs", "fuse.ceph", "fuse.cephfs", "fuse.davfs", "fuse.gcsfuse", "fuse.glusterfs",
    "fuse.goofys", "fuse.juicefs", "fuse.mfs", "fuse.nfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs",
    "fuse.weed", "gcsfuse", "gfs", "gfs2", "glusterfs", "gpfs", "kafs", "lustre", "ncpfs", "nfs", "nfs3",
    "nfs4", "ocfs2", "orangefs", "panfs", "pvfs2", "rclone", "smb2", "smb3", "smbfs", "sshfs", "weka",
    "wekafs",
})
# fmt: on


def refuse_network_disk(path: Path, mounts: str | None = None) -> None:
    """Refuse a file on a network disk before it is first used.

    Args:
        path: The file, absolute; neither it nor its folder need be there.
        mounts: What `/proc/self/mountinfo` says; None reads it. Systems without one are asked nothing, except
            for the network paths of Windows.

    Raises:
        StoreError: It lies on one; the message says the way out.
    """
    if str(path).startswith(("\\\\", "//")) and not str(path).startswith(("\\\\?\\", "\\\\.\\")):
        raise _refusal(path, "a network share")
    if mounts is None:
        mounts = _read_mounts()
    kind = file_system(Path(os.path.realpath(path)), mounts)
    if kind in _NETWORK_TYPES or re.fullmatch(r"fuse\..*remote.*", kind):
        raise _refusal(path, f"a disk of type {kind}")


def file_system(path: Path, mounts: str) -> str:
    """The type of the file system that holds a path; empty if the table does not say.

    Args:
        path: An absolute path without symbolic links.
        mounts: Lines as in `/proc/self/mountinfo`.
    """
    longest, kind = -1, ""
    for line in mounts.splitlines():
        before, separator, after = line.partition(" - ")
        fields, rest = before.split(), after.split()
        if not separator or len(fields) < 5 or not rest:
            continue
        point = _unescaped(fields[4])
        is_below = path.is_relative_to(point)
        if is_below and len(Path(point).parts) >= longest:  # of equals the last, which covers the others
            longest, kind = len(Path(point).parts), rest[0]
    return kind


def _read_mounts() -> str:
    if not sys.platform.startswith("linux"):
        return ""
    try:
        return MOUNTS.read_text("utf-8", "surrogateescape")
    except OSError:  # a jail without /proc
        return ""


def _unescaped(point: str) -> str:
    """The mount point as it is; the kernel writes blanks, tabs and backslashes as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), point)


def _refusal(path: Path, what: str) -> StoreError:
    return StoreError(
        f"{path} lies on {what}, where SQLite cannot keep a file whole; keep one store a worker on a local "
        "disk, then merge: MemoryStore.merge(other)"
    )
