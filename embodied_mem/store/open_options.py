"""`OpenOptions`: the keyword arguments of `MemoryStore.open`, and their checks."""

import time

from embodied_mem.backends.sqlite.backend import SqliteOptions
from embodied_mem.errors import InvalidQuery
from embodied_mem.index.index_options import IndexOptions
from embodied_mem.records.argument_checks import (
    check_clock,
    check_count,
    check_number,
    check_timeout,
    check_type,
)
from embodied_mem.text.synonyms import Synonyms


class OpenOptions(SqliteOptions, total=False):
    """The keyword arguments of `MemoryStore.open`, documented there."""

    read_only: bool
    quota_bytes: int | None


def check_options(options: OpenOptions) -> None:
    """Reject invalid options before a file is created.

    Raises:
        InvalidQuery: An option is unknown or has an invalid value.
    """
    unknown = set(options) - set(OpenOptions.__annotations__)
    if unknown:
        known = ", ".join(OpenOptions.__annotations__)
        raise InvalidQuery(f"a store has no option {', '.join(sorted(unknown))}. Known: {known}.")
    for name in ("read_only", "fsync"):
        check_type(name, options.get(name, False), bool, "True or False")
    check_count("commit_every", options.get("commit_every", 1), at_least=1)
    check_timeout("busy_timeout_s", options.get("busy_timeout_s", 0.0))
    check_clock(options.get("clock", time.time))
    if options.get("synonyms") is not None:
        how = "Synonyms, such as Synonyms.load('words.txt'), or None"
        check_type("synonyms", options["synonyms"], Synonyms, how)
    if "index" in options:
        how = "IndexOptions, such as IndexOptions(compression='never')"
        check_type("index", options["index"], IndexOptions, how)
    if options.get("quota_bytes") is not None:
        check_number("quota_bytes", options["quota_bytes"])
