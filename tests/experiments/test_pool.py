"""The worker processes of a run."""

import os
import signal
import sys

import pytest

from embodied_mem.experiments.pool import WorkerProcess


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is no signal that can be held there")
def test_ctrl_c_while_a_worker_starts_does_not_reach_it(capfd):
    worker = WorkerProcess()
    process = worker._process
    try:
        os.kill(process.pid, signal.SIGINT)  # long before it could have ignored it by itself
        process.stdin.close()  # it then ends itself and what it started
        assert process.wait(timeout=60) == -signal.SIGKILL
    finally:
        process.kill()
        process.stdout.close()
    assert capfd.readouterr().err == ""


def test_ctrl_c_is_held_only_while_a_worker_is_started():
    worker = WorkerProcess()
    try:
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, set())
    finally:
        worker.stop()
