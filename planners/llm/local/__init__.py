"""Language models on this machine: known ones, their weights, and a server that ends with its caller."""

from embodied_mem.planners.llm.local.errors import (
    LocalServerFailed,
    MissingServerProgram,
    MissingWeights,
    PortInUse,
    UnusableWeights,
)
from embodied_mem.planners.llm.local.known_models import KNOWN_MODELS, KnownModel, known_model
from embodied_mem.planners.llm.local.local_server import LocalServer
from embodied_mem.planners.llm.local.server_program import ServerProgram, find_server_program
from embodied_mem.planners.llm.local.weights import find_weights, is_installed, own_weights

__all__ = [
    "KNOWN_MODELS",
    "KnownModel",
    "LocalServer",
    "LocalServerFailed",
    "MissingServerProgram",
    "MissingWeights",
    "PortInUse",
    "ServerProgram",
    "UnusableWeights",
    "find_server_program",
    "find_weights",
    "is_installed",
    "known_model",
    "own_weights",
]
