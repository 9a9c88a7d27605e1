"""Planners: who decides."""
