"""Import of optional packages, with the install command if one is missing."""

import importlib
from types import ModuleType

from embodied_mem.errors import MissingExtra


def require(module: str, *, extra: str) -> ModuleType:
    """Import an optional package.

    Raises:
        MissingExtra: The package is not installed; the message gives the install command.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.split(".")[0]:
            raise  # the package is installed, one of its own imports is missing
        raise MissingExtra(
            f"{module.split('.')[0]} is not installed; run: pip install 'embodied-mem[{extra}]'"
        ) from error
