"""Judges and their settings."""
