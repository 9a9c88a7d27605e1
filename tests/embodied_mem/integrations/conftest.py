"""Lets these tests import `random_filters` by name, which importlib mode alone does not."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
