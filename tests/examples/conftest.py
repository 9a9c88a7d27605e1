"""The files in examples/ import one another by name, as copies of them do."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
