"""What goes wrong between the process that steps and the one that writes is counted, said and survived."""

import copy
import os
import signal
import time
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from embodied_mem import MemoryStore
from embodied_mem.errors import StoreError
from embodied_mem.wrappers import record_experience

pytestmark = pytest.mark.slow  # each starts a process, which imports numpy and gymnasium


class TwoPartError(Exception):
    """Can be sent, but not made again from its message alone."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")


def refuse(_: Any) -> bool:
    raise TwoPartError(5, "no verdict")


class OnlyThere:
    """Can be sent and not be received."""

    def __reduce__(self) -> Any:
        return os.listdir, ("/no/such/folder",)


class OnlyHere:
    """Cannot be sent."""

    def __reduce__(self) -> Any:
        raise TypeError("stays here")


class Sized(gym.Env[Any, Any]):
    """Episodes of one step that show so many bytes; 0: what cannot be received, -1: what cannot be sent."""

    action_space = gym.spaces.Discrete(2)
    observation_space = gym.spaces.Box(0, 255, (1,), np.uint8)

    def __init__(self, n_bytes: int) -> None:
        self.n_bytes = n_bytes

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return self._seen(), {}

    def step(self, action: Any) -> Any:
        return self._seen(), 1.0, True, False, {}

    def _seen(self) -> Any:
        if self.n_bytes < 0:
            return OnlyHere()
        return np.zeros(self.n_bytes, np.uint8) if self.n_bytes else OnlyThere()


def recording(store: MemoryStore, env: Any = None, **keywords: Any) -> Any:
    env = env if env is not None else gym.make("CartPole-v1")
    return record_experience(env, store.memory(), in_background=True, **keywords)


def play(env: Any, n_episodes: int) -> None:
    for seed in range(n_episodes):
        env.reset(seed=seed)
        while not any(env.step(1)[2:4]):
            pass


def test_what_ends_after_the_writer_died_is_recorded_by_another(tmp_path: Path) -> None:
    with MemoryStore.open(tmp_path) as store:
        env = recording(store, gym.make_vec("CartPole-v1", num_envs=2))
        env.reset(seed=0)
        os.kill(env._recorder.writer_pid, signal.SIGKILL)
        time.sleep(0.3)
        for _ in range(500):  # resets by itself, so that nobody calls reset
            env.step(np.ones(2, np.int64))
        with pytest.raises(StoreError, match="ended"):
            env.close()
        counts = env.recording_counts
        assert (counts.failed, counts.recorded + counts.empty) == (0, counts.begun)
        assert store.stats().n_experiences == counts.recorded > 40


FAILING = """
import gymnasium as gym, numpy as np
from embodied_mem.wrappers import record_experience

class Failing:
    def record(self, experience):
        raise RuntimeError("x" * 3_000)
    recall = feedback = record

class Pictures(gym.Env):
    observation_space = gym.spaces.Box(0, 255, (32, 32), np.uint8)
    action_space = gym.spaces.Discrete(2)
    def reset(self, *, seed=None, options=None):
        return np.zeros((32, 32), np.uint8), {}
    def step(self, action):
        return np.zeros((32, 32), np.uint8), 1.0, True, False, {}

if __name__ == "__main__":
    env = record_experience(Pictures(), Failing(), in_background=True)
    n_raised = 0
    for _ in range(20_000):
        try:
            env.reset()
        except Exception as error:
            n_raised += "xxx" in str(error)
            env.reset()
        env.step(0)
    try:
        env.close()
    except Exception as error:
        n_raised += "xxx" in str(error)
    print(n_raised > 0, env.recording_counts.failed)
"""


def test_neither_process_waits_for_ever_where_everything_fails_with_long_words(
    run_python: Any, tmp_path: Path
) -> None:
    (tmp_path / "failing.py").write_text(FAILING, encoding="utf-8")
    result = run_python("failing.py", timeout_s=60)
    assert result.stdout == "True 20000\n", result.stderr[-2_000:]


def test_a_copy_writes_by_a_process_of_its_own(tmp_path: Path) -> None:
    with MemoryStore.open(tmp_path / "store") as store:
        env = recording(store, gym.make("CartPole-v1"))
        play(env, 3)
        other = copy.deepcopy(env)
        assert other._recorder.writer_pid is None
        play(env, 3)
        play(other, 2)
        env.close()
        other.close()
        assert (env.recording_counts.recorded, store.stats().n_experiences) == (6, 8)


class Deadly:
    """A memory that ends every process to which it is sent."""

    def __reduce__(self) -> Any:
        return os._exit, (3,)

    def record(self, experience: Any) -> Any:
        raise AssertionError("nobody gets as far")

    recall = feedback = record


def test_a_writer_that_never_writes_is_not_started_for_ever() -> None:
    env = record_experience(gym.make_vec("CartPole-v1", num_envs=2), Deadly(), in_background=True)
    env.reset(seed=0)
    pids = set()
    for _ in range(60):
        time.sleep(0.03)
        for _ in range(20):
            env.step(np.ones(2, np.int64))
        pids.add(env._recorder.writer_pid)
    with pytest.raises(StoreError, match="ended"):
        env.close()
    counts = env.recording_counts
    assert len(pids) <= 3
    assert counts.failed + counts.empty == counts.begun


def test_episodes_that_wait_are_written_where_nobody_calls_close(tmp_path: Path, run_python: Any) -> None:
    script = tmp_path / "loop.py"
    script.write_text(
        f"""
import gymnasium as gym
from embodied_mem import MemoryStore, record_experience
if __name__ == "__main__":
    store = MemoryStore.open({str(tmp_path / "store")!r})
    env = record_experience(gym.make("CartPole-v1"), store.memory(), in_background=True)
    for seed in range(7):
        env.reset(seed=seed)
        while not any(env.step(1)[2:4]):
            pass
""",
        encoding="utf-8",
    )
    assert run_python(str(script)).returncode == 0
    with MemoryStore.open(tmp_path / "store") as store:
        assert store.stats().n_experiences == 7


def test_ctrl_c_while_episodes_are_sent_loses_what_it_counts_and_hangs_nothing(tmp_path: Path) -> None:
    with MemoryStore.open(tmp_path) as store:
        env = recording(store)
        play(env, 1)
        recorder = env._recorder

        class Torn:
            """A line on which half a message goes out before Ctrl-C."""

            def __init__(self, line: Any) -> None:
                self.line = line

            def send_bytes(self, sent: bytes) -> None:
                os.write(self.line.fileno(), len(sent).to_bytes(4, "big") + sent[:50])
                raise KeyboardInterrupt

            def __getattr__(self, name: str) -> Any:
                return getattr(self.line, name)

        recorder._line = Torn(recorder._line)
        with pytest.raises(KeyboardInterrupt):
            play(env, 40)
        with pytest.raises(StoreError, match="had not confirmed may be lost"):
            env.reset()
        play(env, 3)
        env.close()
        counts = env.recording_counts
        assert store.stats().n_experiences + counts.failed + counts.empty >= counts.begun


def test_an_error_that_cannot_be_made_again_is_raised_in_words(tmp_path: Path) -> None:
    with MemoryStore.open(tmp_path) as store:
        env = recording(store, outcome=refuse)
        play(env, 1)
        with pytest.raises(Exception, match="TwoPartError: 5: no verdict"):
            env.close()
        assert env.recording_counts.recorded == 1


def test_an_episode_that_cannot_be_received_is_counted(tmp_path: Path) -> None:
    with MemoryStore.open(tmp_path) as store:
        env = recording(store, Sized(0))
        play(env, 1)
        with pytest.raises(FileNotFoundError):
            env.close()
        counts = env.recording_counts
        assert (counts.failed, counts.recorded) == (1, 0)


def test_a_loss_here_is_still_counted_after_the_other_process_has_counted(tmp_path: Path) -> None:
    with MemoryStore.open(tmp_path) as store:
        env = recording(store, Sized(1))
        play(env, 2)
        env.unwrapped.n_bytes = -1
        env.reset()
        env.step(1)
        env.unwrapped.n_bytes = 1
        with pytest.raises(TypeError, match="stays here"):
            env.close()
        counts = env.recording_counts
        assert (counts.failed, counts.recorded) == (1, 2)


def test_large_observations_do_not_wait_for_others(tmp_path: Path) -> None:
    with MemoryStore.open(tmp_path) as store:
        env = recording(store, Sized(5_000_000))
        play(env, 3)
        assert not env._recorder._waiting
        env.close()
        assert env.recording_counts.recorded == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_writes_nothing_into_its_parents_line(tmp_path: Path) -> None:
    with MemoryStore.open(tmp_path) as store:
        env = recording(store)
        play(env, 5)
        env.reset(seed=5)
        child = os.fork()
        if not child:
            while not any(env.step(1)[2:4]):
                pass
            os._exit(env.recording_counts.failed)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
        while not any(env.step(1)[2:4]):
            pass
        env.close()
        assert env.recording_counts.recorded == store.stats().n_experiences == 6
