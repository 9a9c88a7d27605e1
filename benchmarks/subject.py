"""The interface of a measured store: the calls that the workload makes."""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from benchmarks.workload import BenchQuery, BenchRecord
from embodied_mem.errors import MissingExtra, unknown_name
from embodied_mem.records.spaces import Vector, Vectors


class Subject(Protocol):
    """One store in a folder. Records are fetched and decoded before a search returns."""

    def load(self, records: Sequence[BenchRecord], vectors: Vectors) -> None:
        """Store many records by the store's bulk path."""
        ...

    def add(self, record: BenchRecord, vector: Vector) -> None:
        """Store one record as durably as the store can."""
        ...

    def search(self, query: BenchQuery, vector: Vector, *, by_agent: bool, by_task: bool) -> list[int]:
        """The steps of the ten best."""
        ...

    def close(self) -> None:
        """Close the files."""
        ...


@runtime_checkable
class HasTextSearch(Protocol):
    """A subject that searches by words too; what its text index owes after adds is charged to the adds."""

    def search_text(self, query: BenchQuery) -> list[int]:
        """The steps of the ten best by text."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What the benchmark knows of a subject before it imports it.

    Attributes:
        title: Its name in tables.
        maker: `module:Class` of the `Subject`; called with the folder.
        modules: What is imported before the clock and the memory gauge start.
        role: `own`, `peer` or `floor`.
        is_durable: Whether what it acknowledged is on disk.
        has_unfiltered: Whether one search can go over the records of all agents.
        note: A remark for readers of the table.
    """

    title: str
    maker: str
    modules: tuple[str, ...]
    role: str
    is_durable: bool = True
    has_unfiltered: bool = True
    note: str = ""

    def make(self, folder: Path) -> Subject:
        """The subject, opened on this folder."""
        module, name = self.maker.split(":")
        made: Subject = getattr(importlib.import_module(f"{__package__}.{module}"), name)(folder)
        return made

    def load_modules(self) -> None:
        """Import what it needs.

        Raises:
            MissingExtra: A package is not installed; the message is the command that installs it.
        """
        for module in self.modules:
            try:
                importlib.import_module(module)
            except ModuleNotFoundError as error:
                raise MissingExtra(
                    f"{self.title} cannot be measured, {error.name} is not installed; "
                    "run: pip install -e '.[bench]'"
                ) from error


OWN = "embodied_mem"
SQLITE_STORE = "langgraph_sqlite"
FAISS_FLOOR = "faiss_floor"
COMPRESSED = "embodied_mem_compressed"

SUBJECTS: Mapping[str, Description] = {
    OWN: Description(
        title="embodied_mem",
        maker="own:OwnStore",
        modules=("faiss", "embodied_mem.store"),
        role="own",
        note="MemoryStore.open(fsync=True, index=IndexOptions(compression='never')), record, recall; "
        "every add also keeps text index and history",
    ),
    COMPRESSED: Description(
        title="embodied_mem, compressed",
        maker="own:CompressedStore",
        modules=("faiss", "embodied_mem.store"),
        role="own",
        note="the same with vectors compressed at every size, as they are by default above 50,000",
    ),
    SQLITE_STORE: Description(
        title="LangGraph SqliteStore",
        maker="peers.langgraph_sqlite:LangGraphSqlite",
        modules=("langgraph.store.sqlite", "sqlite_vec"),
        role="peer",
        note="namespace per agent; `text_fields` set beside `fields` (langgraph #8808)",
    ),
    "langgraph_in_memory": Description(
        title="LangGraph InMemoryStore",
        maker="peers.langgraph_in_memory:LangGraphInMemory",
        modules=("langgraph.store.memory",),
        role="peer",
        is_durable=False,
        note="keeps nothing on disk",
    ),
    "langchain_faiss": Description(
        title="LangChain FAISS",
        maker="peers.langchain_faiss:LangChainFaiss",
        modules=("faiss", "langchain_community.vectorstores.faiss"),
        role="peer",
        note="save_local after every add; default fetch_k",
    ),
    "mem0_faiss": Description(
        title="mem0 with FAISS",
        maker="peers.mem0_faiss:Mem0Faiss",
        modules=("mem0", "faiss"),
        role="peer",
        note="infer=False; without the spaCy and fastembed extras",
    ),
    "robotmem": Description(
        title="robotmem",
        maker="peers.robotmem_store:RobotmemStore",
        modules=("robotmem.sdk",),
        role="peer",
        has_unfiltered=False,
        note="texts cut to the 300 characters it admits; embed_backend none, so it searches by words; "
        "collection per agent",
    ),
    "numpy_floor": Description(
        title="numpy brute force",
        maker="floors:NumpyFloor",
        modules=(),
        role="floor",
        is_durable=False,
        note="a matrix and a mask: no records, nothing on disk",
    ),
    FAISS_FLOOR: Description(
        title="FAISS flat with a bitmap",
        maker="floors:FaissFloor",
        modules=("faiss",),
        role="floor",
        is_durable=False,
        note="IndexFlatIP and IDSelectorBitmap: no records, nothing on disk",
    ),
}


def describe_subject(name: str) -> Description:
    """The subject of this name.

    Raises:
        UnknownName: There is none; the message lists them.
    """
    if name not in SUBJECTS:
        raise unknown_name("subject", name, SUBJECTS)
    return SUBJECTS[name]
