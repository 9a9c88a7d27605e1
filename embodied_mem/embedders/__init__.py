"""Embedders: inputs to vectors."""
