"""`AskedRole`: what the roles that ask a model share, and what their prompts say of a moment."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from embodied_mem.planners.llm.answers.answer_form import AnswerForm
from embodied_mem.planners.llm.asking import Reply, ask
from embodied_mem.planners.llm.models.images import Show, check_takes_images, images_of, said_of
from embodied_mem.planners.llm.models.language_model import LanguageModel
from embodied_mem.planners.llm.prompts.role_template import Input, load_role_template
from embodied_mem.planners.llm.prompts.situation import Situation
from embodied_mem.records import Experience, Recalled, SkillCall
from embodied_mem.records.decisions import Context
from embodied_mem.records.json_values import JsonObject

Value = TypeVar("Value")


class AskedRole:
    """A role that asks a model.

    Args:
        model: The model.
        template: Path of a `*.toml`; empty: the one that comes with the library.
        images: Whether the pictures of the observation go with the prompt, or a function that gives others in
            their place; only a chat model takes them.
        max_rounds: How often the model may answer anew when its answer cannot be read, >= 0.

    Raises:
        ExperimentError: The template is none, or the model takes no images.
        UnknownName: The template names an input that it does not declare.
    """

    role: ClassVar[str]

    def __init__(
        self, model: LanguageModel, *, template: str = "", images: Show = False, max_rounds: int = 1
    ) -> None:
        check_takes_images(images, model.form)
        self.model, self.images = model, images
        self.template = load_role_template(template or self.role, form=model.form)
        self._max_rounds = max_rounds

    def describe(self) -> JsonObject:
        """Model, template and settings."""
        said: JsonObject = {
            "template": self.template.id,
            "images": said_of(self.images),
            "max_rounds": self._max_rounds,
        }
        return {**self.model.describe(), **said}

    async def _ask(
        self,
        form: AnswerForm[Value],
        inputs: Mapping[str, Input],
        place: str,
        *,
        images: Mapping[str, Any] | None = None,
        examples: Sequence[Recalled] = (),
    ) -> Reply[Value]:
        return await ask(
            self.model,
            self.template,
            form,
            inputs,
            place,
            images=images_of(images or {}, self.images),
            examples=examples,
            max_rounds=self._max_rounds,
        )


def place_of(context: Context) -> str:
    """Where a decision is made: the episode, and the calls before it."""
    return f"{context.episode}#{len(context.history)}"


def inputs_of(context: Context) -> dict[str, Input]:
    """What a prompt may say of the moment of a decision: task, state, last, and facts by their names."""
    return dict(Situation.of(context).texts)


def plan_in_words(plan: Sequence[SkillCall]) -> str:
    """A plan on one line: `take(key); open(door)`."""
    return "; ".join(map(str, plan))


def experience_in_words(experience: Experience) -> str:
    """An experience on one line: the situation, the plan, and what came of it."""
    outcome = experience.outcome
    why = f": {outcome.explanation}" if outcome.explanation else ""
    return f"{experience.state} -> {plan_in_words(experience.plan)} {outcome.status.value}{why}".strip()
