"""What the readers of foreign files share: an entry that was read or skipped, and checked access to JSON."""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from embodied_mem.errors import InvalidRecord, StoreError
from embodied_mem.records.experience import Experience, Status


@dataclass(frozen=True, slots=True)
class Read:
    """An entry of a foreign file as an experience.

    Attributes:
        place: Where it was: a file, and an entry in it.
        experience: What it says; its id is given by the import.
    """

    place: str
    experience: Experience


@dataclass(frozen=True, slots=True)
class Skipped:
    """An entry that gives no experience.

    Attributes:
        place: Where it is: a file, and an entry in it.
        why: What was expected, or why there is nothing to import.
        is_malformed: Whether the entry is not as the system writes it.
    """

    place: str
    why: str
    is_malformed: bool = True


STATUSES = {
    **dict.fromkeys(("success", "succeeded"), Status.SUCCESS),
    **dict.fromkeys(("failure", "failed", "fail"), Status.FAILURE),
}

Entry: TypeAlias = Read | Skipped
Reader: TypeAlias = Callable[[Path], Iterator[Entry]]


def converted(
    entries: Iterable[tuple[str, Any]], convert: Callable[[Any], Iterable[Experience]]
) -> Iterator[Entry]:
    """Convert entries, each on its own: one that is malformed costs none of the others.

    Args:
        entries: Place and content of each.
        convert: Returns the experiences of one entry, or raises `InvalidRecord`.
    """
    for place, entry in entries:
        try:
            experiences = list(convert(entry))
        except InvalidRecord as error:
            yield Skipped(place, str(error))
            continue
        if not experiences:
            yield Skipped(place, "holds nothing to keep", is_malformed=False)
        yield from (Read(place, experience) for experience in experiences)


def text_file(path: Path) -> str:
    """Return the text of a file.

    Raises:
        StoreError: It cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} cannot be read as text: {error}") from error


def json_file(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        StoreError: It cannot be read, or is not JSON.
    """
    try:
        return json.loads(text_file(path))
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path} is not JSON: {error}; give the file as the system wrote it") from error


def files_in(path: Path, pattern: str) -> list[Path]:
    """Return the file itself, or the files in a folder, at any depth, in the order of their names.

    Raises:
        StoreError: There is no such file.
    """
    if path.is_file():
        return [path]
    found = sorted(each for each in path.rglob(pattern) if each.is_file())
    if not found:
        raise StoreError(f"{path} is no file, and no folder that holds {pattern}")
    return found


def items_of(path: Path) -> list[tuple[str, Any]]:
    """Return place and content of each item of a JSON list in a file.

    Raises:
        StoreError: The file holds no list.
    """
    content = json_file(path)
    if not isinstance(content, list):
        raise StoreError(f"{path} holds {type(content).__name__}; expected a list")
    return [(f"{path.name}[{number}]", item) for number, item in enumerate(content)]


def mapping(value: Any, name: str = "the entry") -> Mapping[str, Any]:
    """Return a JSON object.

    Raises:
        InvalidRecord: It is none.
    """
    if not isinstance(value, dict):
        raise InvalidRecord(f"{name} is {type(value).__name__}; expected an object with fields")
    return value


def text(entry: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """Return a text field; `default` if it is absent.

    Raises:
        InvalidRecord: It is no text, or absent without a default.
    """
    value = entry.get(name, default)
    if not isinstance(value, str):
        given = "missing" if name not in entry else type(value).__name__
        raise InvalidRecord(f"{name} is {given}; expected a text")
    return value


def listed(entry: Mapping[str, Any], name: str) -> list[Any]:
    """Return a list field.

    Raises:
        InvalidRecord: It is no list.
    """
    value = entry.get(name)
    if not isinstance(value, list):
        given = "missing" if name not in entry else type(value).__name__
        raise InvalidRecord(f"{name} is {given}; expected a list")
    return value


def is_number(value: Any) -> bool:
    """Return whether a JSON value is a finite number of at most 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -(2**63) <= value < 2**63 if isinstance(value, int) else math.isfinite(value)


def status_of(value: Any) -> Status:
    """Return the status that a file names; `unverified` if it names none.

    Raises:
        InvalidRecord: It is another word than success or failure.
    """
    if value is None:
        return Status.UNVERIFIED
    if not isinstance(value, str) or value not in STATUSES:
        raise InvalidRecord(f"status is {value!r}; expected success or failure")
    return STATUSES[value]


def time_of(written: str, form: str) -> float:
    """Return a written time as seconds since the Unix epoch; no zone is written, so it is read as UTC.

    Raises:
        InvalidRecord: It is not of this form.
    """
    try:
        return datetime.strptime(written, form).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError) as error:
        raise InvalidRecord(f"time is {written[:50]!r}; expected the form {form}") from error
