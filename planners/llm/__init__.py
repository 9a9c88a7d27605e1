"""Planners that ask a language model, and what they ask."""
