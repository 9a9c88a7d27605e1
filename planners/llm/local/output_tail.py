"""The last lines that a process wrote."""

import threading
from collections import deque
from typing import IO

KEPT_LINES = 40
LONGEST_LINE = 2_000


class OutputTail:
    """Reads what a process writes, so that it never waits for a reader, and keeps the last lines.

    Args:
        stream: Its output, in bytes; read to its end by a thread.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def text(self, wait_s: float = 0.0) -> str:
        """The last lines, each indented; `wait_s` is how long to wait for the end of the output."""
        self._thread.join(wait_s)
        return "\n".join(f"    {line}" for line in tuple(self._lines)) or "    (it wrote nothing)"

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            while line := stream.readline(LONGEST_LINE):
                self._lines.append(line.decode("utf-8", "replace").rstrip())
