"""Where weights are kept that have to be put together from a package."""

import os
from pathlib import Path


def cache_folder(option: str = "") -> Path:
    """The folder that an option names, or `embodied-mem/models` in the user's cache (XDG_CACHE_HOME)."""
    if option:
        return Path(option).expanduser().absolute()
    given = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification: a path that is not absolute is ignored.
    caches = Path(given) if os.path.isabs(given) else Path.home() / ".cache"
    return caches / "embodied-mem" / "models"
