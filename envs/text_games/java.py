"""The Java runtime that two engines need, and the end of the processes that they start."""

import shutil
import subprocess
from typing import Any

from embodied_mem.errors import MissingExtra

EXIT_S = 5.0


def require_java(engine: str) -> None:
    """Raise an error that says what to install if there is no `java`.

    Raises:
        MissingExtra: There is none on the path.
    """
    if shutil.which("java") is None:
        raise MissingExtra(
            f"{engine} needs a Java runtime, and there is no java on the path; install one, such as the "
            "package default-jre-headless of Debian and Ubuntu"
        )


def end_jvm(gateway: Any) -> None:
    """End the process behind a py4j gateway, by force if it does not end by itself; twice is allowed."""
    process: subprocess.Popen[bytes] = gateway.java_process
    if process.poll() is None:
        gateway.shutdown()
        _close(process)  # its end of file tells the process to exit
        try:
            process.wait(EXIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    _close(process)


def _close(process: "subprocess.Popen[bytes]") -> None:
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None and not stream.closed:
            stream.close()
