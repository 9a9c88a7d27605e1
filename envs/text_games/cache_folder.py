"""Where generated games are kept between runs."""

import os
from pathlib import Path


def cache_folder(name: str, given: str | Path | None = None) -> Path:
    """The folder that is given, or `embodied-mem/NAME` in the user's cache (`XDG_CACHE_HOME`)."""
    if given:
        return Path(given).expanduser().absolute()
    caches = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification: a path that is not absolute is ignored.
    root = Path(caches) if os.path.isabs(caches) else Path.home() / ".cache"
    return root / "embodied-mem" / name
