"""Prompts: what a model reads: templates, situations, and what fits into a budget of tokens."""
