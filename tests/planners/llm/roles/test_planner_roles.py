"""What `LLMPlanner` does with roles beside its plan: it predicts, checks, refines, explains, repairs."""

from dataclasses import replace

import numpy as np
import pytest
from key_door_scripts import any_call, right_call

from embodied_mem import Agent, MemoryStore
from embodied_mem.errors import EmbodiedMemError, ExperimentError, InvalidRecord, UnknownName
from embodied_mem.planners import make_planner
from embodied_mem.planners.llm.answers.answer_forms import Judgement
from embodied_mem.planners.llm.asking import Reply
from embodied_mem.planners.llm.models.call_log import LoggedModel
from embodied_mem.planners.llm.models.images import with_points
from embodied_mem.planners.llm.models.recorded import RecordedModel, record
from embodied_mem.planners.llm.models.scripted import ScriptedModel
from embodied_mem.planners.llm.planner import LLMPlanner
from embodied_mem.planners.llm.roles.make_role import make_role
from embodied_mem.records import Experience, Outcome, SkillCall, Status, Task
from embodied_mem.testing import PlannerContract
from embodied_mem.testing.key_door import COLOURS, KeyDoorEnv, KeyDoorWorld

TASK = Task("get to the chest", kind="KeyDoor-v0")
RED = next(seed for seed in range(99) if COLOURS[int(KeyDoorEnv().reset(seed=seed)[0]["door"])] == "red")
OPEN, TAKE = SkillCall("open", {"object": "red door"}), SkillCall("take", {"object": "red key"})
IMAGE = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
ALL = {"describe": "model", "predict": "model", "self_check": "model", "explain": "model", "repair": "model"}


class WorldWithImages(KeyDoorWorld):
    def observe(self, observation, info):
        return replace(super().observe(observation, info), images={"front": IMAGE})


def by_role(request):
    """The answer of a stand-in that fills every role: it plans right, and nothing speaks against that."""
    said = {
        "describe": f"I see this: {request.parts.get('state', '')}",
        "predict": "success: it should",
        "self_check": "ok: all there",
        "explain": "Something is missing.",
        "repair": "take(red key)",
    }
    return said[request.role] if request.role in said else right_call(request)


def play(model, *, memory=None, world=KeyDoorWorld, seed=RED, **options):
    agent = Agent(planner=LLMPlanner(model, **options), memory=memory, mode="frozen")
    return agent.run_episode(world(KeyDoorEnv(max_steps=20)), seed=seed)


def calls_of(episode):
    return [str(record.call) for record in episode.trace.calls]


class TestWithEveryRole(PlannerContract):
    @pytest.fixture
    def planner(self):
        def answer(request):
            return any_call(request) if request.role == "plan" else by_role(request)

        return LLMPlanner(ScriptedModel(answer), **ALL)


class TestWithoutAModelInItsRoles(PlannerContract):
    @pytest.fixture
    def planner(self):
        return LLMPlanner(ScriptedModel(any_call), **dict.fromkeys(ALL, "plain"))


@pytest.fixture
def memory(tmp_path):
    with MemoryStore.open(tmp_path / "store") as store:
        memory = store.memory()
        state = "You hold nothing. The red door is locked."
        lost = Outcome(status=Status.FAILURE, explanation="red door is locked")
        tried = {"kind": "decision", "task": TASK, "state": state, "metadata": {"episode": "failure"}}
        memory.record(Experience(id="tried", plan=(OPEN,), outcome=lost, **tried))
        won = Outcome(status=Status.SUCCESS)
        repair = {"kind": "repair", "task": TASK, "state": "<object> is locked"}
        memory.record(Experience(id="repair", plan=(TAKE,), outcome=won, **repair))
        yield memory


# Predict and check, then refine


def test_a_plan_that_is_predicted_to_fail_is_refined(memory):
    model = ScriptedModel(["open(red door)", "take(red key)", *[""] * 4])
    episode = play(model, memory=memory, only_won=False, predict="plain")
    assert calls_of(episode) == ["take(red key)"]
    first, second = model.requests[:2]
    objection = "open(red door)\n(This may fail: red door is locked)\nAction:"
    assert second.prompt.user == f"{first.prompt.user} {objection}"
    assert second.place == f"{first.place}+"
    assert episode.trace.decisions[0].cost["model_calls"] == 2.0


def test_without_rounds_nothing_is_predicted(memory):
    model = ScriptedModel(["open(red door)", *[""] * 4])
    episode = play(model, memory=memory, only_won=False, predict="plain", refine_rounds=0)
    assert calls_of(episode) == ["open(red door)"]


@pytest.mark.parametrize("second", [["open(red door)"], ["nothing", "at all"]])
def test_a_model_that_has_no_other_plan_keeps_its_own(memory, second):
    model = ScriptedModel(["open(red door)", *second, *[""] * 4])
    episode = play(model, memory=memory, only_won=False, predict="plain", refine_rounds=5)
    assert calls_of(episode)[0] == "open(red door)"
    assert episode.trace.decisions[0].cost["model_calls"] == 1.0 + len(second)


class Objects:
    """A user's own check: it objects to every plan that does not take the red key."""

    def __init__(self):
        self.plans = []

    async def check(self, context, plan):
        self.plans.append(tuple(map(str, plan)))
        return Reply(value=Judgement("take(red key)" in self.plans[-1]), cost={"checks": 1.0})


def test_a_check_of_your_own_is_asked_before_each_plan_is_made():
    checker = Objects()
    model = ScriptedModel(["take(blue key)", "take(green key)", "take(red key)", *[""] * 4])
    planner = LLMPlanner(model, self_check=checker, refine_rounds=3)
    episode = Agent(planner=planner).run_episode(KeyDoorWorld(), seed=RED)
    assert calls_of(episode) == ["take(red key)"]
    assert checker.plans == [("take(blue key)",), ("take(green key)",), ("take(red key)",)]
    assert "(This may fail: no reason is known)" in model.requests[1].prompt.user
    assert episode.trace.decisions[0].cost["checks"] == 3.0
    assert planner.describe()["self_check"] == "Objects"


def test_a_prediction_is_asked_of_the_model_with_what_was_recalled(memory):
    def answer(request):
        if request.role != "predict":
            return "open(red door)" if len(model.requests) == 1 else "take(red key)"
        return "failure: it was locked" if "open(red door)" in request.parts["plan"] else "success: free"

    model = ScriptedModel(answer)
    play(model, memory=memory, only_won=False, predict="model")
    roles = [request.role for request in model.requests]
    assert roles[:3] == ["plan", "predict", "plan"]
    predicting = model.requests[1]
    earlier = "Earlier: You hold nothing. The red door is locked. -> open(red door) failure"
    assert earlier in predicting.prompt.user
    assert [hit.experience.id for hit in predicting.examples] == ["tried"]
    assert "(This may fail: it was locked)" in model.requests[2].prompt.user


def test_of_a_check_and_a_prediction_the_check_comes_first_and_saves_the_other():
    said = {"self_check": "missing: a key", "predict": "success: yes"}
    model = ScriptedModel(lambda request: said.get(request.role) or any_call(request))
    play(model, predict="model", self_check="model")
    assert "predict" not in {request.role for request in model.requests}
    assert "(This may fail: a key)" in model.requests[2].prompt.user


# Explain and repair


def test_a_failure_is_explained_to_the_next_plan():
    first = ["open(red door)"]

    def answer(request):
        return (
            "No key is held." if request.role == "explain" else (first and first.pop()) or right_call(request)
        )

    model = ScriptedModel(answer)
    episode = play(model, explain="model")
    assert episode.outcome.is_success
    plan, explain, anew = model.requests[:3]
    assert (plan.role, explain.role, anew.role) == ("plan", "explain", "plan")
    assert "Last: open(red door) failed: red door is locked. No key is held." in anew.prompt.user
    assert [each.role for each in model.requests].count("explain") == 1


def test_a_reason_that_is_told_already_is_not_told_twice():
    first = ["open(red door)"]
    model = ScriptedModel(lambda request: (first and first.pop()) or right_call(request))
    play(model, explain="plain")
    assert model.requests[1].prompt.user.count("failed: red door is locked.\nAction:") == 1


def test_a_recalled_repair_is_made_without_asking_the_model(memory):
    first = ["open(red door)"]
    model = ScriptedModel(lambda request: (first and first.pop()) or right_call(request))
    episode = play(model, memory=memory, k=0, repair="plain")
    assert calls_of(episode) == ["open(red door)", "take(red key)", "open(red door)", "go_to(chest)"]
    assert len(model.requests) == 3
    repaired = episode.trace.decisions[1]
    assert (repaired.shown, repaired.cost, repaired.trigger) == (("repair",), {}, "failure")


def test_where_no_repair_is_known_the_model_plans():
    first = ["open(red door)"]
    model = ScriptedModel(lambda request: (first and first.pop()) or right_call(request))
    assert play(model, repair="plain").outcome.is_success
    assert len(model.requests) == 4


def test_a_repair_is_asked_of_the_model_with_the_explanation(memory):
    first = ["open(red door)"]

    def answer(request):
        if request.role == "plan":
            return (first and first.pop()) or right_call(request)
        return by_role(request)

    model = ScriptedModel(answer)
    episode = play(model, memory=memory, explain="model", repair="model")
    assert calls_of(episode) == ["open(red door)", "take(red key)", "open(red door)", "go_to(chest)"]
    repair = next(request for request in model.requests if request.role == "repair")
    assert "Reason: Something is missing." in repair.prompt.user
    assert "Repair that worked earlier: red door is locked -> take(red key)" in repair.prompt.user
    assert episode.trace.decisions[1].cost["model_calls"] == 2.0
    assert episode.trace.decisions[1].reason == "take(red key)"


# Describe, images


def test_a_description_stands_for_the_state_in_the_prompt():
    model = ScriptedModel(by_role)
    assert play(model, describe="model").outcome.is_success
    assert [request.role for request in model.requests] == ["describe", "plan"] * 3
    assert "I see this: You hold nothing." in model.requests[1].prompt.user
    plain = ScriptedModel(right_call)
    play(plain, describe="plain")
    without = ScriptedModel(right_call)
    play(without)
    assert [each.prompt for each in plain.requests] == [each.prompt for each in without.requests]


def test_images_go_with_the_prompts_of_plan_and_describe():
    model = ScriptedModel(by_role, form="chat")
    play(model, world=WorldWithImages, images=True, describe="model", predict="model")
    shown = {request.role: len(request.images) for request in model.requests}
    assert shown == {"plan": 1, "describe": 1, "predict": 0}
    np.testing.assert_array_equal(model.requests[0].images[0].pixels, IMAGE)
    unasked = ScriptedModel(by_role, form="chat")
    play(unasked, world=WorldWithImages)
    assert not any(request.images for request in unasked.requests)
    with pytest.raises(ExperimentError, match="images go to a chat model only"):
        LLMPlanner(ScriptedModel([]), images=True)


def test_numbered_points_may_be_drawn_on_what_the_model_sees():
    pytest.importorskip("PIL")

    def numbered(images):
        return {name: with_points(image, [(1, 1), (3, 0)]) for name, image in images.items()}

    model = ScriptedModel(by_role, form="chat")
    planner = LLMPlanner(model, images=numbered)
    Agent(planner=planner).run_episode(WorldWithImages(), seed=RED)
    [shown] = model.requests[0].images
    np.testing.assert_array_equal(shown.pixels, with_points(IMAGE, [(1, 1), (3, 0)]))
    assert planner.describe()["images"] == "numbered"


def test_lessons_of_a_reflector_reach_the_next_episode(tmp_path):
    """The loop of Reflexion: play, lose, reflect, and play again with what was learnt."""

    def answer(request):
        return {"summarise": "Take the red key first.", "plan": "open(red door)"}[request.role]

    model = ScriptedModel(answer)
    with MemoryStore.open(tmp_path / "store") as store:
        planner = LLMPlanner(model, k=0, notes={"lessons": {}}, max_per_episode=1)
        agent = Agent(
            planner=planner, memory=store.memory(), reflector=make_role("summarise", "model", model)
        )
        agent.run_episode(KeyDoorWorld(), seed=RED)
        agent.run_episode(KeyDoorWorld(), seed=RED)
    asked = [request for request in model.requests if request.role == "plan"]
    assert "Take the red key first." not in asked[0].prompt.user
    assert "Take the red key first." in asked[1].prompt.user


def test_a_purge_of_an_episode_takes_its_lesson_along(tmp_path):
    with MemoryStore.open(tmp_path / "store") as store:
        planner = LLMPlanner(ScriptedModel(["open(red door)"]), k=0, max_per_episode=1)
        agent = Agent(planner=planner, memory=store.memory(), reflector=make_role("summarise"))
        episode = agent.run_episode(KeyDoorWorld(), seed=RED)
        assert [each.kind for each in store.experiences()] == ["episode", "lesson"]
        store.purge([episode.recorded[0]])
        assert list(store.experiences()) == []


def test_a_model_finds_the_facts_that_a_prompt_tells():
    seen = ["red key; fits; red door"]  # at first, and never again

    def answer(request):
        if request.role == "extract":
            return seen.pop() if seen else "none"
        return right_call(request)

    model = ScriptedModel(answer)
    episode = play(model, k=0, extract="model", notes={"facts": {}})
    assert episode.outcome.is_success
    told = [request.prompt.user for request in model.requests if request.role == "plan"]
    assert "red key fits red door" in told[-1]
    assert {request.role for request in model.requests} == {"plan", "extract"}
    with pytest.raises(InvalidRecord, match=r"add notes=\{facts: \{\}\}"):
        LLMPlanner(model, extract="model")


# Settings, recordings


def test_a_planner_says_which_roles_it_has_and_no_others():
    assert not {*ALL, "refine_rounds", "images"} & set(LLMPlanner(ScriptedModel([])).describe())
    said = LLMPlanner(ScriptedModel([]), predict="model", explain="plain").describe()
    assert {name: said[name] for name in ("predict", "explain", "refine_rounds")} == {
        "predict": "model",
        "explain": "plain",
        "refine_rounds": 1,
    }


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"predict": "magic"}, UnknownName, "way to fill the role predict 'magic'"),
        ({"refine_rounds": -1}, InvalidRecord, "refine_rounds is -1"),
        ({"refine_rounds": True}, InvalidRecord, "refine_rounds is True"),
    ],
)
def test_settings_that_do_not_fit_are_refused(options, error, said):
    with pytest.raises(error, match=said):
        LLMPlanner(ScriptedModel([]), **options)


def test_an_unknown_option_is_refused():
    with pytest.raises((EmbodiedMemError, TypeError), match="predikt"):
        make_planner("llm", llm={"name": "copy"}, predikt="model")


def test_a_run_with_every_role_plays_again_from_its_recording(tmp_path, memory):
    first = ["open(red door)"]

    def answer(request):
        return (request.role == "plan" and first and first.pop()) or by_role(request)

    options = {"memory": memory, "only_won": False, **ALL}
    logged = play(LoggedModel(ScriptedModel(answer), tmp_path), **options)
    assert logged.outcome.is_success
    record([tmp_path], tmp_path / "answers.jsonl.gz", form="completion")
    again = play(RecordedModel(tmp_path / "answers.jsonl.gz"), **options)
    assert again.outcome == logged.outcome
    assert calls_of(again) == calls_of(logged)
