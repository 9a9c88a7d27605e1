"""Maps the top-level folders into the package; everything else is declared in pyproject.toml.

`embodied_mem/{envs,planners,experiments}` are symlinks that serve type checkers and runs from a checkout.
Building never relies on them, so a checkout without symlink support gives the same wheel.
"""

from setuptools import find_packages, setup

MAPPED = ("envs", "planners", "experiments")  # imported as embodied_mem.<name>


def packages() -> list[str]:
    """Every package by import name, each once: what a symlink reaches is left to the mapping."""
    reached = [pattern for name in MAPPED for pattern in (f"embodied_mem.{name}", f"embodied_mem.{name}.*")]
    own = find_packages(include=["embodied_mem", "embodied_mem.*"], exclude=reached)
    mapped = find_packages(include=[pattern for name in MAPPED for pattern in (name, f"{name}.*")])
    return own + [f"embodied_mem.{name}" for name in mapped]


setup(packages=packages(), package_dir={f"embodied_mem.{name}": name for name in MAPPED})
