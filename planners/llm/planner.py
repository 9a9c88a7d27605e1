"""`LLMPlanner`: a language model that chooses calls from the situation and from what memory recalls."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

from embodied_mem.errors import InvalidRecord
from embodied_mem.planners.llm.asking import Reply, ask_until_read
from embodied_mem.planners.llm.choices import CallChoices
from embodied_mem.planners.llm.images import images_of
from embodied_mem.planners.llm.language_model import LanguageModel, Request
from embodied_mem.planners.llm.make_model import make_asked_model
from embodied_mem.planners.llm.notes.make import make_notes
from embodied_mem.planners.llm.notes.note import Note
from embodied_mem.planners.llm.offered import made_before, skills_in_words
from embodied_mem.planners.llm.presets.preset import load_preset
from embodied_mem.planners.llm.roles.planner_roles import PlannerRoles, RoleOptions
from embodied_mem.planners.llm.situation import Situation
from embodied_mem.planners.llm.skill_library import SkillLibrary, expand, note_of, refused_too
from embodied_mem.planners.llm.template import load_template
from embodied_mem.planners.llm.windows import within_windows
from embodied_mem.records import Experience, Kind, Recalled, SkillCall, Status
from embodied_mem.records.decisions import Act, Context, Decision, Stop
from embodied_mem.records.episodes import added_costs
from embodied_mem.records.filters import Equals, Or, Where, all_of, where
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.legal_calls import in_order
from embodied_mem.records.queries import Query
from embodied_mem.records.situations import situation_text

__all__ = ["LLMPlanner", "made_before", "make_llm_planner", "skills_in_words"]

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
        notes: What the prompt tells before the examples: name -> settings, `lessons` or `recent_calls`.
        window: How many decisions before and after a recalled one are shown with it.
        library: Settings of a `SkillLibrary`, which offers plans of won episodes as skills; None: none.
        preset: Name of the preset that these settings come from, for the log.
        roles: What else is asked: `describe`, `predict`, `self_check`, `explain`, `repair`, with
            `refine_rounds` and `images`; see `PlannerRoles`.

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
        notes: Mapping[str, Mapping[str, Any]] | None = None,
        window: Sequence[int] = (0, 0),
        library: Mapping[str, Any] | None = None,
        preset: str = "",
        **roles: Unpack[RoleOptions],
    ) -> None:
        before, after = window
        _check_at_least({"k": (k, 0), "max_calls": (max_calls, 1), "max_rounds": (max_rounds, 0)})
        _check_at_least({"window before": (before, 0), "window after": (after, 0)})
        if max_per_episode is not None:
            _check_at_least({"max_per_episode": (max_per_episode, 1)})
        self.model, self._roles = model, PlannerRoles(model, **roles)
        self.template = load_template(template or DEFAULT_TEMPLATES[model.form], order=order)
        self._kept = _where(kinds, only_won=only_won)
        self._k, self._distinct, self._weights = k, distinct, weights
        self._minimum = None if min_similarity is None else {"state": min_similarity}
        self._max_calls, self._max_rounds = max_calls, max_rounds
        self._max_per_episode = max_per_episode
        self._notes, self._window = make_notes(notes or {}), (before, after)
        self._library = None if library is None else SkillLibrary(**library)
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
            "notes": [source.describe() for source in self._notes],
            "window": [before, after],
            "library": None if self._library is None else self._library.describe(),
            "preset": preset,
            **self._roles.said,
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
        composed = [] if self._library is None else await self._library.offered(context)
        skills, made = [*context.skills, *(each.skill for each in composed)], made_before(context)
        choices = CallChoices.of(skills, made | refused_too(composed, made), max_calls=longest)
        if choices.is_empty:
            return Stop(NOTHING_LEFT)
        mended = await self._roles.mending.mended(context, choices)
        if mended.plan:
            told = mended.text[:MAX_REASON_CHARS]
            return Act(plan=mended.plan, shown=mended.shown, cost=mended.cost, reason=told)
        hits = await self._recalled(context)
        notes = [note for source in self._notes if (note := await source.note(context))]
        if composed:
            notes.append(note_of(composed))
        described = await self._roles.described(context)
        now = Situation.of(context).described(described.value or "").because(mended.explanation)
        reply = await self._plan(context, self._request(context, now, choices, hits, notes))
        shown = (*mended.shown, *_ids(hits, notes))
        cost = added_costs(mended.cost, described.cost, reply.cost)
        if not reply.value:
            return Stop(f"the answer cannot be read: {reply.failure}", shown=shown, cost=cost)
        plan = expand(reply.value, composed)
        return Act(plan=plan, shown=shown, cost=cost, reason=reply.text[:MAX_REASON_CHARS])

    async def _plan(self, context: Context, request: Request) -> Reply[tuple[SkillCall, ...]]:
        """Ask for a plan, and refine it as the roles say."""
        reply = await self._ask(request)
        refinement, template = self._roles.refinement, self.template
        return await refinement.refined(reply, request, context, ask=self._ask, template=template)

    async def _ask(self, request: Request) -> Reply[Any]:
        return await ask_until_read(self.model, request, self.template, max_rounds=self._max_rounds)

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
        if any(self._window):
            hits = await within_windows(hits, context, before=self._window[0], after=self._window[1])
        return [replace(hit, experience=_in_order(hit.experience, context)) for hit in hits]

    def _request(
        self,
        context: Context,
        now: Situation,
        choices: CallChoices,
        hits: list[Recalled],
        notes: list[Note],
    ) -> Request:
        template = self.template
        shown = [hit.experience for hit in hits]
        skills = skills_in_words(context, choices, template) if "skills" in template.inputs else ""
        used = {name: text for name, text in now.texts.items() if name in template.inputs}
        examples = "\n".join(map(template.example, shown))
        told = {note.heading.lower(): template.note(note) for note in notes}
        return Request(
            role=template.role,
            template=template.id,
            prompt=template.prompt(now, shown, skills=skills, notes=notes),
            choices=choices,
            examples=tuple(hits),
            images=images_of(context.observation.images) if self._roles.images else (),
            parts={**used, **told, "skills": skills, "examples": examples, "order": " ".join(template.order)},
            place=f"{context.episode}#{len(context.history)}",
        )


def make_llm_planner(
    *,
    llm: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    prices: str | None = None,
    preset: str = "",
    **options: Any,
) -> LLMPlanner:
    """Make a planner from its configuration; registered as `llm`.

    Args:
        llm: The model as `make_model` takes it.
        folder: Where its calls are logged; None: nowhere.
        prices: Path of a table of prices, read before the library's own; see `prices.toml`.
        preset: Name of a preset, whose settings hold where `options` gives no other.
        options: Keyword arguments of `LLMPlanner`.
    """
    settings = {**load_preset(preset).planner, "preset": preset} if preset else {}
    model = make_asked_model(llm, folder=folder, prices=prices)
    return LLMPlanner(model, **{**settings, **options})


def _ids(hits: Sequence[Recalled], notes: Sequence[Note]) -> tuple[str, ...]:
    """Ids of everything that a prompt was made of, each once."""
    of_notes = (each for note in notes for each in note.shown)
    return tuple(dict.fromkeys((*(hit.experience.id for hit in hits), *of_notes)))


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
