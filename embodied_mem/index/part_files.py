"""Parts of the index on disk: one file each, replaced atomically, used only if it matches the log.

A file is `EMIX`, the length of the header, the header as JSON, its checksum, and the arrays, each aligned to
64 bytes. The header has the checksum of the arrays and `made_of`, which identifies the state of the log that
the part was built from. A damaged file is ignored and the part rebuilt from the log.
"""

import json
import logging
import os
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from embodied_mem import failpoints
from embodied_mem.index.arrays import Arrays
from embodied_mem.records.json_values import JsonObject

logger = logging.getLogger(__name__)

FORMAT = 1
SUFFIX = ".index"
STALE_S = 3600.0  # after which a temporary file counts as abandoned
_MAGIC = b"EMIX"
_ALIGNMENT = 64
_KINDS = "iufb"  # of arrays: plain numbers, never Python objects
_AT_ONCE = 2**20  # bytes per checksum step


def file_of(folder: Path, part: str) -> Path:
    """Return the file of a part; named by a hash, as a part's name may have any character."""
    return folder / f"{blake2b(part.encode(), digest_size=12).hexdigest()}{SUFFIX}"


def save(folder: Path, part: str, made_of: JsonObject, arrays: Arrays) -> None:
    """Save a part atomically: readers, or a crash, see the old file or the new one.

    Args:
        folder: The folder; created if absent.
        part: The part's name.
        made_of: The state of the log it was built from; `load` compares it.
        arrays: The arrays.

    Raises:
        OSError: The file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = file_of(folder, part)
    temporary = file.with_suffix(f".{os.getpid()}.tmp")
    _clear_away(file)
    try:
        with temporary.open("wb") as stream:
            _write(stream, {"format": FORMAT, "part": part, "made_of": made_of}, arrays)
            stream.flush()
            failpoints.reach("snapshot:written")
            os.fsync(stream.fileno())
        failpoints.reach("snapshot:before-rename")
        temporary.replace(file)
        failpoints.reach("snapshot:renamed")
        _sync_folder(folder)
    finally:
        temporary.unlink(missing_ok=True)


def load(folder: Path, part: str, made_of: Mapping[str, Any]) -> Arrays | None:
    """Return the arrays of a part, read-only; None if its file is absent, damaged or does not match.

    Args:
        folder: The folder of the parts.
        part: The part's name.
        made_of: Expected values in its `made_of`; other values are ignored.
    """
    header = read_header(folder, part)
    if header is None or any(header["made_of"].get(name) != value for name, value in made_of.items()):
        return None
    file = file_of(folder, part)
    try:
        data = np.fromfile(file, np.uint8)
        start = _arrays_start(data[:8].tobytes())
        if zlib.crc32(data[start:].data) != header["checksum"]:
            raise ValueError("its checksum is wrong")
        data.setflags(write=False)
        return {name: _array(data, start, *place) for name, *place in header["arrays"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("%s is unusable and will be rebuilt: %s", file, error)
        return None


def parts_in(folder: Path, beginning: str) -> list[str]:
    """Return the names of parts that have a valid header and start with a prefix."""
    headers = (_header_of(file) for file in sorted(folder.glob(f"*{SUFFIX}")))
    names = (header["part"] for header in headers if header is not None)
    return [name for name in names if name.startswith(beginning)]


def read_header(folder: Path, part: str) -> dict[str, Any] | None:
    """Return the header of a part's file; None if it is absent, damaged or of another format."""
    header = _header_of(file_of(folder, part))
    return header if header is not None and header["part"] == part else None


def _header_of(file: Path) -> dict[str, Any] | None:
    try:
        with file.open("rb") as stream:
            return _read_header(stream)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("%s is unusable and will be rebuilt: %s", file, error)
        return None


def _read_header(stream: BinaryIO) -> dict[str, Any]:
    length = _header_length(stream.read(8))
    written, checksum = stream.read(length), stream.read(4)
    if zlib.crc32(written).to_bytes(4, "little") != checksum:
        raise ValueError("the checksum of its header is wrong")
    header: dict[str, Any] = json.loads(written)
    if header["format"] != FORMAT or not isinstance(header["made_of"], dict):
        raise ValueError(f"it is of format {header['format']}")
    if not isinstance(header["part"], str):
        raise ValueError("it does not say which part it is")
    return header


def verified_header(file: Path) -> dict[str, Any]:
    """Return the header of a part's file after verifying all checksums.

    Args:
        file: The file; read in pieces to bound the memory.

    Raises:
        OSError: The file cannot be read.
        ValueError: A checksum, the format or the file's name is wrong.
        KeyError, TypeError: The header lacks a field or has the wrong type.
    """
    with file.open("rb") as stream:
        header = _read_header(stream)
        stream.seek(-stream.tell() % _ALIGNMENT, os.SEEK_CUR)
        checksum = 0
        while piece := stream.read(_AT_ONCE):
            checksum = zlib.crc32(piece, checksum)
    if checksum != header["checksum"]:
        raise ValueError("its checksum is wrong")
    if file.name != file_of(file.parent, header["part"]).name:
        raise ValueError("it has the name of another part")
    return header


def remove_all(folder: Path) -> None:
    """Delete every part, for example after a purge, as they hold words and vectors of removed entries."""
    for file in [file for file in folder.rglob("*") if file.is_file()]:
        failpoints.reach("snapshot:before-removal")
        file.unlink(missing_ok=True)
    if folder.is_dir():
        _sync_folder(folder)


def _write(stream: Any, header: dict[str, Any], arrays: Arrays) -> None:
    packed = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    places: list[tuple[str, str, list[int], int]] = []
    offset = checksum = 0
    for name, array in packed.items():
        if array.dtype.kind not in _KINDS:
            raise TypeError(f"array {name!r} is of {array.dtype}; a snapshot keeps numbers alone")
        places.append((name, array.dtype.str, list(array.shape), offset))
        for piece in _pieces(array):
            checksum = zlib.crc32(piece, checksum)
            offset += len(piece)
    written = json.dumps({**header, "arrays": places, "checksum": checksum}).encode()
    stream.write(
        _MAGIC + len(written).to_bytes(4, "little") + written + zlib.crc32(written).to_bytes(4, "little")
    )
    stream.write(bytes(-stream.tell() % _ALIGNMENT))
    for array in packed.values():
        for piece in _pieces(array):
            stream.write(piece)
        failpoints.reach("snapshot:array-written")


def _pieces(array: npt.NDArray[Any]) -> tuple[bytes | memoryview, bytes]:
    data: bytes | memoryview = array.reshape(-1).view(np.uint8).data if array.size else b""
    return data, bytes(-array.nbytes % _ALIGNMENT)


def _array(
    data: npt.NDArray[np.uint8], start: int, dtype: str, shape: list[int], offset: int
) -> npt.NDArray[Any]:
    kind = np.dtype(dtype)
    if kind.kind not in _KINDS:
        raise ValueError(f"an array is of {dtype}")
    size = kind.itemsize * int(np.prod(shape, dtype=np.int64))
    return data[start + offset : start + offset + size].view(kind).reshape(shape)


def _header_length(beginning: bytes) -> int:
    if len(beginning) < 8 or beginning[:4] != _MAGIC:
        raise ValueError("it is no part of an index")
    return int.from_bytes(beginning[4:8], "little")


def _arrays_start(beginning: bytes) -> int:
    end = 12 + _header_length(beginning)
    return end + -end % _ALIGNMENT


def _clear_away(file: Path) -> None:
    """Delete temporary files of killed processes: those older than `STALE_S`."""
    for left in file.parent.glob(f"{file.stem}.*.tmp"):
        with suppress(FileNotFoundError):
            if left.stat().st_mtime < time.time() - STALE_S:
                left.unlink()


def _sync_folder(folder: Path) -> None:
    """Sync the names in a folder to disk, if the system supports it."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
