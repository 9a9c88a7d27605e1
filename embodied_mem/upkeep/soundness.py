"""Refusing a damaged log before its content is given new hashes, which would hide the damage."""

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.errors import StoreError


def check_sound(backend: SqliteBackend) -> None:
    """Compare every entry with the hash kept with it.

    Raises:
        StoreError: One does not give its hash.
    """
    damaged = backend.verify()
    if damaged:
        folder = backend.path.parent
        raise StoreError(
            f"{len(damaged):,} entries of {folder} are damaged, the first is {damaged[0]}, and new hashes "
            f"would hide that, so nothing was done; first run: embodied-mem memory check --repair {folder}"
        )
