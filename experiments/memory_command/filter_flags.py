"""The flags that select experiences, shared by several actions, and the filter that they give."""

import argparse
import json
from typing import TYPE_CHECKING

from embodied_mem.errors import InvalidQuery, unknown_name

if TYPE_CHECKING:
    from embodied_mem.records.filters import Scalar, Where

SCOPES = ("agent", "world", "place", "person", "run")


def add_filter(action: argparse.ArgumentParser) -> None:
    """Add the flags; an experience must match all flags given."""
    flags = action.add_argument_group("which experiences; all flags given must match")
    flags.add_argument("--kind", help="only this kind, such as repair")
    flags.add_argument("--outcome", help="only this outcome, such as failure")
    for name in SCOPES:
        flags.add_argument(f"--{name}", help=f"only this {name}")
    flags.add_argument("--before", type=float, metavar="S", help="only before this time (Unix seconds)")
    flags.add_argument("--after", type=float, metavar="S", help="only at this time or later (Unix seconds)")
    flags.add_argument(
        "--metadata",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="only this value, such as floor=2; write a text that looks like a number as '\"2\"'; may be "
        "given several times",
    )


def where_of(options: argparse.Namespace) -> "Where":
    """The filter of the flags given; without flags, `EVERYTHING`.

    Raises:
        InvalidQuery: A flag is empty or invalid.
        UnknownName: The outcome is unknown.
    """
    from embodied_mem.records import Status
    from embodied_mem.records.filters import EVERYTHING, Between, Equals, all_of

    paths = {"kind": "kind", "outcome": "outcome.status", **{name: f"scope.{name}" for name in SCOPES}}
    given = {name: getattr(options, name) for name in paths if getattr(options, name) is not None}
    for name, value in given.items():
        if not value:
            raise InvalidQuery(f"--{name} is empty; give a value, or leave the flag out")
    if given.get("outcome", Status.SUCCESS) not in tuple(Status):
        raise unknown_name("outcome", given["outcome"], Status)
    has_times = options.after is not None or options.before is not None
    return all_of(
        *(Equals(paths[name], value) for name, value in given.items()),
        Between("happened_at_s", options.after, options.before) if has_times else EVERYTHING,
        *(Equals(f"metadata.{name}", value) for name, value in map(_named_value, options.metadata)),
    )


def _named_value(text: str) -> "tuple[str, Scalar]":
    name, sign, value = text.partition("=")
    if not sign:
        raise InvalidQuery(f"--metadata is {text!r}; expected NAME=VALUE, such as floor=2")
    try:
        parsed = json.loads(value)
    except ValueError:
        return name, value
    return name, value if isinstance(parsed, list | dict) else parsed
