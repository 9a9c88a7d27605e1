"""`make_backend`: a registered back end by its name."""

from typing import Any

from embodied_mem import registry
from embodied_mem.contracts import Backend
from embodied_mem.errors import StoreError


def make_backend(name: str, /, **options: Any) -> Backend:
    """Make the registered back end of this name, for `ExperienceMemory(make_backend(...))`.

    Args:
        name: Such as `sqlite`, `in_memory`, or that of an entry point in the group `embodied_mem.backends`.
        options: Keyword arguments of its class or factory, such as the path of a file or the address of a
            server.

    Raises:
        UnknownName: No back end is registered under this name; the message gives the nearest names.
        StoreError: It rejects the options, or is not a `Backend`.
    """
    factory = registry.load("backends", name)
    try:
        backend: object = factory(**options)
    except TypeError as error:
        raise StoreError(f"back end {name!r} cannot be made with {sorted(options)}: {error}") from error
    if not isinstance(backend, Backend):
        raise StoreError(
            f"back end {name!r} is {type(backend).__name__}; expected append, get, changes_since, search "
            "and close"
        )
    return backend
