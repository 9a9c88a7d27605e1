"""`LLMPlanner`: a language model that chooses calls from the situation and from what memory recalls."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from embodied_mem.agent.perceived import MAX_CALL_TEXT_CHARS, record_of
from embodied_mem.errors import InvalidRecord
from embodied_mem.planners.llm.asking import Asking
from embodied_mem.planners.llm.call_log import LoggedModel
from embodied_mem.planners.llm.choices import CallChoices
from embodied_mem.planners.llm.language_model import Answer, LanguageModel, Request
from embodied_mem.planners.llm.logged_tokens import LoggedTokens
from embodied_mem.planners.llm.make_model import make_model
from embodied_mem.planners.llm.packing import Packed, Packer, PromptParts, PromptTooLong
from embodied_mem.planners.llm.prices import PricedModel, load_prices
from embodied_mem.planners.llm.recalls.graph_then_episode import FACT
from embodied_mem.planners.llm.recalls.make import make_recall_way
from embodied_mem.planners.llm.recalls.recall_way import PlainRecall, RecallWay
from embodied_mem.planners.llm.situation import SCENE, Situation
from embodied_mem.planners.llm.template import LESSONS, SKILLS, Template, load_template
from embodied_mem.planners.llm.token_counting import EstimatedTokens, TokenCounter, counter_of, make_counter
from embodied_mem.records import Experience, Kind, Recalled, SkillCall, Status
from embodied_mem.records.decisions import Act, Context, Decision, Stop
from embodied_mem.records.filters import Equals, Or, Where, all_of, where
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.legal_calls import in_order
from embodied_mem.records.queries import Query
from embodied_mem.records.situations import situation_text

DEFAULT_TEMPLATES: Mapping[str, str] = {"completion": "compact", "chat": "chat"}
MAX_REASON_CHARS = 500
LESSON_KINDS = (Kind.LESSON.value, FACT)  # what a template that takes lessons is given
WITH_MEMORY = "m"  # of a place: the model answers again, now with memory
NOTHING_LEFT = "every call that can be made was made in this situation already"

_Recall = Callable[[Context, Query], Awaitable[list[Recalled]]]


class LLMPlanner:
    """Asks a language model for the next call; a `Planner` that keeps no state.

    Per decision it recalls experiences by task and situation, shows them as worked examples, the most similar
    last, and holds the answer to the calls that can be made now. A call that was made before in a situation
    where nothing has changed since is not offered again, whatever memory it has.

    Args:
        model: The model.
        k: Number of experiences to recall, >= 0.
        template: Name of a template, or path of a `*.toml`; empty: the one that suits the model's form.
        order: Fields of a situation in the prompt, in order; empty: the template's.
        kinds: Kinds of experience to recall: `decision`, `episode`, `repair`, ...
        only_won: Recall only what succeeded; of decisions, only those of won episodes.
        min_similarity: Minimum similarity of a recalled situation, 0 to 1; see `Query.min_similarity`.
        weights: Weights of the parts of the query; see `Query.weights`; None: the memory's.
        distinct: Whether to recall only one of near duplicates.
        max_calls: Longest plan, >= 1.
        max_per_episode: How many calls it makes in an episode before it stops, >= 1; None: no bound.
        max_rounds: How often the model may answer anew when its answer cannot be read, >= 0.
        max_prompt_tokens: Most tokens of a prompt, >= 1: what does not fit is left out (see `Packer`), and
            each decision says what its memory took (`tokens_memory`). None: prompts have no bound.
        tokens: Counts them; None: the model's own counter, else `EstimatedTokens`.
        recall: How memory is used in a decision; None: `PlainRecall`.

    Raises:
        InvalidRecord: A number is out of range or of the wrong type.
        UnknownName: There is no such template or field.
    """

    def __init__(
        self,
        model: LanguageModel,
        *,
        k: int = 2,
        template: str = "",
        order: Sequence[str] = (),
        kinds: Sequence[str] = (Kind.DECISION.value,),
        only_won: bool = True,
        min_similarity: float | None = None,
        weights: Mapping[str, float] | None = None,
        distinct: bool = False,
        max_calls: int = 1,
        max_per_episode: int | None = None,
        max_rounds: int = 1,
        max_prompt_tokens: int | None = None,
        tokens: TokenCounter | None = None,
        recall: RecallWay | None = None,
    ) -> None:
        _check_at_least({"k": (k, 0), "max_calls": (max_calls, 1), "max_rounds": (max_rounds, 0)})
        bounds = {"max_per_episode": max_per_episode, "max_prompt_tokens": max_prompt_tokens}
        _check_at_least({name: (value, 1) for name, value in bounds.items() if value is not None})
        self.model = model
        self.template = load_template(template or DEFAULT_TEMPLATES[model.form], order=order)
        self._kept = _where(kinds, only_won=only_won)
        self._k, self._distinct, self._weights = k, distinct, weights
        self._minimum = None if min_similarity is None else {"state": min_similarity}
        self._max_calls, self._max_rounds = max_calls, max_rounds
        self._max_per_episode = max_per_episode
        counter = tokens or counter_of(model) or EstimatedTokens()
        self._packer = Packer(self.template, counter, max_prompt_tokens)
        self._way = recall or PlainRecall()
        self._said: JsonObject = {
            "k": k,
            "template": self.template.id,
            "order": list(self.template.order),
            "kinds": list(kinds),
            "only_won": only_won,
            "min_similarity": min_similarity,
            "weights": None if weights is None else dict(weights),
            "distinct": distinct,
            "max_calls": max_calls,
            "max_per_episode": max_per_episode,
            "max_rounds": max_rounds,
            **self._packer.describe(),
            **({} if recall is None else {"recall": recall.describe()}),
        }

    def describe(self) -> JsonObject:
        """Name, model and settings."""
        said = self.model.describe()
        return {"name": "llm", **said, **self._said}

    async def decide(self, context: Context) -> Decision:
        """Return the model's plan; `Stop` if its answers cannot be read or no call is left.

        Raises:
            ModelError: The model gave no answer.
        """
        longest = self._max_calls
        if self._max_per_episode is not None:
            longest = min(longest, self._max_per_episode - len(context.history))
        if longest < 1:
            return Stop(f"max_per_episode: {self._max_per_episode} calls were made")
        choices = CallChoices.of(context.skills, made_before(context), max_calls=longest)
        if choices.is_empty:
            return Stop(NOTHING_LEFT)
        asking = Asking(context, choices)
        try:
            await self._answered(asking)
        except PromptTooLong as error:
            return Stop(str(error), shown=asking.shown, cost=asking.cost)
        if not asking.plan:
            why = f"the answer cannot be read: {asking.failure}"
            return Stop(why, shown=asking.shown, cost=asking.cost)
        reason = asking.text[:MAX_REASON_CHARS]
        return Act(plan=asking.plan, shown=asking.shown, cost=asking.cost, reason=reason)

    async def _answered(self, asking: Asking) -> None:
        """Ask with what memory recalls; where that is nothing, perhaps anew once there is an answer."""
        parts = await self._parts(asking, self._way.before)
        await self._ask(asking, parts)
        if parts.has_memory or not self._k:
            return
        confidence = asking.confidence if asking.plan else 0.0
        parts = await self._parts(asking, partial(self._way.after, confidence=confidence))
        if parts.has_memory:
            await self._ask(asking, parts, mark=WITH_MEMORY)

    async def _parts(self, asking: Asking, recall: _Recall) -> PromptParts:
        """What the prompt is made of, before anything is left out."""
        context, template = asking.context, self.template
        skills = skills_in_words(context, asking.choices, template) if SKILLS in template.inputs else ""
        hits, lessons = await self._recalled(context, recall)
        return PromptParts(
            situation=Situation.of(context, with_scene=SCENE in template.inputs),
            examples=tuple(replace(hit, experience=_in_order(hit.experience, context)) for hit in hits),
            lessons=tuple(lessons),
            skills=skills,
        )

    async def _recalled(
        self, context: Context, recall: _Recall
    ) -> tuple[Sequence[Recalled], Sequence[Recalled]]:
        """What memory recalls to show as examples and as lessons, the most similar last."""
        if not self._k:
            return (), ()
        query = Query(
            task=context.task,
            state=situation_text(context.observation.text, context.last),
            where=self._kept,
            k=self._k,
            min_similarity=self._minimum,
            weights=self._weights,
            distinct=self._distinct,
        )
        hits = (await recall(context, query))[::-1]
        if LESSONS not in self.template.inputs:
            return hits, ()
        about = replace(query, where=where(kind=list(LESSON_KINDS)), min_similarity=None)
        return hits, (await recall(context, about))[::-1]

    async def _ask(self, asking: Asking, parts: PromptParts, *, mark: str = "") -> None:
        """Ask until an answer can be read, at most `max_rounds` times more than once."""
        for n_wrong in range(self._max_rounds + 1):
            packed = await self._packer.pack(parts)
            request = self._request(asking, packed, mark + "+" * n_wrong)
            answer = await self.model.answer(request)
            asking.took(request, answer, packed.parts.ids)
            try:
                asking.plan = asking.choices.read(answer.text)
                return
            except InvalidRecord as error:
                asking.failure = str(error)
                parts = replace(parts, tail=parts.tail + _told_wrong(answer, asking.failure, self.template))

    def _request(self, asking: Asking, packed: Packed, mark: str) -> Request:
        template, parts = self.template, packed.parts
        used = {name: text for name, text in parts.situation.texts.items() if name in template.inputs}
        if LESSONS in template.inputs:
            used[LESSONS] = "\n".join(template.lesson(hit.experience) for hit in parts.lessons)
        examples = "\n".join(template.example(hit.experience) for hit in parts.examples)
        return Request(
            role=template.role,
            template=template.id,
            prompt=packed.prompt,
            choices=asking.choices,
            examples=parts.examples,
            parts={**used, "skills": parts.skills, "examples": examples, "order": " ".join(template.order)},
            place=asking.place + mark,
            tokens_memory=packed.tokens_memory,
        )


def make_llm_planner(
    *,
    llm: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    prices: str | None = None,
    tokens: Mapping[str, Any] | None = None,
    recall: Mapping[str, Any] | None = None,
    **options: Any,
) -> LLMPlanner:
    """Make a planner from its configuration; registered as `llm`.

    Args:
        llm: The model as `make_model` takes it.
        folder: Where its calls are logged; None: nowhere.
        prices: Path of a table of prices, read before the library's own; see `prices.toml`.
        tokens: What counts tokens, as `make_counter` takes it; None: see `LLMPlanner`.
        recall: How memory is used, as `make_recall_way` takes it; None: `plain`.
        options: Keyword arguments of `LLMPlanner`.
    """
    model: LanguageModel = PricedModel(make_model(**(llm or {})), load_prices(prices))
    counter = counter_of(model) if tokens is None else make_counter(**tokens)
    if folder is not None:
        model = LoggedModel(model, folder)
        counter = counter and LoggedTokens(counter, folder)
    way = None if recall is None else make_recall_way(**recall)
    return LLMPlanner(model, tokens=counter, recall=way, **options)


def made_before(context: Context) -> frozenset[SkillCall]:
    """The calls that were made when exactly this was perceived."""
    now = record_of(context.observation, max_chars=MAX_CALL_TEXT_CHARS)  # as the history keeps it
    return frozenset(
        record.call
        for record in context.history
        if record.before.text == now.text and record.before.facts == now.facts
    )


def skills_in_words(context: Context, choices: CallChoices, template: Template) -> str:
    """The skills with what they do, and the values that their arguments can have now, quoted as data."""
    about = {skill.name: skill.description for skill in context.skills_in_full()}
    lines = []
    for skill in choices.offered():
        names = ", ".join(parameter.name for parameter in skill.parameters)
        told = template.quoted(f"{skill.name}({names}): {about.get(skill.name, '')}".rstrip(": "))
        lines.append(f"- {told}")
        for parameter in skill.parameters:
            values = ", ".join(map(str, parameter.choices)) or f"any {parameter.type}"
            lines.append(f"  {template.quoted(f'{parameter.name}: {values}')}")
    return "\n".join(lines)


def _told_wrong(answer: Answer, failure: str, template: Template) -> str:
    """What follows a prompt whose answer cannot be read: the answer and why, quoted as data."""
    wrong, why = template.quoted(answer.text[:500]), template.quoted(failure[:300])
    return f" {wrong}\n(This cannot be done: {why})\n{template.answer['open']}"


def _in_order(experience: Experience, context: Context) -> Experience:
    """The experience with its calls written as they can be made now."""
    plan = tuple(in_order(call, context.skills) for call in experience.plan)
    return experience.replace(plan=plan)


def _where(kinds: Sequence[str], *, only_won: bool) -> Where:
    return Or(tuple(_of_kind(kind, only_won=only_won) for kind in kinds))


def _of_kind(kind: str, *, only_won: bool) -> Where:
    if not only_won:
        return where(kind=kind)
    won = where(kind=kind, outcome=Status.SUCCESS.value)
    if kind != Kind.DECISION.value:
        return won
    return all_of(won, Equals("metadata.episode", Status.SUCCESS.value))


def _check_at_least(settings: Mapping[str, tuple[int, int]]) -> None:
    for name, (value, low) in settings.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            raise InvalidRecord(f"{name} is {value!r}; expected an integer of at least {low}")
