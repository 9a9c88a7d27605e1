"""`PlannerRoles`: the roles that a planner fills beside its plan, from its options."""

from collections.abc import Mapping
from typing import Any, TypedDict

from embodied_mem.errors import InvalidRecord
from embodied_mem.facts import Extractor
from embodied_mem.planners.llm.asking import Reply
from embodied_mem.planners.llm.models.images import Show, check_takes_images, said_of
from embodied_mem.planners.llm.models.language_model import LanguageModel
from embodied_mem.planners.llm.roles.describe import Describer
from embodied_mem.planners.llm.roles.explain import Explainer
from embodied_mem.planners.llm.roles.make_role import make_role
from embodied_mem.planners.llm.roles.mending import Mending
from embodied_mem.planners.llm.roles.predict import Predictor
from embodied_mem.planners.llm.roles.refinement import Refinement
from embodied_mem.planners.llm.roles.repair import Repairer
from embodied_mem.planners.llm.roles.self_check import Checker
from embodied_mem.records.decisions import Context
from embodied_mem.records.json_values import JsonObject

FACTS = "facts"  # the note that tells facts


class RoleOptions(TypedDict, total=False):
    """Options of `LLMPlanner` for its roles; those of `PlannerRoles`."""

    describe: str | Describer
    predict: str | Predictor
    self_check: str | Checker
    explain: str | Explainer
    repair: str | Repairer
    extract: str | Extractor
    refine_rounds: int
    images: Show


class PlannerRoles:
    """What a planner asks besides a plan; nothing by default.

    Each role is `plain` (no model), `model` (the planner's own), an object of the role's protocol, or empty.

    Args:
        model: The planner's model.
        describe: Puts what is perceived into words, which stand for the state in the prompt of the plan.
        predict: Predicts what comes of a plan, from what was recalled for it.
        self_check: Checks whether a plan can be carried out.
        explain: Says why a call failed; the prompt of the next plan tells it.
        repair: Says what to do about a failed call, from recalled repairs; the planner plans only where it
            knows nothing.
        extract: Finds facts in what is perceived, for the note `facts`.
        refine_rounds: How often another plan is asked for when a prediction or check speaks against it, >= 0.
        images: Whether pictures of the observation go with the prompts of `plan` and `describe`; or a
            function that gives others in their place, such as ones with numbered points (`with_points`).

    Raises:
        InvalidRecord: `refine_rounds` is no integer of at least 0.
        UnknownName: A role is filled in an unknown way.
        ExperimentError: The model takes no images.
    """

    def __init__(
        self,
        model: LanguageModel,
        *,
        describe: str | Describer = "",
        predict: str | Predictor = "",
        self_check: str | Checker = "",
        explain: str | Explainer = "",
        repair: str | Repairer = "",
        extract: str | Extractor = "",
        refine_rounds: int = 1,
        images: Show = False,
    ) -> None:
        if isinstance(refine_rounds, bool) or not isinstance(refine_rounds, int) or refine_rounds < 0:
            raise InvalidRecord(f"refine_rounds is {refine_rounds!r}; expected an integer of at least 0")
        check_takes_images(images, model.form)
        self.images = images
        self.describer: Describer | None = _filled("describe", describe, model, images=images)
        self.refinement = Refinement(
            _filled("predict", predict, model), _filled("self_check", self_check, model), refine_rounds
        )
        self.mending = Mending(_filled("explain", explain, model), _filled("repair", repair, model))
        self.extractor: Extractor | None = _filled("extract", extract, model)
        used = {
            "describe": describe,
            "predict": predict,
            "self_check": self_check,
            "explain": explain,
            "repair": repair,
            "extract": extract,
        }
        self.said: JsonObject = {name: _name(how) for name, how in used.items() if how}
        if predict or self_check:
            self.said["refine_rounds"] = refine_rounds
        if images:
            self.said["images"] = said_of(images)

    def notes(self, notes: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
        """The settings of notes, with what finds the facts of the note `facts`.

        Raises:
            InvalidRecord: Facts are to be found, and there is no such note.
        """
        if self.extractor is None:
            return notes
        if FACTS not in notes:
            raise InvalidRecord("extract finds facts for the note facts; add notes={facts: {}}")
        return {**notes, FACTS: {**notes[FACTS], "extractor": self.extractor}}

    async def described(self, context: Context) -> Reply[str]:
        """What is perceived in the words of `describe`; no value without that role."""
        return Reply() if self.describer is None else await self.describer.describe_scene(context)


def _filled(role: str, how: Any, model: LanguageModel, **options: Any) -> Any:
    """What fills a role; None if nothing does."""
    if not isinstance(how, str):
        return how
    if not how:
        return None
    return make_role(role, how, model, **(options if how == "model" else {}))


def _name(how: object) -> str:
    return how if isinstance(how, str) else type(how).__name__
