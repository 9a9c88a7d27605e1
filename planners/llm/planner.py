"""`LLMPlanner`: a language model that chooses calls from the situation and from what memory recalls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from embodied_mem.agent.perceived import MAX_CALL_TEXT_CHARS, record_of
from embodied_mem.errors import InvalidRecord, ModelError
from embodied_mem.planners.llm.assembled import assembled
from embodied_mem.planners.llm.choices import CallChoices
from embodied_mem.planners.llm.language_model import Answer, LanguageModel, Request
from embodied_mem.planners.llm.situation import Situation
from embodied_mem.planners.llm.template import Prompt, Template, load_template
from embodied_mem.records import Experience, Kind, Recalled, SkillCall, Status
from embodied_mem.records.decisions import Act, Context, Decision, Stop
from embodied_mem.records.episodes import added_costs
from embodied_mem.records.filters import Equals, Or, Where, all_of, where
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.legal_calls import in_order
from embodied_mem.records.queries import Query
from embodied_mem.records.situations import situation_text

DEFAULT_TEMPLATES: Mapping[str, str] = {"completion": "compact", "chat": "chat"}
MAX_REASON_CHARS = 500
NOTHING_LEFT = "every call that can be made was made in this situation already"


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
    ) -> None:
        _check_at_least({"k": (k, 0), "max_calls": (max_calls, 1), "max_rounds": (max_rounds, 0)})
        if max_per_episode is not None:
            _check_at_least({"max_per_episode": (max_per_episode, 1)})
        self.model = model
        self.template = load_template(template or DEFAULT_TEMPLATES[model.form], order=order)
        self._kept = _where(kinds, only_won=only_won)
        self._k, self._distinct, self._weights = k, distinct, weights
        self._minimum = None if min_similarity is None else {"state": min_similarity}
        self._max_calls, self._max_rounds = max_calls, max_rounds
        self._max_per_episode = max_per_episode
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
        hits = await self._recalled(context)
        reply = await self._ask(self._request(context, choices, hits))
        shown = tuple(hit.experience.id for hit in hits)
        if not reply.plan:
            return Stop(f"the answer cannot be read: {reply.failure}", shown=shown, cost=reply.cost)
        return Act(plan=reply.plan, shown=shown, cost=reply.cost, reason=reply.text[:MAX_REASON_CHARS])

    async def _recalled(self, context: Context) -> list[Recalled]:
        """What memory recalls, the most similar last."""
        if not self._k:
            return []
        query = Query(
            task=context.task,
            state=situation_text(context.observation.text, context.last),
            where=self._kept,
            k=self._k,
            min_similarity=self._minimum,
            weights=self._weights,
            distinct=self._distinct,
        )
        hits = (await context.arecall(query))[::-1]
        return [replace(hit, experience=_in_order(hit.experience, context)) for hit in hits]

    def _request(self, context: Context, choices: CallChoices, hits: list[Recalled]) -> Request:
        now, template = Situation.of(context), self.template
        shown = [hit.experience for hit in hits]
        skills = skills_in_words(context, choices, template) if "skills" in template.inputs else ""
        used = {name: text for name, text in now.texts.items() if name in template.inputs}
        examples = "\n".join(map(template.example, shown))
        return Request(
            role=template.role,
            template=template.id,
            prompt=template.prompt(now, shown, skills=skills),
            choices=choices,
            examples=tuple(hits),
            parts={**used, "skills": skills, "examples": examples, "order": " ".join(template.order)},
            place=f"{context.episode}#{len(context.history)}",
        )

    async def _ask(self, request: Request) -> "_Reply":
        """Ask until an answer can be read, at most `max_rounds` times more than once."""
        reply = _Reply()
        for left in range(self._max_rounds, -1, -1):
            try:
                answer = await self.model.answer(request)
            except ModelError as error:
                error.cost = reply.cost
                raise
            reply.took(answer)
            try:
                reply.plan = request.choices.read(answer.text)
                break
            except InvalidRecord as error:
                reply.failure = str(error)
                if left:
                    request = _asked_anew(request, answer, reply.failure, self.template)
        return reply


def make_llm_planner(
    *,
    llm: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    prices: str | None = None,
    budget: Mapping[str, Any] | None = None,
    **options: Any,
) -> LLMPlanner:
    """Make a planner from its configuration; registered as `llm`.

    Args:
        llm: The model; see `assembled`, as the next three.
        folder: Where its calls are logged; None: nowhere.
        prices: Path of a table of prices.
        budget: What its calls may cost.
        options: Keyword arguments of `LLMPlanner`.
    """
    return LLMPlanner(assembled(llm, folder=folder, prices=prices, budget=budget), **options)


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


@dataclass
class _Reply:
    """What asking led to, over all rounds."""

    plan: tuple[SkillCall, ...] = ()
    text: str = ""
    failure: str = ""
    cost: dict[str, float] = field(default_factory=dict)

    def took(self, answer: Answer) -> None:
        """Note an answer and add up its costs."""
        self.text = answer.text
        new = {
            "model_calls": 1.0,
            "tokens_in": float(answer.tokens_in or 0),
            "tokens_out": float(answer.tokens_out or 0),
            "seconds": answer.seconds,
        }
        if answer.usd is not None:  # an unknown price is not 0
            new["usd"] = answer.usd
        self.cost = added_costs(self.cost, new)


def _asked_anew(request: Request, answer: Answer, failure: str, template: Template) -> Request:
    """The request with the answer that cannot be read and why, quoted as data."""
    wrong, why = template.quoted(answer.text[:500]), template.quoted(failure[:300])
    told = f"{request.prompt.user} {wrong}\n(This cannot be done: {why})\n{template.answer['open']}"
    return replace(request, prompt=Prompt(told, request.prompt.system), place=f"{request.place}+")


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
