"""`Manifest`: the contents of an exported folder, with the hash of each file."""

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Self

from embodied_mem.errors import StoreError
from embodied_mem.records.spaces import Metric, Space

FORMAT = "embodied-mem-export"
FORMAT_VERSION = 1
MANIFEST_FILE = "manifest.json"
ENTRIES_FILE = "experiences.jsonl"
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorFile:
    """The vectors of one field.

    Attributes:
        field: The field.
        space: The space of the vectors.
        file: Path of the file in the folder.
        count: Number of rows.
    """

    field: str
    space: Space
    file: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The contents of an exported folder.

    Attributes:
        schema: Version of its documents (`embodied_mem.records.codec.DOCUMENT_VERSION`).
        library: Version of the library that wrote it.
        created_at_s: Time of the export, seconds since the Unix epoch.
        counts: Kind of entry -> number of entries.
        vectors: The vectors of each field.
        missing_attachments: Digests of files that entries name and the store did not hold.
        files: Path in the folder -> SHA-256 in hex, of every file except the manifest.
        format_version: Version of the folder's layout.
    """

    schema: int
    library: str
    created_at_s: float
    counts: Mapping[str, int]
    vectors: tuple[VectorFile, ...]
    missing_attachments: tuple[str, ...]
    files: Mapping[str, str]
    format_version: int = FORMAT_VERSION

    def write(self, folder: Path) -> None:
        """Write the manifest into a folder."""
        document = {"format": FORMAT, **dataclasses.asdict(self)}
        text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)
        (folder / MANIFEST_FILE).write_text(f"{text}\n", "utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the manifest of an exported folder.

        Raises:
            StoreError: It is missing, damaged, or was written by a newer version.
        """
        path = folder / MANIFEST_FILE
        try:
            document = json.loads(path.read_text("utf-8"))
            if document.get("format") != FORMAT:
                raise StoreError(f"{path} is not the manifest of an export; give a folder from `export`")
            _check_version(path, document)
            return cls(**_values(document))
        except FileNotFoundError:
            raise StoreError(
                f"{folder} has no {MANIFEST_FILE}; give a folder made by `embodied-mem memory export`"
            ) from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreError(f"{path} is damaged: {error}; export the store again") from error

    def verify(self, folder: Path) -> None:
        """Compare every file with its checksum.

        Raises:
            StoreError: A file is missing or has changed; the message names the first one.
        """
        for name, expected in self.files.items():
            path = folder / safe_name(name, folder)
            if not path.is_file():
                raise StoreError(f"{path} is missing; copy the exported folder again, nothing was imported")
            found = sha256_of(path)
            if found != expected:
                raise StoreError(
                    f"{path} is damaged: SHA-256 is {found}, the manifest says {expected}; copy the exported "
                    "folder again, nothing was imported"
                )


def safe_name(name: str, folder: Path) -> str:
    """Return the name if it stays within the folder.

    Raises:
        StoreError: It leads elsewhere; an untrusted folder must not make us read other files.
    """
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or ":" in name:
        raise StoreError(f"{folder / MANIFEST_FILE} names {name!r}, which is not a file within the folder")
    return name


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in lower-case hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def files_below(folder: Path) -> Iterator[str]:
    """Paths of the files below a folder except the manifest, sorted, with `/` on every system."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != MANIFEST_FILE:
            yield name


def _check_version(path: Path, document: Mapping[str, Any]) -> None:
    version = document["format_version"]
    if not isinstance(version, int) or not 1 <= version <= FORMAT_VERSION:
        raise StoreError(
            f"{path} has format {version!r}; this version of the library reads 1 to {FORMAT_VERSION}. "
            "Upgrade embodied-mem to import it."
        )


def _values(document: Mapping[str, Any]) -> dict[str, Any]:
    names = [field.name for field in dataclasses.fields(Manifest)]
    values = {name: document[name] for name in names}
    values["vectors"] = tuple(_vector_file(item) for item in values["vectors"])
    values["missing_attachments"] = tuple(values["missing_attachments"])
    return values


def _vector_file(item: Mapping[str, Any]) -> VectorFile:
    space = Space(**{**item["space"], "metric": Metric(item["space"]["metric"])})
    return VectorFile(field=str(item["field"]), space=space, file=str(item["file"]), count=int(item["count"]))
