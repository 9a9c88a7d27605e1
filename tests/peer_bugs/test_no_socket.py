"""Several libraries report to somebody at import or use; here nothing opens a socket, and a hook looks."""

import pytest

HOOK = """
import os, sys
opened = []
sys.addaudithook(lambda event, arguments: opened.append(event) if event.startswith("socket.") else None)
"""

END = """
if opened:
    sys.exit(f"opened {sorted(set(opened))}")
"""

USE = """
from embodied_mem import Experience, MemoryStore, Outcome, where
with MemoryStore.open("store") as store:
    memory = store.memory()
    for n in range(20):
        receipt = memory.record(Experience(id=f"e-{n}", task=f"go to room {n}", state="a door"))
    memory.recall("room 3", k=3, where=where(outcome="unverified"))
    memory.feedback("e-3", helped=True)
    store.stats(), list(store.experiences())
    for name in ("check", "save_index"):
        if hasattr(store, name):
            getattr(store, name)()
    store.export("exported")
    store.branch("branched").close()
    store.merge("branched")
MemoryStore.import_folder("exported", "imported").close()
"""

WRAP = """
import gymnasium
from embodied_mem import MemoryStore, record_experience
with MemoryStore.open("store") as store:
    env = record_experience(gymnasium.make("CartPole-v1"), store.memory())
    env.reset(seed=0)
    for _ in range(60):
        if any(env.step(0)[2:4]):
            env.reset()
    env.close()
"""

COMMAND_LINE = """
import contextlib, io, runpy
from embodied_mem import Experience, MemoryStore
with MemoryStore.open("store") as store:
    store.memory().record(Experience(task="go to the red ball"))
for words in (["--help"], ["memory", "stats", "store"], ["memory", "search", "store", "ball"]):
    sys.argv = ["embodied-mem", *words]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        runpy.run_module("embodied_mem", run_name="__main__")
"""


@pytest.mark.parametrize("use", [USE, WRAP, COMMAND_LINE], ids=["store", "wrapper", "command line"])
def test_no_socket(run_python, use):
    done = run_python("-W", "error", "-c", HOOK + use + END)
    assert done.returncode == 0, done.stderr


def test_the_planted_bug_is_caught(run_python):
    telemetry = "import socket\nsocket.socket(socket.AF_UNIX).close()\n"
    done = run_python("-c", HOOK + telemetry + END)
    assert "opened ['socket.__new__']" in done.stderr
