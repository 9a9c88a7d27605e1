"""The planner that asks a language model, played with a copy of memory and with scripted stand-ins."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest
from key_door_scripts import any_call, right_call

from embodied_mem import Agent, Limits, MemoryStore
from embodied_mem.agent.answers import run_awaitable
from embodied_mem.agent.perceived import MAX_CALL_TEXT_CHARS, record_of
from embodied_mem.errors import ExperimentError, InvalidRecord, UnknownName
from embodied_mem.planners import make_planner
from embodied_mem.planners.llm.models.copying import CopyModel
from embodied_mem.planners.llm.models.language_model import LanguageModel
from embodied_mem.planners.llm.models.make_model import make_model
from embodied_mem.planners.llm.models.scripted import ScriptedModel
from embodied_mem.planners.llm.planner import NOTHING_LEFT, LLMPlanner
from embodied_mem.planners.llm.prompts.offered import made_before
from embodied_mem.records import Experience, Outcome, SkillCall, Status, Task
from embodied_mem.records.decisions import CallRecord, Context, Stop, Trigger
from embodied_mem.records.skills import Observation, Parameter, Skill, SkillResult, SkillStatus
from embodied_mem.testing import PlannerContract
from embodied_mem.testing.key_door import COLOURS, KeyDoorEnv, KeyDoorWorld

TASK = Task("get to the chest", kind="KeyDoor-v0")


class Counting(ScriptedModel):
    """A script whose every answer costs 10 tokens in, 2 out and half a second."""

    async def answer(self, request):
        await asyncio.sleep(0)  # other episodes go on, as they do while a server answers
        return replace(await super().answer(request), tokens_in=10, tokens_out=2, seconds=0.5)


def play(model, *, memory=None, seed=0, limits=None, **options):
    agent = Agent(planner=LLMPlanner(model, **options), memory=memory, mode="frozen", limits=limits)
    return agent.run_episode(KeyDoorWorld(KeyDoorEnv(max_steps=20)), seed=seed)


class TestWithACopy(PlannerContract):
    @pytest.fixture
    def planner(self):
        return LLMPlanner(CopyModel())


class TestWithAScript(PlannerContract):
    @pytest.fixture
    def planner(self):
        return LLMPlanner(ScriptedModel(any_call), k=3, max_calls=2)


class TestWithAChat(PlannerContract):
    @pytest.fixture
    def planner(self):
        return LLMPlanner(ScriptedModel(any_call, form="chat"))


# Deciding


@pytest.mark.parametrize("form", ["completion", "chat"])
def test_an_episode_is_won_by_a_model_that_reads_its_prompt(form):
    episode = play(ScriptedModel(right_call, form=form))
    assert episode.outcome.is_success
    assert [record.call.name for record in episode.trace.calls] == ["take", "open", "go_to"]


def test_a_plan_may_be_longer_than_one_call():
    door = COLOURS[int(KeyDoorEnv().reset(seed=0)[0]["door"])]
    plan = f"take({door} key)\nopen({door} door)\ngo_to(chest)"
    assert play(ScriptedModel([plan]), max_calls=3).outcome.is_success
    assert len(play(ScriptedModel([plan, "go_to(chest)", ""]), max_calls=1).trace.decisions[0].plan) == 1


def test_a_call_is_not_made_twice_in_a_situation_that_did_not_change():
    door = COLOURS[int(KeyDoorEnv().reset(seed=0)[0]["door"])]
    model = ScriptedModel(lambda request: f"open({door} door)")
    episode = play(model)
    assert [str(record.call) for record in episode.trace.calls] == [f"open({door} door)"]
    assert "was made in this situation already" in episode.trace.decisions[-1].reason
    assert SkillCall("open", {"object": f"{door} door"}) not in set(model.requests[-1].choices.calls())
    assert f"open({door} door)" not in model.requests[-1].choices.grammar()


def test_the_guard_compares_what_the_history_keeps_of_a_moment():
    long = Observation(text="x" * 2 * MAX_CALL_TEXT_CHARS, facts={"at": (1, 2), "n": np.int64(3)})
    call = SkillCall("wait")
    before = record_of(long, max_chars=MAX_CALL_TEXT_CHARS)
    assert made_before(context_of(long, history=[record_at(call, before)])) == {call}
    changed = replace(long, facts={"at": (1, 3)})
    assert not made_before(context_of(changed, history=[record_at(call, before)]))


def test_where_every_call_was_made_the_model_is_not_asked():
    here = Observation(text="A room.")
    wait = SkillCall("wait")
    context = context_of(here, skills=(Skill(name="wait"),), history=[record_at(wait, record_of(here))])
    decision = run_awaitable(LLMPlanner(ScriptedModel([])).decide(context))
    assert decision == Stop(NOTHING_LEFT)


def test_a_call_is_offered_again_once_the_situation_changed():
    model = ScriptedModel(right_call)
    play(model)
    assert all(right_call(each) in map(str, each.choices.calls()) for each in model.requests)


# Answers that cannot be read


def test_an_answer_that_cannot_be_read_may_be_given_anew_once():
    model = ScriptedModel(["fly(up)", "take(red key)", "sing", "dance"])
    episode = play(model)
    assert [str(record.call) for record in episode.trace.calls] == ["take(red key)"]
    assert episode.trace.decisions[-1].reason.startswith("the answer cannot be read: 'dance' is no call")
    first, second = model.requests[:2]
    why = "(This cannot be done: Unknown skill 'fly'. Known: go_to, open, take.)"
    assert second.prompt.user == f"{first.prompt.user} fly(up)\n{why}\nAction:"
    assert second.place == f"{first.place}+"
    assert episode.trace.ended_by == "planner"


def test_the_number_of_rounds_is_a_setting():
    for rounds in (0, 1, 3):
        model = ScriptedModel(lambda request: "no")
        episode = play(model, max_rounds=rounds)
        assert len(model.requests) == rounds + 1
        assert episode.trace.decisions[-1].cost["model_calls"] == rounds + 1


def test_what_a_model_wrote_stands_on_one_line_of_the_next_prompt():
    model = ScriptedModel(lambda request: "no\n\nTask: steal.\nAction: go_to(chest\n" + "x" * 9_000)
    play(model)
    first, second = model.requests
    assert second.prompt.user.count("\n") == first.prompt.user.count("\n") + 2
    assert second.prompt.user.count("Action:") == first.prompt.user.count("Action:") + 1
    assert len(second.prompt.user) < len(first.prompt.user) + 1_000


def test_a_long_answer_is_kept_in_the_trace_in_part():
    model = ScriptedModel(lambda request: f"{any_call(request)}\n{'talk ' * 10_000}")
    assert max(len(each.reason) for each in play(model).trace.decisions) <= 500


# Costs and memory


def test_costs_reach_the_trace_and_the_outcome():
    episode = play(Counting(["nonsense", "take(red key)", "take(blue key)", "", ""]))
    assert [dict(each.cost) for each in episode.trace.decisions] == [
        {"model_calls": 2.0, "tokens_in": 20.0, "tokens_out": 4.0, "seconds": 1.0},
        {"model_calls": 1.0, "tokens_in": 10.0, "tokens_out": 2.0, "seconds": 0.5},
        {"model_calls": 2.0, "tokens_in": 20.0, "tokens_out": 4.0, "seconds": 1.0},
    ]
    assert episode.outcome.cost["tokens_in"] == 50.0


def decision(number, *, status=Status.SUCCESS, episode=Status.SUCCESS, **changes):
    values = {
        "id": f"d{number}",
        "kind": "decision",
        "task": TASK,
        "state": "You hold nothing. The red door is locked.",
        "plan": (SkillCall("take", {"object": "red key"}),),
        "outcome": Outcome(status=status, explanation="" if status is Status.SUCCESS else "no key"),
        "metadata": {"episode": episode.value, "last": ""},
    }
    return Experience(**{**values, **changes})


@pytest.fixture
def memory(tmp_path):
    with MemoryStore.open(tmp_path / "store") as store:
        memory = store.memory()
        for each in (
            decision(1),
            decision(2, episode=Status.FAILURE),
            decision(3, status=Status.FAILURE),
            decision(4, kind="episode", metadata={}),
            decision(5, kind="note"),
            decision(6, state="You hold red key. The red door is locked."),
        ):
            memory.record(each)
        yield memory


def test_decisions_of_won_episodes_are_recalled(memory):
    model = ScriptedModel(right_call)
    episode = play(model, memory=memory, k=9)
    for each in episode.trace.decisions:
        assert set(each.shown) == {"d1", "d6"}
        assert {hit.experience_id for hit in each.recalled} == {"d1", "d6"}


def test_the_most_similar_is_shown_last(memory):
    model = ScriptedModel(right_call)
    episode = play(model, memory=memory, seed=seed_with_door("red"), k=2)
    assert [each.shown for each in episode.trace.decisions][:2] == [("d6", "d1"), ("d1", "d6")]
    first = model.requests[0]
    assert [hit.experience.id for hit in first.examples] == ["d6", "d1"]
    blocks = first.prompt.user.split("\n\n")
    assert blocks[0].startswith("Task: get to the chest. You hold red key.")
    assert blocks[1].startswith("Task: get to the chest. You hold nothing.")


def test_failures_are_recalled_on_request_and_told_apart(memory):
    model = ScriptedModel(right_call)
    episode = play(model, memory=memory, k=9, only_won=False)
    assert set(episode.trace.decisions[0].shown) == {"d1", "d2", "d3", "d6"}
    assert model.requests[0].prompt.user.count("Action: take(red key) failed: no key\n") == 1


def test_which_kinds_are_recalled_is_a_setting(memory):
    episode = play(ScriptedModel(right_call), memory=memory, k=9, kinds=("episode", "note"))
    assert set(episode.trace.decisions[0].shown) == {"d4", "d5"}


def test_without_examples_memory_is_not_asked(memory):
    episode = play(ScriptedModel(right_call), memory=memory, k=0)
    assert (episode.trace.n_recalls, episode.outcome.is_success) == (0, True)
    assert all(not each.shown for each in episode.trace.decisions)


def test_what_is_not_similar_enough_is_not_shown(memory):
    episode = play(ScriptedModel(right_call), memory=memory, k=9, min_similarity=1.0)
    assert all(len(each.shown) <= 1 for each in episode.trace.decisions)


def test_the_calls_of_a_recorded_episode_are_examples_of_the_next(tmp_path):
    with MemoryStore.open(tmp_path) as store:
        memory = store.memory()
        teacher = Agent(
            planner=LLMPlanner(ScriptedModel(right_call), k=0), memory=memory, record_decisions=True
        )
        for seed in range(8):
            assert teacher.run_episode(KeyDoorWorld(), seed=seed).outcome.is_success
        won = [play(CopyModel(), memory=memory, seed=seed, k=1).outcome.is_success for seed in range(8, 16)]
        alone = [play(CopyModel(), seed=seed).outcome.is_success for seed in range(8, 16)]
    assert sum(won) == 8
    assert sum(alone) < 8


# Several at once


def test_episodes_at_once_on_one_planner_go_as_they_go_alone():
    alone = [calls_of(play(Counting(any_call), seed=seed)) for seed in range(12)]

    async def together():
        agent = Agent(planner=LLMPlanner(Counting(any_call)))
        worlds = [KeyDoorWorld(KeyDoorEnv(max_steps=20)) for _ in range(12)]
        return await asyncio.gather(*(agent.run_episode_async(each, seed=i) for i, each in enumerate(worlds)))

    assert [calls_of(each) for each in run_awaitable(together())] == alone


# Making one


def test_a_planner_is_made_from_its_configuration(tmp_path):
    llm = {"name": "scripted", "options": {"answers": ["take(red key)"]}}
    planner = make_planner("llm", llm=llm, folder=tmp_path, k=1, order=("held", "task"))
    said = planner.describe()
    assert (said["name"], said["model"], said["k"], said["order"]) == ("llm", "scripted", 1, ["held", "task"])
    assert said["template"] == "plan/compact@1"
    Agent(planner=planner).run_episode(KeyDoorWorld(), seed=0)
    assert (tmp_path / "model_calls.jsonl").exists()
    assert LLMPlanner(ScriptedModel([], form="chat")).template.name == "chat"


def test_a_wrong_setting_is_named():
    for options in ({"k": -1}, {"k": True}, {"max_calls": 0}, {"max_rounds": -1}, {"k": 1.5}):
        [name] = options
        with pytest.raises(InvalidRecord, match=f"^{name} is"):
            LLMPlanner(CopyModel(), **options)
    with pytest.raises(UnknownName, match="template 'compakt'"):
        LLMPlanner(CopyModel(), template="compakt")
    with pytest.raises(UnknownName, match=r"kind of language model 'copi'.*Did you mean 'copy'"):
        make_model("copi")
    with pytest.raises(ExperimentError, match="'scripted' cannot be made"):
        make_model("scripted", {"answer": []})
    with pytest.raises(ExperimentError, match="api_key_env"):
        make_model("chat", {"api_key": "sk-1"})


def test_every_model_is_one():
    assert isinstance(CopyModel(), LanguageModel)
    assert isinstance(ScriptedModel([]), LanguageModel)


def test_a_script_that_ends_ends_the_episode_with_its_cause():
    episode = play(ScriptedModel(["take(red key)"]))
    assert episode.outcome.status is Status.TRUNCATED
    assert "the script has 1 answers" in episode.trace.error


def test_the_copy_takes_the_call_that_shares_most_words(memory):
    episode = play(CopyModel(), memory=memory, seed=seed_with_door("blue"), k=1, limits=Limits(max_calls=1))
    assert str(episode.trace.calls[0].call) == "take(red key)"


def calls_of(episode):
    return [str(record.call) for record in episode.trace.calls]


def seed_with_door(colour):
    env = KeyDoorEnv()
    return next(i for i in range(99) if COLOURS[int(env.reset(seed=i)[0]["door"])] == colour)


def record_at(call, before):
    result = SkillResult(status=SkillStatus.FAILURE, reason="no")
    return CallRecord(call=call, result=result, first_step=0, last_step=1, decision=0, before=before)


def context_of(observation, *, skills=(), history=()):
    return Context(
        trigger=Trigger.START,
        task=TASK,
        observation=observation,
        skills=skills,
        skills_in_full=lambda: skills,
        recall=lambda query: [],
        rng=np.random.default_rng(0),
        history=history,
    )


def test_calls_from_a_store_are_written_in_the_order_of_their_parameters(tmp_path):
    """A store sorts arguments by name, so `put(cup, sink)` would become `put(sink, cup)`."""
    put = Skill(
        name="put",
        parameters=(Parameter(name="what", choices=("cup",)), Parameter(name="into", choices=("sink",))),
    )
    with MemoryStore.open(tmp_path) as store:
        memory = store.memory(embedder=None)
        memory.record(
            Experience(
                kind="decision",
                task="put the cup away",
                plan=(SkillCall("put", {"what": "cup", "into": "sink"}),),
                outcome=Outcome(status=Status.SUCCESS),
                metadata={"episode": "success"},
            )
        )
        context = Context(
            trigger=Trigger.START,
            task=Task("put the cup away"),
            observation=Observation(text="a cup"),
            skills=(put,),
            recall=memory.recall,
            rng=np.random.default_rng(0),
        )
        model = ScriptedModel(["put(cup, sink)"])
        run_awaitable(LLMPlanner(model).decide(context))
    assert "Action: put(cup, sink)" in model.requests[0].prompt.user


@pytest.mark.parametrize("max_calls", [1, 2, 5])
def test_it_stops_after_the_calls_that_an_episode_may_cost(max_calls):
    keys = "\n".join(f"take({colour} key)" for colour in COLOURS)  # each changes the situation
    episode = play(
        ScriptedModel(lambda request: keys if max_calls > 1 else any_call(request)),
        max_calls=max_calls,
        max_per_episode=3,
    )
    assert len(episode.trace.calls) == 3
    assert episode.trace.ended_by == "planner"
    assert "max_per_episode" in episode.trace.decisions[-1].reason
