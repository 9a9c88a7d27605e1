"""Runs a server until it ends, until it is told to stop, or until the process that started it is gone.

    python -I guard.py PARENT_PID GRACE_S PROGRAM [ARGUMENT ...]

A program of its own, started by its path, of the standard library alone: it is there within milliseconds. We
do not use PR_SET_PDEATHSIG, which only Linux has and which ends the server when the *thread* that started it
ends; nor a pipe, which a forked child of the caller would hold open. POSIX only: on Windows a process keeps
the number of its parent, and SIGTERM cannot be passed on.
"""

import os
import signal
import subprocess
import sys
import time
from types import FrameType

POLL_S = 0.1


def main(arguments: list[str]) -> int:
    """Run the server; on the way out SIGTERM, and SIGKILL if it is still there after the grace time.

    Returns:
        The exit status of the server; 128 + N if signal N ended it.
    """
    parent, grace_s, command = int(arguments[0]), float(arguments[1]), arguments[2:]
    told_to_stop: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        told_to_stop.append(number)

    signal.signal(signal.SIGTERM, note)
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    # A process whose parent is gone gets another one.
    while server.poll() is None and not told_to_stop and os.getppid() == parent:
        time.sleep(POLL_S)
    status = end(server, grace_s)
    return status if status >= 0 else 128 - status


def end(server: "subprocess.Popen[bytes]", grace_s: float) -> int:
    """End the server and return its exit status."""
    server.terminate()
    try:
        return server.wait(grace_s)
    except subprocess.TimeoutExpired:
        server.kill()
        return server.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
