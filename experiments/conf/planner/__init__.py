"""Planners and their settings."""
