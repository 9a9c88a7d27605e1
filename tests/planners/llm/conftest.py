"""Lets the tests import the helpers that lie beside them, which importlib mode alone does not."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
