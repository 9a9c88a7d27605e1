"""Many episodes at once on a server that fails one time in twenty: every episode and call is kept."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import faulty_server
import pytest

from embodied_mem import Agent, MemoryStore
from embodied_mem.agent.answers import run_awaitable
from embodied_mem.planners.llm.models.assembled import assembled
from embodied_mem.planners.llm.models.call_log import FILE
from embodied_mem.planners.llm.planner import LLMPlanner
from embodied_mem.records import Kind, Status
from embodied_mem.records.filters import where
from embodied_mem.testing.key_door import KeyDoorEnv, KeyDoorWorld

pytest.importorskip("langchain_openai")

KINDS = tuple(faulty_server.FAULTS)


@contextmanager
def serving(kinds, counted):
    """A server in another process; `counted` is filled when it ends."""
    command = [sys.executable, str(Path(faulty_server.__file__)), ",".join(kinds)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        yield process.stdout.readline().strip()
        out, _ = process.communicate(timeout=60)
        counted.update(json.loads(out))


def play(url, folder, *, n_episodes, timeout_s, max_steps):
    """Play that many episodes at once, over one model; return them and the memory that has them."""
    options = {"model": "openai:tiny", "base_url": url, "method": "grammar", "timeout_s": timeout_s}
    model = assembled({"name": "chat", "options": {**options, "max_concurrent": 16}}, folder=folder)
    memory = MemoryStore.open(folder / "memory").memory(embedder=None)
    agent = Agent(planner=LLMPlanner(model, k=1), memory=memory)

    async def all_of_them():
        worlds = [KeyDoorWorld(KeyDoorEnv(max_steps=max_steps)) for _ in range(n_episodes)]
        return await asyncio.gather(*(agent.run_episode_async(each, seed=i) for i, each in enumerate(worlds)))

    return run_awaitable(all_of_them()), memory


def check(episodes, memory, logged, counted):
    """Every episode and every call is accounted for; return how the episodes ended."""
    assert len(memory.recall(where=where(kind=Kind.EPISODE.value), k=1_000)) == len(episodes)
    for episode in episodes:
        is_fault = episode.trace.ended_by == "planner_error"
        assert is_fault == episode.trace.error.startswith("ModelError: openai:tiny at http")
        assert not is_fault or episode.outcome.status is Status.TRUNCATED
        assert episode.trace.ended_by in ("environment", "planner", "planner_error")
        if episode.trace.ended_by == "planner":
            assert episode.trace.decisions[-1].reason
    failed = [call for call in logged if call["error"]]
    n_fatal = sum(episode.trace.ended_by == "planner_error" for episode in episodes)
    assert len(failed) == n_fatal
    # Each call is one line of the log, one cost of a decision or one fault, and one answer of the server.
    assert len({call["place"] for call in logged}) == len(logged)
    costs = sum(episode.outcome.cost.get("model_calls", 0) for episode in episodes)
    assert len(logged) == costs + len(failed)
    assert counted["answers"] == len(logged) - len(failed)
    assert counted["requests"] >= len(logged)
    tokens = sum(episode.outcome.cost.get("tokens_in", 0) for episode in episodes)
    assert tokens == 31 * counted["answers"]
    return Counter(episode.outcome.status for episode in episodes)


def lines_of(folder):
    return [json.loads(line) for line in (folder / FILE).read_text("utf-8").splitlines()]


def test_every_episode_and_call_is_accounted_for(tmp_path):
    kinds, counted = ("types", "429", "truncated", "close", "refusal"), Counter()
    with serving(kinds, counted) as url:
        episodes, memory = play(url, tmp_path, n_episodes=24, timeout_s=20, max_steps=12)
    ended = check(episodes, memory, lines_of(tmp_path), counted)
    assert sum(ended.values()) == 24
    assert ended[Status.TRUNCATED] >= 1
    assert all(counted[kind] for kind in kinds), counted


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_a_thousand_calls_with_every_fault_are_accounted_for(tmp_path):
    counted = Counter()
    with serving(KINDS, counted) as url:
        episodes, memory = play(url, tmp_path, n_episodes=120, timeout_s=20, max_steps=24)
    logged = lines_of(tmp_path)
    ended = check(episodes, memory, logged, counted)
    assert len(logged) >= 1_000
    assert sum(ended.values()) == 120
    assert all(counted[kind] for kind in KINDS), counted
    said = "\n".join(call["error"] for call in logged)
    assert "nothing came within 20 s" in said or "imed out" in said
