"""Finds the weights of a model: in its package, assembled from its parts, or a file of the user's."""

import hashlib
import importlib
import os
import uuid
from importlib.util import find_spec
from pathlib import Path

from embodied_mem.planners.llm.local.errors import MissingWeights, UnusableWeights
from embodied_mem.planners.llm.local.known_models import KnownModel

GGUF_MAGIC = b"GGUF"
BLOCK_BYTES = 1 << 20


def is_installed(model: KnownModel, cache_folder: Path) -> bool:
    """Whether the weights are here, in a package or assembled; imports no package and writes nothing."""
    return _is_whole(cache_folder / model.file_name, model) or _package_folder(model) is not None


def find_weights(model: KnownModel, cache_folder: Path) -> Path:
    """The GGUF file of a known model; the first call assembles one that its package holds in parts.

    Args:
        model: The model.
        cache_folder: Where an assembled file is kept; made if it is absent.

    Raises:
        MissingWeights: The package is not installed; the message gives the command.
        UnusableWeights: The package holds other weights than expected, or lacks a part.
    """
    cached = cache_folder / model.file_name
    if _is_whole(cached, model):
        return cached
    folder = _package_folder(model)
    if folder is None:
        raise MissingWeights(
            f"the weights of {model.name} are not installed; run: {model.install_command} "
            f"({model.size_mb:.0f} MB, licence {model.terms})"
        )
    return _assembled(model, cached) if model.in_parts else _in_package(model, folder)


def own_weights(path: str | Path) -> Path:
    """The absolute path of a GGUF file of the user's.

    Raises:
        MissingWeights: There is no such file.
        UnusableWeights: The file does not begin as a GGUF file does.
    """
    file = Path(path).expanduser().absolute()
    if not file.is_file():
        raise MissingWeights(f"there is no file {path}; expected a model in the GGUF format of llama.cpp")
    with file.open("rb") as opened:
        start = opened.read(len(GGUF_MAGIC))
    if start != GGUF_MAGIC:
        raise UnusableWeights(f"{path} begins with {start!r} and is no GGUF file, which begins with b'GGUF'")
    return file


def _package_folder(model: KnownModel) -> Path | None:
    found = find_spec(model.module)  # of a top-level module: nothing is imported
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent


def _in_package(model: KnownModel, folder: Path) -> Path:
    file = folder / model.file_name
    if not _is_whole(file, model):
        raise UnusableWeights(f"{file} is absent or not of {model.size_bytes:,} bytes; {_again(model)}")
    return file


def _assembled(model: KnownModel, target: Path) -> Path:
    """Write the file under a name of its own first: an interrupted or second writer leaves no half file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.{uuid.uuid4().hex}")
    try:
        importlib.import_module(model.module).assemble(unfinished)
        _check_digest(unfinished, model)
        os.replace(unfinished, target)
    except (ImportError, FileNotFoundError, ValueError) as error:  # a part is absent or damaged
        raise UnusableWeights(
            f"cannot assemble the weights of {model.name}: {error}; {_again(model)}"
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return target


def _check_digest(file: Path, model: KnownModel) -> None:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while block := opened.read(BLOCK_BYTES):
            digest.update(block)
    if digest.hexdigest() != model.sha256:
        raise ValueError(f"the SHA-256 is {digest.hexdigest()}, expected {model.sha256}")


def _is_whole(file: Path, model: KnownModel) -> bool:
    return file.is_file() and file.stat().st_size == model.size_bytes


def _again(model: KnownModel) -> str:
    return f"run: {model.install_command} --force-reinstall"
