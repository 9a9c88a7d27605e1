"""Planners that ask a language model."""
