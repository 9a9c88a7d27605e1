"""Text in arrays of character codes, such as the `tty_chars` and `message` of NetHack."""

import numpy as np

from embodied_mem.records.arrays import Array

_SPACE = 32
_BLANKS = (0, 9, 10, 13, _SPACE)  # 0 fills what is left of a line
_MIN_SYMBOLS = 3  # a picture in black and two greys has no more


def decoded(codes: Array) -> str:
    """Return the lines of an array of character codes; empty if the numbers are no text.

    Text holds only printable ASCII and blanks, with at least one space and three symbols, and is mostly
    blank; pictures and tables of numbers are not.

    Args:
        codes: (..., width) uint8; each row is a line.
    """
    if codes.dtype != np.uint8 or not codes.ndim:
        return ""
    counts = np.bincount(codes.reshape(-1), minlength=256)
    n_blanks, n_symbols = counts[list(_BLANKS)].sum(), counts[33:127].sum()
    is_text = (
        n_blanks + n_symbols == codes.size
        and counts[_SPACE] > 0
        and np.count_nonzero(counts[33:127]) >= _MIN_SYMBOLS
        and int(counts.argmax()) in (0, _SPACE)
    )
    if not is_text:
        return ""
    rows = codes.reshape(-1, codes.shape[-1])
    lines = [row.tobytes().replace(b"\0", b" ").decode("ascii").rstrip() for row in rows[rows.any(axis=1)]]
    return "\n".join(lines).rstrip()
