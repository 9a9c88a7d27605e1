"""The numbers on the pages are those that are committed."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_pages_hold_the_committed_numbers():
    command = [sys.executable, str(ROOT / "scripts" / "write_results.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
