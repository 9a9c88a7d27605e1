"""Parsing of the numbers of records given to benchmark commands."""

import argparse


def parse_sizes(text: str) -> tuple[int, ...]:
    """The numbers of `1000,100_000`, each once and in order.

    Raises:
        ArgumentTypeError: A part is not a number, or is below 100.
    """
    try:
        sizes = tuple(sorted(set(map(int, text.replace("_", "").split(",")))))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: expected numbers such as 1000,10000") from error
    if min(sizes) < 100:
        raise argparse.ArgumentTypeError(f"{text!r}: expected at least 100 records")
    return sizes
