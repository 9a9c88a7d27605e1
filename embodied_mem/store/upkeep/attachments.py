"""`AttachmentStore`: image, depth and sound files beside the log, named by the hash of their content."""

import math
import os
import re
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from embodied_mem.backends.sqlite.disk import make_folder, sync_folder
from embodied_mem.errors import (
    DamagedAttachment,
    ForkedHandle,
    InvalidRecord,
    QuotaExceeded,
    StoreError,
    unknown_name,
)
from embodied_mem.records.experience import Attachment
from embodied_mem.store.upkeep.attached import attachment_file

_HEX = frozenset("0123456789abcdef")
_MEDIA_TYPE = re.compile(r"{0}/{0}( *;.*)?".format(r"[\w.+!#$&^-]+"), re.ASCII)
_PARTIAL = ".partial-"  # prefix of a file that is being written
_ASIDE = ".purged-"  # prefix of a file that a purge is about to remove


class AttachmentStore:
    """A folder of files, each named by the SHA-256 of its bytes: `ab/abcdef...`; equal bytes are kept once.

    Several processes may write at once, each with its own handle: a forked child cannot use its parent's.
    A file exists completely or not at all, also after `kill -9`.

    Args:
        folder: The folder; created at the first `put`.
        quota_bytes: Maximum total size, >= 0; None sets no limit. Files of other processes are counted only
            when this handle's own count reaches the quota, so together they may exceed it.
        read_only: Reject writes.
        pid: The process that may use the handle, such as the one that opened the store; None: this one.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        quota_bytes: int | None = None,
        read_only: bool = False,
        pid: int | None = None,
    ) -> None:
        if quota_bytes is not None and quota_bytes < 0:
            raise StoreError(f"quota_bytes is {quota_bytes}; expected at least 0, or None for no limit")
        self.folder = Path(folder).absolute()
        self.quota_bytes = quota_bytes
        self.read_only = read_only
        self._used_bytes: int | None = None  # as this handle knows; measured again before a put is rejected
        self._pid = os.getpid() if pid is None else pid

    def put(self, data: bytes, *, role: str, media_type: str) -> Attachment:
        """Store the bytes and return the attachment by which an experience refers to them.

        Record the experience that names it within a day: `MemoryStore.remove_unreferenced` deletes files that
        no experience names and that were last put longer ago.

        A purge of another experience with the same file removes it even if it was just put again, unless an
        experience that refers to it is recorded before the purge ends.

        Args:
            data: The content of the file.
            role: What it shows ("image", "depth", "audio").
            media_type: For example `image/png`.

        Raises:
            ForkedHandle: The handle was opened in the parent of this process.
            InvalidRecord: `data` is not bytes, the role is empty, or the media type is invalid.
            QuotaExceeded: The file would exceed the quota; nothing was written.
            StoreError: The folder is open for reading only, or cannot be written.
        """
        self._check_writable()
        if not isinstance(data, bytes):
            raise InvalidRecord(
                f"data is of {type(data).__name__}; expected bytes, for example of an encoded image"
            )
        attachment = Attachment(role=role, digest=sha256(data).hexdigest(), media_type=media_type)
        _check_description(attachment)
        path = self.path_of(attachment.digest)
        is_new = not self._is_whole(path, attachment.digest)
        if is_new:
            self._check_quota(len(data))
        try:
            if is_new:
                _write(path, data)
            for folder in (path.parent, self.folder, self.folder.parent):
                sync_folder(folder)  # the process that created a name may have died before syncing it
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}; nothing was kept of it") from error
        if is_new and self._used_bytes is not None:
            self._used_bytes += len(data)
        return attachment

    def get(self, digest: str) -> bytes:
        """The bytes with this hash, verified.

        Raises:
            DamagedAttachment: The bytes of the file have another hash.
            ForkedHandle: The handle was opened in the parent of this process.
            UnknownName: There is no such file; it was removed, purged, or not copied with the store.
        """
        path = self.path_of(digest)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise unknown_name("attachment", digest, self._near(digest)) from None
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror}") from error
        if sha256(data).hexdigest() != digest:
            raise DamagedAttachment(
                f"{path} has {len(data):,} bytes with another hash than its name; restore a copy, or put the "
                "original again, which replaces it"
            )
        return data

    def __contains__(self, digest: str) -> bool:
        """Whether a file with this hash exists; its content is not verified."""
        return self.path_of(digest).is_file()

    def __iter__(self) -> Iterator[str]:
        """The hashes of all files, sorted."""
        self._check_process()
        return iter(sorted(path.name for path in self.folder.glob("??/*") if _is_digest(path.name)))

    def size_bytes(self, digest: str | None = None) -> int:
        """Size of one file in bytes (0 if absent), or of all files together."""
        if digest is not None:
            return _size(self.path_of(digest))
        return sum(_size(self.path_of(each)) for each in self)

    def unreferenced(self, digests: Iterable[str]) -> list[str]:
        """The hashes of the files that are not in `digests`, the ones still referred to; sorted."""
        kept = set(digests)
        return [digest for digest in self if digest not in kept]

    def put_since(self, time_s: float) -> set[str]:
        """The hashes of the files that were last put after a time, in seconds since the Unix epoch."""
        self._check_process()
        files = (path for path in self.folder.glob("??/*") if _is_digest(path.name.removeprefix(_ASIDE)))
        return {path.name.removeprefix(_ASIDE) for path in files if _modified_s(path) > time_s}

    def remove(self, digests: Iterable[str]) -> int:
        """Delete these files permanently, also across a power cut; absent files are skipped.

        Returns:
            Number of bytes freed.

        Raises:
            StoreError: The folder cannot be written; some files may be deleted.
        """
        paths = [self.path_of(digest) for digest in digests]
        freed = sum(_size(path) for path in paths)
        self._change(paths, lambda path: path.unlink(missing_ok=True))
        return freed

    def set_aside(self, digests: Iterable[str]) -> None:
        """Rename these files so that they are not found, until `settle`; for one removal at a time.

        Raises:
            StoreError: The folder cannot be written.
        """
        paths = [path for path in map(self.path_of, digests) if path.exists()]
        self._change(paths, lambda path: path.replace(path.with_name(_ASIDE + path.name)))

    def settle(self, kept: Collection[str]) -> list[str]:
        """Restore the files set aside whose digest is in `kept`, and delete the other files set aside.

        Returns:
            The digests of the deleted files, sorted.

        Raises:
            StoreError: The folder cannot be written.
        """
        aside = {path: path.name.removeprefix(_ASIDE) for path in self.aside_files()}
        back = [path for path in aside if aside[path] in kept]
        gone = [path for path in aside if aside[path] not in kept]
        self._change(back, lambda path: path.replace(path.with_name(aside[path])))
        self._change(gone, lambda path: path.unlink(missing_ok=True))
        return [aside[path] for path in gone]

    def aside_files(self) -> list[Path]:
        """The files set aside by a running purge, or by one that was killed."""
        return sorted(self.folder.glob(f"??/{_ASIDE}*"))

    def partial_files(self) -> list[Path]:
        """Unfinished files of killed or running writers; remove them only while no writer runs."""
        return sorted(self.folder.glob(f"??/{_PARTIAL}*"))

    def path_of(self, digest: str) -> Path:
        """Path of the file with this hash.

        Raises:
            ForkedHandle: The handle was opened in the parent of this process.
            StoreError: The digest is not a SHA-256 in lower-case hex, and could name a file elsewhere.
        """
        self._check_process()
        if not (isinstance(digest, str) and _is_digest(digest)):
            raise StoreError(f"{str(digest)[:200]!r} is not a digest; expected 64 lower-case hex characters")
        return attachment_file(self.folder, digest)

    def _is_whole(self, path: Path, digest: str) -> bool:
        """Whether the file is undamaged; if so, it is synced to the disk and its time is renewed."""
        try:
            with path.open("rb") as file:
                os.fsync(file.fileno())  # another process may have linked or copied it without syncing
                is_same = sha256(file.read()).hexdigest() == digest
            # By name and not by handle: it fails if a purge has just set the file aside.
            os.utime(path)
            return is_same
        except OSError:
            return False

    def _change(self, paths: Collection[Path], change: Callable[[Path], object]) -> None:
        """Rename or delete files and sync; folders stay, as another process may be writing into them."""
        self._check_writable()
        try:
            for path in paths:
                change(path)
            for folder in {path.parent for path in paths if path.parent.is_dir()}:
                sync_folder(folder)
        except OSError as error:
            raise StoreError(
                f"cannot change {self.folder}: {error}; make it writable and try again"
            ) from error

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_pid", "_used_bytes")}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)
        self._pid, self._used_bytes = os.getpid(), None

    def _check_process(self) -> None:
        if self._pid != os.getpid():
            raise ForkedHandle(
                f"{self.folder} was opened in process {self._pid}; open the store again in this child"
            )

    def _check_writable(self) -> None:
        self._check_process()
        if self.read_only:
            raise StoreError(
                f"{self.folder} is open for reading only; open the store without read_only to write"
            )

    def _check_quota(self, n_bytes: int) -> None:
        if self.quota_bytes is None:
            return
        if self._used_bytes is None or self._used_bytes + n_bytes > self.quota_bytes:
            self._used_bytes = self.size_bytes()
        used = self._used_bytes
        if used + n_bytes > self.quota_bytes:
            raise QuotaExceeded(
                f"{n_bytes:,} bytes do not fit: {used:,} of {self.quota_bytes:,} are taken in {self.folder}; "
                "purge old experiences, remove files that no experience names "
                "(embodied-mem memory remove-unreferenced FOLDER), or open with a larger quota_bytes"
            )

    def _near(self, digest: str) -> list[str]:
        return [each for each in self if each[:6] == digest[:6]][:3]


def _check_description(attachment: Attachment) -> None:
    if not attachment.role:
        raise InvalidRecord("role is empty; expected what the file shows, such as 'image' or 'depth'")
    if not _MEDIA_TYPE.fullmatch(attachment.media_type):
        raise InvalidRecord(f"media_type is {attachment.media_type!r}; expected one such as 'image/png'")


def _is_digest(name: str) -> bool:
    return len(name) == 64 and _HEX.issuperset(name)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _modified_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return -math.inf


def _write(path: Path, data: bytes) -> None:
    """Write a file completely or not at all: under a temporary name, synced, then renamed."""
    make_folder(path.parent)
    partial = path.with_name(f"{_PARTIAL}{uuid.uuid4().hex}")
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
