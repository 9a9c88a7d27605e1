"""Work in the background: its result, its end, its failures."""

import logging
import threading

import pytest

from embodied_mem.index.training import BackgroundWork


def test_the_result_is_there_once_it_is_done():
    go = threading.Event()
    work = BackgroundWork("waiting", lambda check: go.wait() and 42)
    assert not work.is_done
    assert work.result() is None
    go.set()
    work.wait()
    assert work.is_done
    assert work.result() == 42


def test_stopping_ends_it_at_its_next_check():
    def forever(check):
        while True:
            check()

    work = BackgroundWork("endless", forever)
    work.stop()
    assert work.is_done
    assert work.error is None
    assert work.result() is None


def test_a_failure_is_logged_and_kept(caplog):
    def fail(check):
        raise ValueError("no such luck")

    with caplog.at_level(logging.ERROR):
        work = BackgroundWork("failing", fail)
        work.wait()
    assert isinstance(work.error, ValueError)
    assert "failing failed" in caplog.text


@pytest.mark.skipif("sys.platform != 'linux'", reason="priorities of single threads are of Linux")
def test_only_the_worker_gets_the_lowest_priority():
    import os

    before = os.getpriority(os.PRIO_PROCESS, 0)
    work = BackgroundWork("asking", lambda check: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    work.wait()
    assert work.result() == 19
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
