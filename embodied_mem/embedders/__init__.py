"""Embedders, which turn inputs into vectors."""

from embodied_mem.embedders.hashed import HashedEmbedder

__all__ = ["HashedEmbedder"]
