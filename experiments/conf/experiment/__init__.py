"""Experiments: complete configurations, each named by its file."""
