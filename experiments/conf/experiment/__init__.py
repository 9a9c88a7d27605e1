"""Experiments: whole configurations that a claim names."""
