"""`PlanQuestion`: the prompt of a plan, packed anew each time it is put to the model."""

from dataclasses import dataclass, replace

from embodied_mem.planners.llm.answers.answer_form import AnswerForm
from embodied_mem.planners.llm.models.images import PromptImage
from embodied_mem.planners.llm.models.language_model import Request
from embodied_mem.planners.llm.prompts.packing import Packer, PromptParts
from embodied_mem.planners.llm.prompts.question import Tail
from embodied_mem.planners.llm.prompts.template import Template
from embodied_mem.records import SkillCall


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanQuestion:
    """Asks for the next calls; a `Question`.

    Attributes:
        template: The template of the prompt.
        packer: Leaves out what does not fit.
        choices: The calls that can be chosen.
        parts: What the prompt is made of.
        place: Where it is asked: episode and decision.
        images: Pictures that go with it.
    """

    template: Template
    packer: Packer
    choices: AnswerForm[tuple[SkillCall, ...]]
    parts: PromptParts
    place: str
    images: tuple[PromptImage, ...] = ()

    async def __call__(self, tail: Tail) -> Request:
        """Return the request, with the tail behind the situation.

        Raises:
            PromptTooLong: What must be in the prompt does not fit.
            ModelError: The server did not count its tokens.
        """
        packed = await self.packer.pack(replace(self.parts, tail=tail))
        return Request(
            role=self.template.role,
            template=self.template.id,
            prompt=packed.prompt,
            choices=self.choices,
            examples=packed.parts.examples,
            images=self.images,
            parts=self._told(packed.parts),
            place=self.place + "+" * len(tail),
            shown=packed.parts.ids,
            tokens_memory=packed.tokens_memory,
        )

    def _told(self, parts: PromptParts) -> dict[str, str]:
        """Input -> text; which of them changed tells a recording what it lacks."""
        template = self.template
        used = {name: text for name, text in parts.situation.texts.items() if name in template.inputs}
        notes = {note.heading.lower(): template.note(note) for note in parts.notes}
        examples = "\n".join(template.example(hit.experience) for hit in parts.examples)
        said = {"skills": parts.skills, "examples": examples, "order": " ".join(template.order)}
        return {**used, **notes, **said}
