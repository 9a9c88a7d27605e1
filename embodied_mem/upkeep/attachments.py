"""`AttachmentStore`: images, depth maps and sounds beside the log, named by the hash of their content."""

import math
import os
import re
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from embodied_mem.backends.disk import make_folder, sync_folder
from embodied_mem.errors import (
    DamagedAttachment,
    ForkedHandle,
    InvalidRecord,
    QuotaExceeded,
    StoreError,
    unknown_name,
)
from embodied_mem.records import Attachment
from embodied_mem.upkeep.attached import attachment_file

_HEX = frozenset("0123456789abcdef")
_MEDIA_TYPE = re.compile(r"{0}/{0}( *;.*)?".format(r"[\w.+!#$&^-]+"), re.ASCII)
_PARTIAL = ".partial-"  # begins the name of a file that is being written
_ASIDE = ".purged-"  # begins the name of a file that a purge is about to remove


class AttachmentStore:
    """A folder of files, each named by the SHA-256 of its bytes: `ab/abcdef...`; equal bytes are kept once.

    Several processes may write at once, each with a handle of its own: a forked child is refused that of its
    parent. A file is there whole or not at all, also after `kill -9`.

    Args:
        folder: Where they lie; made at the first `put`.
        quota_bytes: What all of them may take together, >= 0; None sets no limit. What other processes add is
            seen when this one's own count reaches the quota, so together they may go beyond it.
        read_only: Refuse to write.
        pid: The process that may use it, such as that in which the store was opened; None is this one.
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
        self._used_bytes: int | None = None  # as far as this handle knows; looked up again before a refusal
        self._pid = os.getpid() if pid is None else pid

    def put(self, data: bytes, *, role: str, media_type: str) -> Attachment:
        """Keep the bytes and say how an experience refers to them.

        Record the experience that names it within a day: `MemoryStore.remove_unreferenced` takes files that
        nobody has put for so long and no experience names.

        A purge of another experience with the same file takes it along although it was put again a moment
        ago, unless an experience that refers to it is recorded before that purge ends.

        Args:
            data: The content of the file.
            role: What it shows ("image", "depth", "audio").
            media_type: Such as `image/png`.

        Raises:
            ForkedHandle: It was opened in the parent of this process.
            InvalidRecord: The data are no bytes, the role is empty, or the media type is none.
            QuotaExceeded: There is no room left; nothing was written.
            StoreError: The folder cannot be written, or only be read.
        """
        self._check_writable()
        if not isinstance(data, bytes):
            raise InvalidRecord(
                f"data is of {type(data).__name__}; expected bytes, such as of an encoded image"
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
                sync_folder(folder)  # whoever made a name may have been killed before it was on the disk
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}; nothing was kept of it") from error
        if is_new and self._used_bytes is not None:
            self._used_bytes += len(data)
        return attachment

    def get(self, digest: str) -> bytes:
        """The bytes of this hash, verified.

        Raises:
            DamagedAttachment: The file is there, but its bytes have another hash.
            ForkedHandle: It was opened in the parent of this process.
            UnknownName: No such file; it was removed, purged, or never brought along with a copied store.
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
        """Whether a file of this hash is there; its content is not looked at."""
        return self.path_of(digest).is_file()

    def __iter__(self) -> Iterator[str]:
        """The hashes of all files, sorted."""
        self._check_process()
        return iter(sorted(path.name for path in self.folder.glob("??/*") if _is_digest(path.name)))

    def size_bytes(self, digest: str | None = None) -> int:
        """Bytes of one file (0 if it is not there), or of all of them together."""
        if digest is not None:
            return _size(self.path_of(digest))
        return sum(_size(self.path_of(each)) for each in self)

    def unreferenced(self, digests: Iterable[str]) -> list[str]:
        """The hashes of the files that are not among these, sorted; `digests` are those still referred to."""
        kept = set(digests)
        return [digest for digest in self if digest not in kept]

    def put_since(self, time_s: float) -> set[str]:
        """The hashes of the files that were put after a time, in seconds since the Unix epoch."""
        self._check_process()
        files = (path for path in self.folder.glob("??/*") if _is_digest(path.name.removeprefix(_ASIDE)))
        return {path.name.removeprefix(_ASIDE) for path in files if _modified_s(path) > time_s}

    def remove(self, digests: Iterable[str]) -> int:
        """Delete these files for good, also if the power fails; those that are not there are passed over.

        Returns:
            How many bytes became free.

        Raises:
            StoreError: The folder cannot be written; some may be gone.
        """
        paths = [self.path_of(digest) for digest in digests]
        freed = sum(_size(path) for path in paths)
        self._change(paths, lambda path: path.unlink(missing_ok=True))
        return freed

    def set_aside(self, digests: Iterable[str]) -> None:
        """Give these files a name under which they are not found, until `settle`; for one removal at a time.

        Raises:
            StoreError: The folder cannot be written.
        """
        paths = [path for path in map(self.path_of, digests) if path.exists()]
        self._change(paths, lambda path: path.replace(path.with_name(_ASIDE + path.name)))

    def settle(self, kept: Collection[str]) -> list[str]:
        """Bring back what is set aside and among these, and delete the rest of it.

        Returns:
            The digests of what was deleted, sorted.

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
        """What is set aside: by a purge at work, or by one that was killed."""
        return sorted(self.folder.glob(f"??/{_ASIDE}*"))

    def partial_files(self) -> list[Path]:
        """What writers left that were killed; a writer at work has one too, so remove them when none is."""
        return sorted(self.folder.glob(f"??/{_PARTIAL}*"))

    def path_of(self, digest: str) -> Path:
        """Where the file of this hash lies.

        Raises:
            ForkedHandle: The handle was opened in the parent of this process.
            StoreError: It is no SHA-256 in lower-case hex, so that no name can lead out of the folder.
        """
        self._check_process()
        if not (isinstance(digest, str) and _is_digest(digest)):
            raise StoreError(f"{str(digest)[:200]!r} is no digest; expected 64 lower-case hex characters")
        return attachment_file(self.folder, digest)

    def _is_whole(self, path: Path, digest: str) -> bool:
        """Whether the file is there, undamaged and on the disk, and new again; else it is written again."""
        try:
            with path.open("rb") as file:
                os.fsync(file.fileno())  # another process may have linked or copied it here
                is_same = sha256(file.read()).hexdigest() == digest
            # By its name, so that one that is set aside at this moment is not taken for one that is there.
            os.utime(path)
            return is_same
        except OSError:
            return False

    def _change(self, paths: Collection[Path], change: Callable[[Path], object]) -> None:
        """Change names and wait for the disk; folders stay, as somebody may be about to write into them."""
        self._check_writable()
        try:
            for path in paths:
                change(path)
            for folder in {path.parent for path in paths if path.parent.is_dir()}:
                sync_folder(folder)
        except OSError as error:
            raise StoreError(
                f"cannot change {self.folder}: {error}; make it writable and do it again"
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
                "purge what is not needed, remove files that no experience names "
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
    """Whole or not at all: another name first, to the disk, then the right name."""
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
