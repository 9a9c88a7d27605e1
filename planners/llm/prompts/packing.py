"""`Packer`: a prompt of what fits into a budget of tokens, the least important left out first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from embodied_mem.planners.llm.models.prompt import Prompt
from embodied_mem.planners.llm.models.token_counting import TokenCounter
from embodied_mem.planners.llm.notes.note import Note
from embodied_mem.planners.llm.prompts.question import PromptTooLong, Tail
from embodied_mem.planners.llm.prompts.situation import SCENE, TASK, Situation
from embodied_mem.planners.llm.prompts.template import Template
from embodied_mem.records import Recalled
from embodied_mem.records.json_values import JsonObject

CUT = "[...]"  # where a text was shortened
LEFT_OUT = "[left out]"
MAX_COUNTED = 256  # prompts whose count is kept
MIN_FIELD_CHARS = 40  # of a field that is shortened
# What a chat's server writes around two messages and before the answer, at most: SmolLM2's template takes 14
# tokens, and 30 where there is no instruction, because it then writes one of its own.
TOKENS_AROUND_A_CHAT = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptParts:
    """What a prompt is made of.

    Attributes:
        situation: Task, state, last call and scene of the moment.
        examples: Recalled experiences to show as worked examples, the most similar last.
        notes: What is told before the examples; of each note the most important line is the last.
        skills: The calls that can be made, in words.
        tail: What follows the situation: earlier answers, and what speaks against each.
    """

    situation: Situation
    examples: tuple[Recalled, ...] = ()
    notes: tuple[Note, ...] = ()
    skills: str = ""
    tail: Tail = ()

    @property
    def without_memory(self) -> "PromptParts":
        """The same without what was recalled; notes of the episode itself stay."""
        own = tuple(note for note in self.notes if not any(note.shown))
        return replace(self, examples=(), notes=own)

    @property
    def has_memory(self) -> bool:
        """Whether anything of it was recalled."""
        return bool(self.ids)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of what was recalled: that of the notes, then the examples."""
        of_notes = (each for note in self.notes for each in note.shown if each)
        return tuple(dict.fromkeys((*of_notes, *(hit.experience.id for hit in self.examples))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A prompt with what it was made of.

    Attributes:
        prompt: The prompt.
        parts: Those of the parts that are in it, as they are in it.
        tokens: Its tokens as counted; None without a budget.
        tokens_memory: Those of them that what was recalled takes.
    """

    prompt: Prompt
    parts: PromptParts
    tokens: int | None = None
    tokens_memory: int | None = None


class Packer:
    """Makes prompts that are never longer than a budget.

    The newest is always in: the task whole, and the situation. What does not fit is left out in this order:
    the skills, lines of notes (the first of each first), examples (the least similar first), the scene; then
    the fields of the situation are shortened, which `[...]` marks. An example is in or out as a whole.

    Args:
        template: What prompts are made by.
        counter: Counts their tokens.
        max_tokens: Most tokens of a prompt, >= 1; None: nothing is counted or left out.
    """

    def __init__(self, template: Template, counter: TokenCounter, max_tokens: int | None = None) -> None:
        self.counter, self.max_tokens = counter, max_tokens
        self._template = template
        self._counted: dict[str, int] = {}

    def describe(self) -> JsonObject:
        """The budget and how it is counted; empty without one."""
        if self.max_tokens is None:
            return {}
        return {"max_prompt_tokens": self.max_tokens, "tokens": self.counter.name}

    async def pack(self, parts: PromptParts) -> Packed:
        """Return the prompt with as much of the parts as fits.

        Raises:
            PromptTooLong: Not even the task and the shortened situation fit.
            ModelError: The server did not count.
        """
        if self.max_tokens is None:
            return Packed(prompt=_Texts(self._template, parts).prompt(parts), parts=parts)
        return await _Packing(self, self._template, parts, self.max_tokens).packed(parts)

    async def count(self, text: str) -> int:
        """The tokens of a text; a server needs milliseconds, so the last counts are kept."""
        n = self._counted.get(text)
        if n is None:
            n = await self.counter.count(text)
            if len(self._counted) >= MAX_COUNTED:
                self._counted.clear()
            self._counted[text] = n
        return n


class _Texts:
    """The recalled parts as text, made once: packing tries many prompts of the same examples."""

    def __init__(self, template: Template, parts: PromptParts) -> None:
        self._template = template
        self._examples = {hit.experience.id: template.example(hit.experience) for hit in parts.examples}

    def prompt(self, parts: PromptParts) -> Prompt:
        """The prompt of these parts, some of which may be left out."""
        examples = [self._examples[hit.experience.id] for hit in parts.examples]
        blocks = [*map(self._template.note, parts.notes), *examples]
        made = self._template.prompt_of(parts.situation, blocks, skills=parts.skills)
        return replace(made, user=made.user + "".join(parts.tail)) if parts.tail else made


class _Packing:
    """The packing of one prompt."""

    def __init__(self, packer: Packer, template: Template, parts: PromptParts, max_tokens: int) -> None:
        self._packer, self._max_tokens, self._texts = packer, max_tokens, _Texts(template, parts)
        self._n_around = TOKENS_AROUND_A_CHAT if template.form == "chat" else 0

    async def packed(self, parts: PromptParts) -> Packed:
        """The prompt of as much of the parts as fits."""
        parts = await self._fitting(parts)
        tokens = await self._tokens(parts)
        without = await self._tokens(parts.without_memory) if parts.has_memory else tokens
        return Packed(
            prompt=self._texts.prompt(parts),
            parts=parts,
            tokens=tokens,
            tokens_memory=max(0, tokens - without),
        )

    async def _fitting(self, parts: PromptParts) -> PromptParts:
        if await self._fits(parts):
            return parts
        for shrink, n_most in _STEPS:
            found = await self._largest(partial(shrink, parts), n_most(parts))
            if found is not None:
                return found
            parts = shrink(parts, 0)
        least = await self._tokens(parts)
        raise PromptTooLong(
            f"task and situation take {least} tokens with nothing else beside them, and max_prompt_tokens is "
            f"{self._max_tokens}; raise it"
        )

    async def _largest(self, make: Callable[[int], PromptParts], n_most: int) -> PromptParts | None:
        """The last of `make(0)`, `make(1)`, ... before `make(n_most)` that fits; None if not even the first.

        It doubles first: the prompts it counts are at most about twice the budget, however long a history.
        """
        if n_most < 1 or not await self._fits(make(0)):
            return None
        low, high = 0, 1
        while high < n_most and await self._fits(make(high)):
            low, high = high, 2 * high
        high = min(high, n_most)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if await self._fits(make(middle)) else (low, middle)
        return make(low)

    async def _fits(self, parts: PromptParts) -> bool:
        return await self._tokens(parts) <= self._max_tokens

    async def _tokens(self, parts: PromptParts) -> int:
        return await self._packer.count(self._texts.prompt(parts).text) + self._n_around


def _fewer_skills(parts: PromptParts, n: int) -> PromptParts:
    return parts if n else replace(parts, skills=LEFT_OUT)


def _fewer_notes(parts: PromptParts, n: int) -> PromptParts:
    """The last n lines of all notes."""
    kept = []
    for note in reversed(parts.notes):
        part = note.last(n)
        n -= len(part.lines)
        if part.lines:
            kept.append(part)
    return replace(parts, notes=tuple(reversed(kept)))


def _fewer_examples(parts: PromptParts, n: int) -> PromptParts:
    return replace(parts, examples=_last(parts.examples, n))


def _fewer_scenes(parts: PromptParts, n: int) -> PromptParts:
    return parts if n else replace(parts, situation=Situation({**parts.situation.texts, SCENE: ""}))


def _shorter_fields(parts: PromptParts, n: int) -> PromptParts:
    texts = {
        name: text if name == TASK else shortened(text, MIN_FIELD_CHARS + n)
        for name, text in parts.situation.texts.items()
    }
    return replace(parts, situation=Situation(texts))


def _longest_field(parts: PromptParts) -> int:
    lengths = [len(text) for name, text in parts.situation.texts.items() if name != TASK]
    return max(0, max(lengths, default=0) - MIN_FIELD_CHARS)


_Shrink = Callable[[PromptParts, int], PromptParts]
# How much of a kind is kept, and how much there is; the least important first.
_STEPS: Sequence[tuple[_Shrink, Callable[[PromptParts], int]]] = (
    (_fewer_skills, lambda parts: int(bool(parts.skills))),
    (_fewer_notes, lambda parts: sum(len(note.lines) for note in parts.notes)),
    (_fewer_examples, lambda parts: len(parts.examples)),
    (_fewer_scenes, lambda parts: int(bool(parts.situation.texts.get(SCENE)))),
    (_shorter_fields, _longest_field),
)


def shortened(text: str, n_chars: int) -> str:
    """The beginning of a text up to a space, with the mark of a cut; a short text as it is."""
    if len(text) <= n_chars:
        return text
    kept = text[:n_chars]
    return f"{kept.rpartition(' ')[0] or kept} {CUT}"


def _last(hits: tuple[Recalled, ...], n: int) -> tuple[Recalled, ...]:
    return hits[len(hits) - n :]
