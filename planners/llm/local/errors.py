"""What may be missing or go wrong between a model's name and a server that answers."""

from embodied_mem.errors import EmbodiedMemError


class MissingWeights(EmbodiedMemError, LookupError):
    """The weights of a model are not on this machine; the message gives the command that installs them."""


class UnusableWeights(EmbodiedMemError, ValueError):
    """A file of weights is no GGUF file, or is not the file that it should be."""


class MissingServerProgram(EmbodiedMemError, LookupError):
    """No program that serves GGUF files was found; the message gives the commands that install one."""


class LocalServerFailed(EmbodiedMemError):
    """A server did not start, or ended; the message has the last lines that it wrote."""


class PortInUse(LocalServerFailed):
    """Another program listens on the wanted port."""
