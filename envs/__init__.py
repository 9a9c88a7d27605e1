"""Worlds: one adapter per simulator."""

from embodied_mem.envs.make import make_world

__all__ = ["make_world"]
