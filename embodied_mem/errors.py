"""The library's exceptions, all under `EmbodiedMemError`."""

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType


class EmbodiedMemError(Exception):
    """Base class of every error that this library raises on purpose."""


class InvalidRecord(EmbodiedMemError, ValueError):
    """A record holds a value that cannot be stored or compared; the message names the field."""


class InvalidEmbedding(InvalidRecord):
    """An embedder gave something else than one row of finite numbers for each input; the message names it."""


class InvalidQuery(EmbodiedMemError, ValueError):
    """A query or filter names an unknown field or holds an unusable value."""


class UnanswerableQuery(InvalidQuery):
    """A memory cannot answer a field of a query or a part of its filter; the message gives the way out."""


class UnknownName(EmbodiedMemError, LookupError):
    """A name is not in a registry, skill list or folder; the message lists the nearest names."""


class MissingExtra(EmbodiedMemError, ImportError):
    """An optional package is not installed; the message gives the install command."""


class StoreError(EmbodiedMemError):
    """A store operation failed: wrong file, closed handle, locked by another process."""


class ConflictingId(StoreError):
    """An id was written twice with different content; the first content is kept."""


class QuotaExceeded(StoreError):
    """Attachments would exceed the quota; nothing was written."""


class DamagedAttachment(StoreError):
    """The content of a file does not match the hash in its name."""


class UnknownSpace(StoreError, ValueError):
    """A vector's space differs from the one the store holds for that field."""


class MemoryModeError(EmbodiedMemError):
    """A write was attempted on a memory in mode `frozen` or `off`."""


class ForkedHandle(EmbodiedMemError):
    """A handle opened in the parent process was used in a forked child; open the path again in the child."""


class EpisodeError(EmbodiedMemError):
    """The agent loop cannot run the episode, for example inside a running event loop."""


class ModelError(EmbodiedMemError):
    """A language model gave no answer: its server cannot be reached, refused the request or timed out.

    Attributes:
        cost: Name -> what earlier answers cost that the same decision was to be made of.
    """

    cost: Mapping[str, float] = MappingProxyType({})


class NotRecorded(ModelError):
    """A recording of a language model's answers holds none to this request; the message says what changed."""


class OverBudget(ModelError):
    """A language model was not asked, because its budget is spent or cannot be kept."""


class ExperimentError(EmbodiedMemError):
    """A run folder, seed range or comparison is invalid."""


def unknown_name(kind: str, name: object, known: Iterable[str]) -> UnknownName:
    """Return an `UnknownName` whose message gives the nearest names and all known ones.

    Args:
        kind: Kind of thing, in the singular ("world", "memory", "skill").
        name: The requested name.
        known: Every accepted name.
    """
    names = sorted(map(str, known))  # str: the repr of an enum member shows its class
    close = difflib.get_close_matches(str(name)[:200], names, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(repr(c) for c in close)}?" if close else ""
    return UnknownName(f"Unknown {kind} {str(name)[:200]!r}.{hint} Known: {', '.join(names) or 'none'}.")
