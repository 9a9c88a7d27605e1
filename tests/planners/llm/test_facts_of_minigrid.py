"""Facts in the prompt of a real world, MiniGrid."""

from embodied_mem import Agent, Limits
from embodied_mem.envs.minigrid import make_babyai
from embodied_mem.planners.llm.models.scripted import ScriptedModel
from embodied_mem.planners.llm.planner import LLMPlanner


def wander(request):
    """Explore, and where that cannot be done again, work the doors."""
    calls = list(map(str, request.choices.calls()))
    return next(
        call for verb in ("explore", "toggle", "go_to", "") for call in calls if call.startswith(verb)
    )


def test_things_out_of_view_are_told_and_things_in_view_are_not_told_twice():
    model = ScriptedModel(wander)
    planner = LLMPlanner(model, notes={"facts": {}}, k=0)
    Agent(planner=planner, limits=Limits(max_decisions=10)).run_episode(make_babyai("GoTo"), seed=0)
    prompts = [request.prompt.user for request in model.requests]
    assert "Known facts:" not in prompts[0]
    assert any("Known facts:" in prompt for prompt in prompts[1:])
    for prompt in prompts:
        known, view = prompt.split("Seen before:")[0], prompt.rpartition(" Holding ")[2]
        for thing in view.partition("seeing ")[2].split(".")[0].split(", "):
            assert f"{thing} in this place" not in known
