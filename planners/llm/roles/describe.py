"""The role `describe`: an observation in words."""

from typing import Protocol

from embodied_mem.planners.llm.answers.answer_forms import FreeText
from embodied_mem.planners.llm.asking import Reply
from embodied_mem.planners.llm.roles.role import AskedRole, inputs_of, place_of
from embodied_mem.records.decisions import Context

SCENE_TOKENS = 300  # of the known surroundings that a prompt shows


class Describer(Protocol):
    """Puts what is perceived into words."""

    async def describe_scene(self, context: Context) -> Reply[str]:
        """Return the description."""
        ...


class PlainDescriber:
    """Without a model: the observation's own text."""

    async def describe_scene(self, context: Context) -> Reply[str]:
        """Return the text of the observation."""
        return Reply(value=context.observation.text)


class ModelDescriber(AskedRole):
    """A model's description, of text and images; the observation's own text if its answer cannot be read.

    ExpTeach (2507.16713) retrieves by such a text, its `scenario`.
    """

    role = "describe"

    async def describe_scene(self, context: Context) -> Reply[str]:
        """Return the description; at most 400 characters."""
        inputs = {**inputs_of(context), "scene": context.scene(SCENE_TOKENS).text}
        seen = context.observation
        reply = await self._ask(FreeText(max_chars=400), inputs, place_of(context), images=seen.images)
        return reply.otherwise(seen.text)
