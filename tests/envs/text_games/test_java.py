"""What is said without Java, and the end of a process that does not want to end (a stand-in for a JVM)."""

import subprocess
import sys

import pytest

from embodied_mem.envs.text_games import java
from embodied_mem.errors import MissingExtra


class _Gateway:
    """A stand-in for py4j's gateway: a process that ignores its end of file."""

    def __init__(self):
        self.java_process = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(60)"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def shutdown(self):
        pass


def test_without_java_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingExtra, match=r"ScienceWorld needs a Java runtime.*default-jre-headless"):
        java.require_java("ScienceWorld")


def test_a_process_that_does_not_end_is_killed(monkeypatch):
    monkeypatch.setattr(java, "EXIT_S", 0.1)
    gateway = _Gateway()
    java.end_jvm(gateway)
    assert gateway.java_process.returncode is not None
    java.end_jvm(gateway)
