"""What the loop makes of a world or a planner that breaks its contract."""

import asyncio
import contextlib
from typing import Any

import numpy as np
import pytest

from embodied_mem.agent import Agent, Limits
from embodied_mem.errors import EpisodeError, InvalidRecord
from embodied_mem.records import SkillCall, Status
from embodied_mem.records.decisions import Act, Ask, Stop
from embodied_mem.records.episodes import Episode
from embodied_mem.records.skills import Observation, SkillResult, SkillStatus
from embodied_mem.store import MemoryStore
from embodied_mem.testing.key_door import KeyDoorEnv, KeyDoorWorld

GO = SkillCall("go_to", {"object": "chest"})


class Planner:
    """Decides by a function."""

    def __init__(self, decide: Any) -> None:
        self.decide = decide

    def describe(self) -> Any:
        return {"name": "test"}


class Turning:
    """A call that never ends by itself."""

    is_cancelled = False

    def advance(self, observation: Observation) -> Any:
        return np.int64(0)

    def cancel(self) -> Any:
        self.is_cancelled = True
        return SkillResult(status=SkillStatus.CANCELLED)


def broken(*_: Any, **__: Any) -> Any:
    raise OSError("cable \udcff out")


def world_with(**methods: Any) -> KeyDoorWorld:
    world: KeyDoorWorld = type("Odd", (KeyDoorWorld,), methods)()
    return world


def stepping(change: Any) -> KeyDoorWorld:
    """A world whose environment's steps are changed."""

    class Odd(KeyDoorEnv):
        def step(self, action: Any) -> Any:
            return change(*super().step(action))

    return KeyDoorWorld(Odd())


def play(decide: Any, world: Any = None, **settings: Any) -> Episode:
    return Agent(planner=Planner(decide), **settings).run_episode(world or KeyDoorWorld(), seed=0)


def go(context: Any) -> Act:
    return Act(plan=(GO,))


def go_and_review(context: Any) -> Act:
    return Act(plan=(GO,), review_after_steps=1)


def observe_until_broken(self: Any, raw: Any, info: Any) -> Observation:
    self.n_observed = getattr(self, "n_observed", 0) + 1
    return broken() if self.n_observed > 2 else KeyDoorWorld.observe(self, raw, info)


def with_execution(**methods: Any) -> KeyDoorWorld:
    return world_with(start=lambda self, call: type("Odd", (Turning,), methods)())


@pytest.mark.parametrize(
    ("world", "decide"),
    [
        (lambda: with_execution(advance=broken), go),
        (lambda: with_execution(cancel=broken), go_and_review),
        (lambda: world_with(observe=observe_until_broken), go),
        (lambda: world_with(start=broken), go),
        (lambda: world_with(skills=broken), go),
    ],
    ids=["advance", "cancel", "observe", "start", "skills"],
)
def test_a_world_that_raises_is_a_recorded_truncated_episode(world, decide, tmp_path):
    with MemoryStore.open(tmp_path) as store:
        episode = play(decide, world(), memory=store.memory())
        assert len(list(store.experiences())) == 1
    assert episode.trace.ended_by == "error"
    assert episode.trace.error == "OSError: cable \ufffd out"
    assert episode.outcome.status is Status.TRUNCATED


def test_a_cancel_that_gives_no_result_is_an_error_of_the_world():
    episode = play(go_and_review, with_execution(cancel=lambda self: None))
    assert episode.trace.error == "EpisodeError: cancel() gave None; expected a SkillResult"


def test_what_a_world_raises_after_the_end_costs_no_success():
    key = SkillCall("take", {"object": "red key"})
    win = stepping(lambda raw, reward, over, cut, info: (raw, 1.0, True, cut, {"reached": True}))
    win.start = lambda call: type("Odd", (Turning,), {"cancel": broken})()  # type: ignore[method-assign]
    episode = play(lambda context: Act(plan=(key,)), win)
    assert episode.outcome.status is Status.SUCCESS


def test_a_goal_check_that_raises_confirms_nothing():
    assert play(go, world_with(goal_reached=broken)).trace.goal_reached is None


def without_reset() -> KeyDoorWorld:
    world = KeyDoorWorld()
    world.env.reset = broken  # type: ignore[method-assign]
    return world


@pytest.mark.parametrize(
    "make",
    [without_reset, lambda: world_with(begin=broken), lambda: world_with(observe=broken)],
    ids=["reset", "begin", "observe"],
)
def test_a_world_that_is_dead_at_reset_is_a_recorded_truncated_episode(make, tmp_path):
    with MemoryStore.open(tmp_path) as store:
        episode = play(go, make(), memory=store.memory())
        assert [each.outcome.status for each in store.experiences()] == [Status.TRUNCATED]
    assert (episode.trace.ended_by, episode.trace.steps) == ("reset_error", 0)
    assert episode.trace.error == "OSError: cable \ufffd out"


def test_a_world_that_is_dead_at_reset_is_restarted():
    def restart(self: Any) -> None:
        del self.env.reset

    world = world_with(restart=restart)
    world.env.reset = broken  # type: ignore[method-assign]
    episode = play(go, world)
    assert (episode.trace.ended_by, episode.trace.error) == ("environment", "")


def test_a_world_that_does_not_come_back_is_restarted_once():
    restarts = []
    world = world_with(restart=lambda self: restarts.append(self), begin=broken)
    assert play(go, world).trace.ended_by == "reset_error"
    assert len(restarts) == 1


def test_a_skill_that_never_ends_is_ended_by_the_default_limits(monkeypatch):
    assert Limits().max_steps is not None
    world = KeyDoorWorld(KeyDoorEnv(max_steps=10**9))
    monkeypatch.setattr(world, "start", lambda call: Turning())
    episode = play(go, world)
    assert episode.trace.ended_by == "max_steps"


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_the_running_call_is_cancelled_when_the_planner_raises(error):
    running = Turning()

    def decide(context):
        if context.trigger == "start":
            return go_and_review(context)
        raise error

    expected = pytest.raises(error) if error is KeyboardInterrupt else contextlib.nullcontext()
    with expected:
        play(decide, world_with(start=lambda self, call: running))
    assert running.is_cancelled


def test_the_running_call_is_cancelled_when_the_episode_is():
    running = Turning()

    async def decide(context):
        if context.trigger != "start":
            await asyncio.sleep(60)
        return go_and_review(context)

    async def cancel_soon():
        agent = Agent(planner=Planner(decide))
        world = world_with(start=lambda self, call: running)
        task = asyncio.create_task(agent.run_episode_async(world, seed=0))
        for _ in range(10):
            await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel_soon())
    assert running.is_cancelled


def test_a_reward_in_an_array_counts():
    episode = play(go, stepping(lambda raw, _, over, cut, info: (raw, np.ones((1,)), over, cut, info)))
    assert episode.trace.reward == episode.trace.steps


@pytest.mark.parametrize("reward", [None, np.ones(2), 10**400, "much"])
def test_a_reward_that_is_no_number_is_left_out_and_located(reward):
    episode = play(go, stepping(lambda raw, _, over, cut, info: (raw, reward, over, cut, info)))
    assert episode.outcome.reward is None
    assert episode.trace.info["first_non_finite_reward_at_step"] == 0


def test_rewards_that_overflow_in_sum_give_no_reward():
    episode = play(go, stepping(lambda raw, _, over, cut, info: (raw, 1e308, over, cut, info)))
    assert episode.outcome.reward is None


def test_large_info_is_named_and_not_copied():
    large = {"reached": False, "image": np.zeros((100, 100))}
    episode = play(go, stepping(lambda raw, reward, over, cut, info: (raw, reward, over, cut, large)))
    assert episode.trace.info == {"reached": False, "left_out": ["image"]}


def test_lone_surrogates_of_a_world_do_not_cost_the_record(tmp_path):
    class Garbled(KeyDoorWorld):
        def observe(self, observation, info):
            return Observation(text=super().observe(observation, info).text + "\ud800", raw=observation)

        def end_of(self, call):
            return SkillResult(status=SkillStatus.FAILURE, reason="no \ud800", obstacle="\ud800")

    with MemoryStore.open(tmp_path) as store:
        play(go, Garbled(), memory=store.memory())
        (experience,) = store.experiences()
    assert experience.state.endswith("\ufffd")
    assert experience.outcome.explanation.endswith("no \ufffd")


def test_a_planner_cannot_rewrite_history():
    histories: list[Any] = []

    def decide(context):
        histories.append(context.history)
        return go(context)

    play(decide)
    assert [len(history) for history in histories] == list(range(len(histories)))
    assert not any(hasattr(history, "append") for history in histories)
    with pytest.raises(TypeError):
        histories[-1][0] = None


def test_endless_questions_are_limited():
    episode = play(lambda context: Ask("what now?"), answer=lambda question, observation: "go on")
    assert episode.trace.ended_by == "max_decisions"


@pytest.mark.parametrize(
    "call", [GO, SkillCall("go_to", {"object": "chest"}, count=10**9)], ids=["many", "counted"]
)
def test_an_enormous_plan_is_limited(call):
    world = KeyDoorWorld(KeyDoorEnv(max_steps=10**9))
    world.end_of = lambda call: SkillResult(status=SkillStatus.SUCCESS)  # type: ignore[method-assign]
    plan = (call,) * (10_000 if call.count == 1 else 1)
    episode = play(lambda context: Act(plan=plan), world)
    assert (episode.trace.ended_by, len(episode.trace.calls)) == ("max_calls", Limits().max_calls)


def test_what_is_no_query_is_the_planners_error():
    trace = play(lambda context: context.recall("red ball")).trace
    assert trace.ended_by == "planner_error"
    assert trace.error == "InvalidQuery: recall got str; expected a Query"


def test_a_description_that_is_no_mapping_is_refused_before_anything_is_played():
    world = KeyDoorWorld()
    planner = Planner(lambda context: Stop("done"))
    planner.describe = lambda: None  # type: ignore[method-assign]
    with pytest.raises(InvalidRecord, match=r"planner\.describe\(\) is NoneType"):
        Agent(planner=planner).run_episode(world, seed=0)
    assert world.state == {}


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"planner": "case_based"}, "planner is str"), ({"memory": "memories/lab"}, "memory is str")],
)
def test_an_agent_of_the_wrong_parts_is_refused(settings, message):
    with pytest.raises(EpisodeError, match=message):
        Agent(**{"planner": Planner(go), **settings})


def test_a_cancelled_call_takes_its_stop_action():
    class Driving(Turning):
        def stop_action(self) -> Any:
            return np.int64(4)

    taken: list[int] = []
    world = world_with(start=lambda self, call: Driving())
    step = world.env.step

    def noted(action: Any) -> Any:
        taken.append(int(action))
        return step(action)

    world.env.step = noted  # type: ignore[method-assign]
    decisions = [go_and_review, go_and_review, lambda context: Stop("far enough")]
    episode = play(lambda context: decisions.pop(0)(context), world)
    assert taken == [0, 4, 0, 4]  # also where the planner ends the episode
    assert [call.last_step for call in episode.trace.calls] == [2, 4]
    assert episode.trace.ended_by == "planner"
