"""Memories and their settings."""
