"""Reflectors and their settings."""
