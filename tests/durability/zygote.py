"""A process that has everything imported and forks children on demand, so that a kill costs milliseconds.

A handle on a store is refused after a fork; these children open the store themselves, as any process does.
"""

import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROLES = "tests.durability.children"
POLL_S = 0.002


class Zygote:
    """Starts children by the name of a function in `children.py`; ended with `close`.

    Args:
        environment: Environment variables of the children.
        folder: Where what they print is kept.
    """

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self._output = folder / "zygote-output"
        paths = os.pathsep.join([str(ROOT), environment.get("PYTHONPATH", "")])
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.durability.zygote"],
                cwd=ROOT,
                env={**environment, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
            )

    def start(self, role: str, **arguments: object) -> int:
        """The process id of a new child that does this."""
        return int(self._ask({"role": role, "arguments": arguments}))

    def wait(self, pid: int, *, timeout_s: float = 60.0) -> int:
        """Its exit code, or minus the signal that ended it."""
        status = int(self._ask({"wait": pid, "timeout_s": timeout_s}))
        return os.waitstatus_to_exitcode(status)

    def run(self, role: str, *, timeout_s: float = 60.0, **arguments: object) -> int:
        """Start a child and wait for its end; the same as `wait` gives back."""
        return self.wait(self.start(role, **arguments), timeout_s=timeout_s)

    def output(self) -> str:
        """What children printed, which in a good run is nothing."""
        return self._output.read_text(errors="replace")

    def close(self) -> None:
        """End the zygote; children that are still there go on."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()

    def _ask(self, request: object) -> str:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        assert answer, f"the zygote has ended: {self.output()[-3000:]}"
        assert not answer.startswith("late"), f"a child did not end in time: {self.output()[-3000:]}"
        return answer


def main() -> None:
    """Answer requests until there are no more."""
    import_module(ROLES).warm_up()
    for line in sys.stdin:
        request = json.loads(line)
        if "role" in request:
            pid = os.fork()
            if not pid:
                _live(request["role"], request["arguments"])
            print(pid, flush=True)
        else:
            print(_status(request["wait"], request["timeout_s"]), flush=True)


def _live(role: str, arguments: Mapping[str, object]) -> None:
    """Be a child: `name` of a function in `children.py`, or `module:name`."""
    status = 1
    try:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(2, 1)  # the answers of the zygote are none of a child's business
        module, _, name = role.rpartition(":")
        getattr(import_module(module or ROLES), name)(**arguments)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _status(pid: int, timeout_s: float) -> str:
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return str(status)
        time.sleep(POLL_S)
    return "late"


if __name__ == "__main__":
    main()
