"""Optional packages: imported when used, and named with the command that installs them."""

import importlib
from types import ModuleType

from embodied_mem.errors import MissingExtra


def require(module: str, *, extra: str) -> ModuleType:
    """Import an optional package, or say which extra brings it.

    Raises:
        MissingExtra: The package is not installed; the message is the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.split(".")[0]:
            raise  # the package is there, one of its own imports is not
        raise MissingExtra(
            f"{module.split('.')[0]} is not installed; run: pip install 'embodied-mem[{extra}]'"
        ) from error
