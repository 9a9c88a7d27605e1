"""Every error a caller can meet, as one tree under `EmbodiedMemError`."""

import difflib
from collections.abc import Iterable


class EmbodiedMemError(Exception):
    """Root of every error this library raises on purpose."""


class InvalidRecord(EmbodiedMemError, ValueError):
    """A record holds a value that no store could keep or compare; the message names the field."""


class InvalidQuery(EmbodiedMemError, ValueError):
    """A query or filter names an unknown field or holds an unusable value."""


class UnknownName(EmbodiedMemError, LookupError):
    """A registry, skill list or folder has nothing of that name; the message lists the nearest ones."""


class MissingExtra(EmbodiedMemError, ImportError):
    """An optional package is not installed; the message is the command that installs it."""


class StoreError(EmbodiedMemError):
    """The store cannot do what was asked: wrong file, closed handle, locked by another process."""


class ConflictingId(StoreError):
    """An id was written twice with different content; the first content is kept."""


class QuotaExceeded(StoreError):
    """Attachments would take more room than they were allowed; nothing was written."""


class DamagedAttachment(StoreError):
    """A file's content is no longer what its name, a hash, says."""


class UnknownSpace(StoreError, ValueError):
    """A vector's space differs from the one the store holds for that field."""


class MemoryModeError(EmbodiedMemError):
    """A write was attempted through a memory opened as `frozen` or `off`."""


class ForkedHandle(EmbodiedMemError):
    """A handle opened in a parent process was used in a forked child; open the path again there."""


class EpisodeError(EmbodiedMemError):
    """The agent loop was asked for something it cannot do, such as running inside a running event loop."""


class ExperimentError(EmbodiedMemError):
    """A run folder, seed range or comparison cannot be used as asked."""


def unknown_name(kind: str, name: object, known: Iterable[str]) -> UnknownName:
    """An `UnknownName` whose message gives the nearest names and all known ones.

    Args:
        kind: What was looked up, in the singular ("world", "memory", "skill").
        name: The name that was asked for.
        known: Every name that would have been accepted.
    """
    names = sorted(map(str, known))  # a member of an enum would be shown with its class
    close = difflib.get_close_matches(str(name)[:200], names, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(repr(c) for c in close)}?" if close else ""
    return UnknownName(f"Unknown {kind} {str(name)[:200]!r}.{hint} Known: {', '.join(names) or 'none'}.")
