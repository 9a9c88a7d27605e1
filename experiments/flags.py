"""The argument parser of the command line: flags are never abbreviated; an unknown one names the nearest."""

import argparse
from collections.abc import Sequence
from typing import Any

from embodied_mem.errors import unknown_name


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` that rejects abbreviated flags; its subparsers are of this class too.

    Attributes:
        advice: Added to the message about an unknown flag.
    """

    advice = ""

    def __init__(self, **options: Any) -> None:  # argparse's own options
        super().__init__(**{"allow_abbrev": False, **options})

    def parse_known_args(  # type: ignore[override]  # argparse's overloads only relate the namespaces
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Parse words; unlike argparse, each parser reports the unknown flags among its own words."""
        found, left_over = super().parse_known_args(args, namespace)
        for word in left_over:
            if word.startswith("-"):
                # argparse keeps the list of a parser's flags private
                known = self._option_string_actions
                error = unknown_name("flag", word.partition("=")[0], known)
                self.error(f"{error}{self.advice}")
        return found, left_over
