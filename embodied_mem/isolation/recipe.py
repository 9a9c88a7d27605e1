"""`Recipe`: how to make a world, planner or policy in another process."""

import contextlib
import importlib
import json
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from embodied_mem.errors import EmbodiedMemError, EpisodeError, InvalidRecord
from embodied_mem.records.json_values import JsonValue, to_json_object


@dataclass(frozen=True, slots=True)
class Recipe:
    """A function by its import path, and the keyword arguments to call it with.

    Attributes:
        factory: Import path `module:function`.
        options: Its keyword arguments, as JSON.

    Raises:
        InvalidRecord: The path has no colon, or an option is not JSON; the message names it.
    """

    factory: str
    options: Mapping[str, JsonValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        module, colon, name = self.factory.partition(":")
        if not (module and colon and name):
            raise InvalidRecord(f"factory is {self.factory!r}; expected module:function")
        object.__setattr__(self, "options", to_json_object(self.options, field="options"))

    def make(self) -> Any:
        """Return what the function returns; `recipe_of` finds this recipe again.

        Raises:
            EmbodiedMemError: The function cannot be imported.
        """
        module, _, name = self.factory.partition(":")
        try:
            function = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            hint = "; another process has a program of its own: move it to a module" * (module == "__main__")
            raise EmbodiedMemError(f"cannot import {self.factory}: {error}{hint}") from error
        return remember(function(**self.options), self)

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        return f"{self.factory}({json.dumps(dict(self.options), sort_keys=True)})"


Thing = TypeVar("Thing")

_recipes: dict[int, tuple["weakref.ref[Any]", Recipe]] = {}


def remember(thing: Thing, recipe: Recipe) -> Thing:
    """Note how a thing was made, and return it; one that takes no weak references is not noted."""
    key = id(thing)
    try:
        reference = weakref.ref(thing, lambda _: _recipes.pop(key, None))
    except TypeError:
        return thing
    _recipes[key] = reference, recipe
    return thing


def remember_call(thing: Thing, factory: str, options: Mapping[str, Any]) -> Thing:
    """Note that a thing was made by this function; not if an option is not JSON, as another process needs."""
    with contextlib.suppress(InvalidRecord):
        remember(thing, Recipe(factory, options))
    return thing


def recipe_of(thing: Any, *, called: str) -> Recipe:
    """Return how a thing was made; a recipe is returned as it is.

    Args:
        thing: A recipe, or what `Recipe.make`, `make_world` or `make_planner` returned.
        called: What it is, for the message.

    Raises:
        EpisodeError: It was made in another way, so no other process can make it again.
    """
    if isinstance(thing, Recipe):
        return thing
    reference, recipe = _recipes.get(id(thing), (None, None))
    if reference is None or recipe is None or reference() is not thing:
        raise EpisodeError(
            f"an isolated episode makes the {called} in its own process, and how this {type(thing).__name__} "
            f"was made is not known; make it by name, or with Recipe('module:make_{called}', {{...}}).make()"
        )
    return recipe
