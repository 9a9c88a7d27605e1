"""Forgetting: policies that say what to let go of first."""
