"""Numbers of records as the benchmark commands are given them."""

import argparse


def parse_sizes(text: str) -> tuple[int, ...]:
    """The numbers of `1000,100_000`, each once and in order.

    Raises:
        ArgumentTypeError: One is no number, or below 100.
    """
    try:
        sizes = tuple(sorted(set(map(int, text.replace("_", "").split(",")))))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: expected numbers such as 1000,10000") from error
    if min(sizes) < 100:
        raise argparse.ArgumentTypeError(f"{text!r}: expected at least 100 records")
    return sizes
