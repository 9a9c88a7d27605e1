import subprocess
import sys

from embodied_mem.isolation.heartbeat import Heartbeat


def test_another_reader_sees_what_is_going_on_and_for_how_long() -> None:
    mine = Heartbeat()
    other = Heartbeat(mine.path)
    mine.unlink()
    assert not mine.path.exists()
    assert other.read() == ("", 0.0, 0)
    mine.begin("step", n_steps=7)
    activity, since_s, n_steps = other.read()
    assert (activity, n_steps) == ("step", 7)
    assert 0 <= since_s < 60
    mine.end(n_steps=8)
    assert other.read() == ("", 0.0, 8)
    other.close()
    mine.close()


WRITER = """
import sys
from embodied_mem.isolation.heartbeat import Heartbeat
beat = Heartbeat(sys.argv[1])
print("ready", flush=True)
while True:
    beat.begin("step", n_steps=1)
    beat.end(n_steps=1)
"""


def test_a_reader_never_sees_a_call_that_began_long_ago() -> None:
    mine = Heartbeat()
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(mine.path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    try:
        writer.stdout.readline()
        assert max(mine.read()[1] for _ in range(300_000)) < 60
    finally:
        writer.kill()
        writer.communicate()
        mine.close()
