"""Solve an ALFWorld game within limits: the planner can take minutes and gigabytes."""

import json
import logging
import subprocess
import sys
from pathlib import Path

logger = logging.getLogger(__name__)

MEMORY_BYTES = 3 * 1024**3
SECONDS = 120.0
PROCESS = "embodied_mem.envs.text_games.alfworld.planner_process"


def solve(game: Path, *, seconds: float = SECONDS, memory_bytes: int = MEMORY_BYTES) -> list[str] | None:
    """Return commands that win a game; None if the planner finds none within these limits."""
    command = [sys.executable, "-m", PROCESS, str(game), str(memory_bytes)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return None
    if done.returncode != 0:  # out of memory, most often
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        logger.warning("the planner ended without an answer: %s", said[-1])
        return None
    found: list[str] | None = json.loads(done.stdout.splitlines()[-1])
    return found
