"""`LLMPlanner`: a language model that chooses calls from the situation and from what memory recalls."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

from embodied_mem.errors import InvalidRecord
from embodied_mem.planners.llm.answers.choices import CallChoices
from embodied_mem.planners.llm.asking import Reply, ask_until_read
from embodied_mem.planners.llm.models.images import images_of
from embodied_mem.planners.llm.models.language_model import LanguageModel
from embodied_mem.planners.llm.models.token_counting import EstimatedTokens, TokenCounter, counter_of
from embodied_mem.planners.llm.notes.make import make_notes
from embodied_mem.planners.llm.notes.note import Told
from embodied_mem.planners.llm.prompts.offered import made_before, skills_in_words
from embodied_mem.planners.llm.prompts.packing import Packer, PromptParts
from embodied_mem.planners.llm.prompts.plan_question import PlanQuestion
from embodied_mem.planners.llm.prompts.question import Tail
from embodied_mem.planners.llm.prompts.situation import SCENE, Situation
from embodied_mem.planners.llm.prompts.template import SKILLS, load_template
from embodied_mem.planners.llm.recalls.recall_way import PlainRecall, RecallWay
from embodied_mem.planners.llm.recalls.recalling import Recalling, of_kinds
from embodied_mem.planners.llm.recalls.skill_library import (
    ComposedSkill,
    SkillLibrary,
    expand,
    note_of,
    refused_too,
)
from embodied_mem.planners.llm.roles.planner_roles import PlannerRoles, RoleOptions
from embodied_mem.records import Kind, Recalled, SkillCall
from embodied_mem.records.decisions import Act, Context, Decision, Stop
from embodied_mem.records.episodes import added_costs
from embodied_mem.records.json_values import JsonObject

DEFAULT_TEMPLATES: Mapping[str, str] = {"completion": "compact", "chat": "chat"}
MAX_REASON_CHARS = 500
NOTHING_LEFT = "every call that can be made was made in this situation already"
WITH_MEMORY = "m"  # of a place: the model answers again, now with memory

Plan = tuple[SkillCall, ...]


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
        window: How many decisions before and after each recalled one are shown with it.
        programs: Whether a recalled episode is shown as the calls of it that succeeded; needs its decisions.
        recall: How memory is used in a decision; None: `PlainRecall`.
        notes: What the prompt tells before the examples: name -> settings, `lessons`, `recent_calls`
            or `facts`.
        library: Settings of a `SkillLibrary`, which offers plans of won episodes as skills; None: none.
        max_calls: Longest plan, >= 1.
        max_per_episode: How many calls it makes in an episode before it stops, >= 1; None: no bound.
        max_rounds: How often the model may answer anew when its answer cannot be read, >= 0.
        max_prompt_tokens: Most tokens of a prompt, >= 1: what does not fit is left out (see `Packer`), and
            each decision says what its memory took (`tokens_memory`). None: prompts have no bound.
        tokens: Counts them; None: the model's own counter, else `EstimatedTokens`.
        preset: Name of the preset that these settings come from, for the log.
        roles: What else is asked: `describe`, `predict`, `self_check`, `explain`, `repair`, `extract`,
            with `refine_rounds` and `images`; see `PlannerRoles`.

    Raises:
        InvalidRecord: A number is out of range or of the wrong type.
        UnknownName: There is no such template, field, note or role.
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
        window: Sequence[int] = (0, 0),
        programs: bool = False,
        recall: RecallWay | None = None,
        notes: Mapping[str, Mapping[str, Any]] | None = None,
        library: Mapping[str, Any] | None = None,
        max_calls: int = 1,
        max_per_episode: int | None = None,
        max_rounds: int = 1,
        max_prompt_tokens: int | None = None,
        tokens: TokenCounter | None = None,
        preset: str = "",
        **roles: Unpack[RoleOptions],
    ) -> None:
        before, after = window
        _check_at_least(0, {"k": k, "max_rounds": max_rounds, "window before": before, "window after": after})
        bounds = {"max_per_episode": max_per_episode, "max_prompt_tokens": max_prompt_tokens}
        given = {name: value for name, value in bounds.items() if value is not None}
        _check_at_least(1, {"max_calls": max_calls, **given})
        self.model, self._roles = model, PlannerRoles(model, **roles)
        self.template = load_template(template or DEFAULT_TEMPLATES[model.form], order=order)
        self._recalling = Recalling(
            way=recall or PlainRecall(),
            kept=of_kinds(kinds, only_won=only_won),
            k=k,
            min_similarity=None if min_similarity is None else {"state": min_similarity},
            weights=weights,
            distinct=distinct,
            window=(before, after),
            programs=programs,
        )
        self._notes = make_notes(self._roles.notes(notes or {}))
        self._library = None if library is None else SkillLibrary(**library)
        self._max_calls, self._max_rounds = max_calls, max_rounds
        self._max_per_episode = max_per_episode
        counter = tokens or counter_of(model) or EstimatedTokens()
        self._packer = Packer(self.template, counter, max_prompt_tokens)
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
            **self._roles.said,
            **({"preset": preset} if preset else {}),
            **({"window": [before, after]} if any(window) else {}),
            **({"programs": True} if programs else {}),
            **({} if recall is None else {"recall": recall.describe()}),
            **({"notes": [source.describe() for source in self._notes]} if notes else {}),
            **({} if self._library is None else {"library": self._library.describe()}),
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
        reply = await self._planned(context, choices, composed)
        shown, cost = reply.shown, reply.cost
        if not reply.value:
            why = reply.failure if reply.is_too_long else f"the answer cannot be read: {reply.failure}"
            return Stop(why, shown=shown, cost=cost)
        plan, reason = expand(reply.value, composed), reply.text[:MAX_REASON_CHARS]
        return Act(plan=plan, shown=shown, cost=cost, reason=reason)

    async def _planned(
        self, context: Context, choices: CallChoices, composed: Sequence[ComposedSkill]
    ) -> Reply[Plan]:
        """What mends the last failure, else what the model plans."""
        mended = await self._roles.mending.mended(context, choices)
        known = Reply(value=mended.plan, text=mended.text, shown=mended.shown, cost=mended.cost)
        if mended.plan:
            return known
        described, told = await self._roles.described(context), await self._told(context, composed)
        now = Situation.of(context, with_scene=SCENE in self.template.inputs)
        parts = PromptParts(
            situation=now.described(described.value or "").because(mended.explanation),
            notes=told.notes,
            skills=skills_in_words(context, choices, self.template) if SKILLS in self.template.inputs else "",
        )
        noted: Reply[Plan] = Reply(cost=told.cost)
        answered = await self._answered(context, choices, parts)
        return answered.after(noted.after(described.after(known)))

    async def _told(self, context: Context, composed: Sequence[ComposedSkill]) -> Told:
        """What stands before the examples."""
        told = [await source.tell(context) for source in self._notes]
        notes = [note for each in told for note in each.notes]
        own = [note_of(composed)] if composed else []
        return Told((*notes, *own), added_costs(*(each.cost for each in told)))

    async def _answered(self, context: Context, choices: CallChoices, parts: PromptParts) -> Reply[Plan]:
        """Ask with what memory recalls; where that is nothing, perhaps anew once there is an answer."""
        hits = await self._recalling.before(context)
        reply = await self._asked(context, choices, replace(parts, examples=hits))
        if hits:
            return reply
        hits = await self._recalling.after(context, reply.confidence if reply.value else 0.0)
        if not hits:
            return reply
        again = await self._asked(context, choices, replace(parts, examples=hits), mark=WITH_MEMORY)
        again = again.after(reply)
        return again if again.value else replace(reply, shown=again.shown, cost=again.cost)

    async def _asked(
        self, context: Context, choices: CallChoices, parts: PromptParts, *, mark: str = ""
    ) -> Reply[Plan]:
        """Ask for a plan, and refine it as the roles say."""
        question = PlanQuestion(
            template=self.template,
            packer=self._packer,
            choices=choices,
            parts=parts,
            place=f"{context.episode}#{len(context.history)}{mark}",
            images=images_of(context.observation.images, self._roles.images),
        )

        async def ask(tail: Tail) -> Reply[Plan]:
            rounds = self._max_rounds
            return await ask_until_read(self.model, question, self.template, max_rounds=rounds, tail=tail)

        recalled: Sequence[Recalled] = parts.examples
        refined = self._roles.refinement.refined
        return await refined(await ask(()), context, recalled, ask=ask, template=self.template)


def _check_at_least(low: int, settings: Mapping[str, object]) -> None:
    for name, value in settings.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            raise InvalidRecord(f"{name} is {value!r}; expected an integer of at least {low}")
