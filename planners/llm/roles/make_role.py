"""`make_role`: a role by its name, with a model or without one."""

from collections.abc import Callable, Mapping
from typing import Any

from embodied_mem.errors import ExperimentError, unknown_name
from embodied_mem.planners.llm.models.language_model import LanguageModel
from embodied_mem.planners.llm.roles.describe import ModelDescriber, PlainDescriber
from embodied_mem.planners.llm.roles.explain import ModelExplainer, PlainExplainer
from embodied_mem.planners.llm.roles.extract import ModelExtractor, PlainExtractor
from embodied_mem.planners.llm.roles.judge import ModelJudge, PlainJudge
from embodied_mem.planners.llm.roles.predict import ModelPredictor, PlainPredictor
from embodied_mem.planners.llm.roles.propose import ModelProposer, PlainProposer
from embodied_mem.planners.llm.roles.repair import ModelRepairer, PlainRepairer
from embodied_mem.planners.llm.roles.self_check import ModelChecker, PlainChecker
from embodied_mem.planners.llm.roles.summarise import ModelReflector, PlainReflector

ROLES: Mapping[str, tuple[Callable[[], Any], Callable[..., Any]]] = {  # without a model, with one
    "describe": (PlainDescriber, ModelDescriber),
    "explain": (PlainExplainer, ModelExplainer),
    "extract": (PlainExtractor, ModelExtractor),
    "judge": (PlainJudge, ModelJudge),
    "predict": (PlainPredictor, ModelPredictor),
    "propose": (PlainProposer, ModelProposer),
    "repair": (PlainRepairer, ModelRepairer),
    "self_check": (PlainChecker, ModelChecker),
    "summarise": (PlainReflector, ModelReflector),
}
PLAIN, MODEL = "plain", "model"


def make_role(role: str, how: str = PLAIN, model: LanguageModel | None = None, **options: Any) -> Any:
    """Make what fills a role; its class is in the file of that name.

    Args:
        role: Name of the role.
        how: `plain` (no model) or `model`.
        model: The model to ask.
        options: Keyword arguments of the form that asks a model; see `AskedRole`.

    Raises:
        UnknownName: There is no such role or way.
        ExperimentError: There is no model to ask.
    """
    if role not in ROLES:
        raise unknown_name("role", role, ROLES)
    if how not in (PLAIN, MODEL):
        raise unknown_name(f"way to fill the role {role}", how, (PLAIN, MODEL))
    plain, asked = ROLES[role]
    if how == PLAIN:
        return plain(**options)
    if model is None:
        raise ExperimentError(f"the role {role} asks a model, and none is given; pass model=, or how='plain'")
    return asked(model, **options)
