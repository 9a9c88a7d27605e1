"""Reject a damaged log before its content gets new hashes, which would hide the damage."""

from embodied_mem.backends.sqlite.backend import SqliteBackend
from embodied_mem.errors import StoreError


def check_sound(backend: SqliteBackend) -> None:
    """Compare every entry with its stored hash.

    Raises:
        StoreError: An entry does not match its hash.
    """
    damaged = backend.verify()
    if damaged:
        folder = backend.path.parent
        raise StoreError(
            f"{len(damaged):,} entries of {folder} are damaged, the first is {damaged[0]}; nothing was done, "
            f"as new hashes would hide the damage. First run: embodied-mem memory check --repair {folder}"
        )
