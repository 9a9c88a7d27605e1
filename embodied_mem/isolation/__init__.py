"""Episodes in a process of their own, which can be killed when a simulator or a planner hangs."""

from embodied_mem.isolation.recipe import Recipe, recipe_of

__all__ = ["Recipe", "recipe_of"]
