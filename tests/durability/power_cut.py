"""What a power cut would leave on the disk, built from the journal of everything that was done to files.

Only what was synced is sure to be there. Of the rest, a real disk keeps any part in any order, so variants
keep nothing, everything, or a random choice of sectors; new names are sure only once their folder was synced,
or, on journalling file systems, once anything later was.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.durability.file_calls import CallKind, FileCall

SECTOR = 512
NAMING = (CallKind.CREATE, CallKind.MKDIR, CallKind.RENAME, CallKind.UNLINK, CallKind.RMDIR, CallKind.LINK)
SHARED_MEMORY = "-shm"  # of SQLite: made anew by whoever opens the file first


@dataclass
class _File:
    """What was done to one file, and how much of that was synced."""

    is_folder: bool = False
    calls: list[FileCall] = field(default_factory=list)
    n_synced: int = 0


@dataclass
class _Naming:
    """A change of names."""

    call: FileCall
    file: _File | None
    is_synced: bool = False


@dataclass(frozen=True)
class Keep:
    """Which part of what was not synced survives.

    Attributes:
        data: Share of the sectors written and not synced, 0 to 1.
        names: Share of the newest changes of names, a prefix of them, 0 to 1.
        is_journalling: Whether syncing anything makes every earlier change of names last, as ext4 and xfs do;
            otherwise only syncing the folder does, which is all that POSIX promises.
        seed: Of the choice of sectors.
    """

    data: float = 0.0
    names: float = 0.0
    is_journalling: bool = False
    seed: int = 0


VARIANTS = (
    Keep(),
    Keep(is_journalling=True),
    Keep(names=1.0),
    Keep(data=1.0),
    Keep(data=1.0, names=1.0),
    Keep(data=0.5, names=0.5, seed=1),
    Keep(data=0.9, names=1.0, seed=2),
    Keep(data=0.1, is_journalling=True, seed=3),
)


class Disk:
    """The files under one folder as a sequence of calls makes them.

    Args:
        folder: The folder that was watched.
        before: Its files as they were when the journal began, all on the disk: relative path -> content.
    """

    def __init__(self, folder: Path, before: "dict[str, tuple[int, bytes | None]] | None" = None) -> None:
        self._root = str(folder.resolve())
        self._by_inode: dict[int, _File] = {}
        self._namings: list[_Naming] = []
        self._start: dict[str, _File] = {}
        self.marks: list[str] = []
        for name, (inode, content) in (before or {}).items():
            file = _File(is_folder=content is None)
            if content is not None:
                path = f"{self._root}/{name}"
                file.calls.append(FileCall(CallKind.SNAPSHOT, 0, inode, path, data=content))
                file.n_synced = 1
            self._by_inode[inode] = self._start[f"{self._root}/{name}"] = file

    def play(self, calls: Iterable[FileCall]) -> None:
        """Take in more of the journal."""
        for call in calls:
            if call.kind is CallKind.MARK:
                self.marks.append(call.data.decode())
            elif call.kind is CallKind.SYNC:
                self._sync(call)
            elif call.kind in NAMING:
                self._name(call)
            elif call.inode in self._by_inode:
                self._by_inode[call.inode].calls.append(call)
            else:
                raise AssertionError(f"{call.path} was written and the journal does not say how it was made")

    def image(self, keep: Keep) -> "dict[str, bytes | None]":
        """What is there after a power cut: relative path -> content, None for a folder."""
        rng = random.Random(keep.seed)
        names = dict(self._start)
        names[self._root] = _File(is_folder=True)
        sure = {id(naming) for naming in self._namings if naming.is_synced}
        if keep.is_journalling:
            sure |= {id(naming) for naming in self._namings[: self._n_journalled]}
        unsure = [naming for naming in self._namings if id(naming) not in sure]
        sure |= {id(naming) for naming in unsure[: round(keep.names * len(unsure))]}
        for naming in self._namings:
            if id(naming) in sure:
                _rename(names, naming)
        contents = {id(file): _content(file, keep, rng) for file in names.values() if not file.is_folder}
        return {
            path[len(self._root) + 1 :]: None if file.is_folder else contents[id(file)]
            for path, file in sorted(names.items())
            if path != self._root and self._is_reachable(path, names) and not path.endswith(SHARED_MEMORY)
        }

    _n_journalled = 0

    def _sync(self, call: FileCall) -> None:
        self._n_journalled = len(self._namings)
        file = self._by_inode.get(call.inode)
        if file is not None and not file.is_folder:
            file.n_synced = len(file.calls)
            return
        for naming in self._namings:
            if call.path in (_parent(naming.call.path), _parent(naming.call.second)):
                naming.is_synced = True

    def _name(self, call: FileCall) -> None:
        file = self._by_inode.get(call.inode)
        if call.kind in (CallKind.CREATE, CallKind.MKDIR):
            file = self._by_inode[call.inode] = _File(is_folder=call.kind is CallKind.MKDIR)
        self._namings.append(_Naming(call, file))

    def _is_reachable(self, path: str, names: "dict[str, _File]") -> bool:
        parent = _parent(path)
        return parent == self._root or (parent in names and self._is_reachable(parent, names))


def before(folder: Path) -> "dict[str, tuple[int, bytes | None]]":
    """What a folder holds now, for a `Disk` that starts with it."""
    return {
        str(path.relative_to(folder)): (path.stat().st_ino, path.read_bytes() if path.is_file() else None)
        for path in folder.rglob("*")
    }


def write_image(image: "dict[str, bytes | None]", folder: Path) -> Path:
    """Lay the files of an image out in a folder, which is made."""
    folder.mkdir(parents=True)
    for name, content in image.items():
        path = folder / name
        if content is None:
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return folder


def _content(file: _File, keep: Keep, rng: random.Random) -> bytes:
    data = bytearray()
    for call in file.calls[: file.n_synced]:
        _apply(data, call)
    for call in file.calls[file.n_synced :]:
        if call.kind is CallKind.TRUNCATE:
            if rng.random() < keep.data:
                _apply(data, call)
            continue
        for start in range(0, len(call.data), SECTOR):
            if keep.data == 1.0 or rng.random() < keep.data:
                _put(data, call.offset + start, call.data[start : start + SECTOR])
        if call.kind is CallKind.SNAPSHOT and keep.data == 1.0:
            del data[len(call.data) :]
    return bytes(data)


def _apply(data: bytearray, call: FileCall) -> None:
    if call.kind is CallKind.SNAPSHOT:
        data[:] = call.data
    elif call.kind is CallKind.TRUNCATE:
        del data[call.offset :]
        data.extend(bytes(call.offset - len(data)))
    else:
        _put(data, call.offset, call.data)


def _put(data: bytearray, offset: int, part: bytes) -> None:
    if len(data) < offset:
        data.extend(bytes(offset - len(data)))
    data[offset : offset + len(part)] = part


def _rename(names: "dict[str, _File]", naming: _Naming) -> None:
    call = naming.call
    if call.kind in (CallKind.CREATE, CallKind.MKDIR):
        assert naming.file is not None
        names[call.path] = naming.file
    elif call.kind in (CallKind.UNLINK, CallKind.RMDIR):
        names.pop(call.path, None)
    elif call.kind is CallKind.LINK:
        if naming.file is not None:
            names[call.second] = naming.file
    else:
        _move(names, call, naming.file)


def _move(names: "dict[str, _File]", call: FileCall, file: _File | None) -> None:
    names.pop(call.path, None)
    if file is None:
        return
    names[call.second] = file
    for path in [path for path in names if path.startswith(f"{call.path}/")]:
        names[call.second + path[len(call.path) :]] = names.pop(path)


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def same_files(image: "dict[str, bytes | None]", folder: Path) -> "Sequence[str]":
    """Names whose content differs between an image and a folder: none where everything is kept."""
    actual = {
        name: content for name, (_, content) in before(folder).items() if not name.endswith(SHARED_MEMORY)
    }
    return sorted(name for name in {*image, *actual} if image.get(name, b"?") != actual.get(name, b"?"))
