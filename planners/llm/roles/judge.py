"""The role `judge`: whether an episode reached its task; a `Judge`, registered as `llm`."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from embodied_mem.agent.judging import GoalJudge
from embodied_mem.errors import ExperimentError
from embodied_mem.planners.llm.answers.answer_forms import Judgement, Verdict
from embodied_mem.planners.llm.asking import Reply
from embodied_mem.planners.llm.models.assembled import assembled
from embodied_mem.planners.llm.models.language_model import LanguageModel
from embodied_mem.planners.llm.prompts.role_template import Input
from embodied_mem.planners.llm.roles.role import AskedRole
from embodied_mem.records import Outcome, Status
from embodied_mem.records.episodes import Trace
from embodied_mem.records.situations import what_came_of

PlainJudge = GoalJudge  # without a model: the world's own goal check
ENDINGS = {"planner": "ended by the agent", "environment": "ended by the world"}


class ModelJudge(AskedRole):
    """A model's verdict on an episode, from its first and last observation and what came of each call.

    It is not asked where the episode broke or was cancelled, nor where the world checked its goal: the goal
    check holds there. So it does if the model's answer cannot be read; MINDSTORES falls back on the reward.

    Args:
        model: See `AskedRole`, as all below but the last.
        template: Path of a `*.toml`.
        images: Whether the last pictures go with the prompt.
        max_rounds: How often the model may answer anew.
        trust_goal: Whether the world's own goal check holds where it says yes or no; False is for measuring
            how well a model judges.
    """

    role = "judge"

    def __init__(self, model: LanguageModel, *, trust_goal: bool = True, **options: Any) -> None:
        super().__init__(model, **options)
        self._trusts_goal = trust_goal

    async def judge(self, trace: Trace) -> Outcome:
        """Return the outcome, without pictures; its cost is the model's."""
        return await self.judge_with_images(trace, {})

    async def judge_with_images(self, trace: Trace, images: Mapping[str, npt.NDArray[np.uint8]]) -> Outcome:
        """Return the outcome; its cost is the model's.

        Args:
            trace: What happened.
            images: The pictures of the last observation.
        """
        plain = PlainJudge().judge(trace)
        is_settled = self._trusts_goal and trace.goal_reached is not None
        if trace.error or trace.ended_by == "cancelled" or is_settled:
            return plain
        reply = await self._ask(Verdict(), episode_inputs(trace), episode_place(trace), images=images)
        return _outcome(plain, reply, trace)


def make_llm_judge(
    *,
    llm: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    prices: str | None = None,
    budget: Mapping[str, Any] | None = None,
    **options: Any,
) -> ModelJudge:
    """Make a judge from its configuration; registered as `llm`.

    A planner that asks a model lends it to the configuration file `judge/llm.yaml`.

    Args:
        llm: The model; see `assembled`, as the next three.
        folder: Where its calls are logged; None: nowhere.
        prices: Path of a table of prices.
        budget: What its calls may cost.
        options: Keyword arguments of `ModelJudge`.

    Raises:
        ExperimentError: There is no model.
    """
    if llm is None:
        raise ExperimentError(
            "the judge llm asks a model, and the planner has none; add planner=llm, or "
            "judge.options.llm={name: completion, options: {model: ..., base_url: ...}}"
        )
    return ModelJudge(assembled(llm, folder=folder, prices=prices, budget=budget), **options)


def episode_inputs(trace: Trace) -> dict[str, Input]:
    """What a prompt may say of an episode."""
    return {
        "task": trace.task.text,
        "first": trace.first_state,
        "calls": [what_came_of(record) for record in trace.calls],
        "last": trace.last_state,
        "ended": ENDINGS.get(trace.ended_by, f"ended by the limit {trace.ended_by}"),
    }


def episode_place(trace: Trace) -> str:
    """Where an episode is judged: its problem, and the number of calls it took."""
    return f"{trace.task.instance or trace.task.text}#{len(trace.calls)}"


def _outcome(plain: Outcome, reply: Reply[Judgement], trace: Trace) -> Outcome:
    if reply.value is None:
        said = f"the judge's answer cannot be read: {reply.failure}; {plain.explanation}".rstrip("; ")
        return replace(plain, explanation=said, cost=reply.cost)
    lost = Status.TIMEOUT if trace.is_truncated else Status.FAILURE
    status = Status.SUCCESS if reply.value.is_good else lost
    return replace(plain, status=status, explanation=reply.value.reason, cost=reply.cost)
