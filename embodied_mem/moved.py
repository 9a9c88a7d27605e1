"""Import hook that redirects module paths of earlier versions to the new ones, with a warning."""

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

PACKAGE = "embodied_mem"
MOVED = {  # old path -> new path, both relative to the package
    "argument_checks": "records.argument_checks",
    "backend_capabilities": "backends.capabilities",
    "backends.checkpoint": "backends.sqlite.checkpoint",
    "backends.copying": "backends.sqlite.copying",
    "backends.examining": "backends.sqlite.examining",
    "backends.filter_columns": "backends.sqlite.filter_columns",
    "backends.migrations": "backends.sqlite.migrations",
    "backends.network_disk": "backends.sqlite.network_disk",
    "backends.pending": "backends.sqlite.pending",
    "backends.reembedding": "backends.sqlite.reembedding",
    "backends.salvaging": "backends.sqlite.salvaging",
    "backends.schema": "backends.sqlite.schema",
    "backends.sqlite_admin": "backends.sqlite.admin",
    "backends.sqlite_file": "backends.sqlite.file",
    "backends.sqlite_handle": "backends.sqlite.handle",
    "backends.sqlite_log_reader": "backends.sqlite.log_reader",
    "backends.sqlite_read": "backends.sqlite.read",
    "backends.sqlite_rows": "backends.sqlite.rows",
    "backends.sqlite_values": "backends.sqlite.values",
    "backends.transactions": "backends.sqlite.transactions",
    "codec": "records.codec",
    "decisions": "records.decisions",
    "deferred_receipt": "memory.deferred_receipt",
    "describe": "recording.describe",
    "diversity": "memory.diversity",
    "episode_recall": "agent.episode_recall",
    "episode_run": "agent.episode_run",
    "episodes": "records.episodes",
    "experience_memory": "memory.experience_memory",
    "filters": "records.filters",
    "forgetting": "memory.forgetting",
    "forgetting.ebbinghaus": "memory.forgetting.ebbinghaus",
    "forgetting.eviction": "memory.forgetting.eviction",
    "forgetting.fifo": "memory.forgetting.fifo",
    "forgetting.frequency_sketch": "memory.forgetting.frequency_sketch",
    "forgetting.keep_all": "memory.forgetting.keep_all",
    "forgetting.lfu": "memory.forgetting.lfu",
    "forgetting.lru": "memory.forgetting.lru",
    "forgetting.remembered": "records.remembered",
    "forgetting.utility": "memory.forgetting.utility",
    "forgetting.w_tiny_lfu": "memory.forgetting.w_tiny_lfu",
    "function_words": "text.function_words",
    "index.options": "index.index_options",
    "index.ranking": "index.exact_ranking",
    "index.snapshot": "index.part_files",
    "json_values": "records.json_values",
    "judging": "agent.judging",
    "lexical": "text.lexical",
    "limits": "records.limits",
    "log": "records.log",
    "modes": "memory.modes",
    "postings": "text.postings",
    "priors": "memory.priors",
    "queries": "records.queries",
    "ranking": "memory.scoring",
    "recollection": "records.recollection",
    "record_checks": "records.record_checks",
    "retrieval": "memory.retrieval",
    "similar_words": "text.similar_words",
    "skills": "records.skills",
    "spaces": "records.spaces",
    "store_folder": "store.folder",
    "store_options": "store.open_options",
    "store_stats": "store.stats",
    "synonyms": "text.synonyms",
    "transfer": "store.transfer",
    "transfer.branch": "store.transfer.branch",
    "transfer.entries": "store.transfer.entries",
    "transfer.import_folder": "store.transfer.import_folder",
    "transfer.manifest": "store.transfer.manifest",
    "transfer.merge": "store.transfer.merge",
    "transfer.portable": "store.transfer.export_folder",
    "transfer.snapshot": "store.transfer.snapshot",
    "transfer.vector_file": "store.transfer.vector_file",
    "upkeep": "store.upkeep",
    "upkeep.archive": "store.upkeep.archiving",
    "upkeep.attached": "store.upkeep.attached",
    "upkeep.attachments": "store.upkeep.attachments",
    "upkeep.check": "store.upkeep.check",
    "upkeep.check_files": "store.upkeep.check_files",
    "upkeep.check_index": "store.upkeep.check_index",
    "upkeep.check_links": "store.upkeep.check_links",
    "upkeep.check_log": "store.upkeep.check_log",
    "upkeep.check_report": "store.upkeep.check_report",
    "upkeep.damaged_folder": "store.upkeep.damaged_folder",
    "upkeep.forget": "store.upkeep.forget",
    "upkeep.history": "store.upkeep.history",
    "upkeep.purge": "store.upkeep.purge",
    "upkeep.purged": "store.upkeep.purged",
    "upkeep.reembed": "store.upkeep.reembed",
    "upkeep.retention": "store.upkeep.retention",
    "upkeep.salvage_store": "store.upkeep.salvage_store",
    "upkeep.soundness": "store.upkeep.soundness",
    "upkeep.staged_vectors": "store.upkeep.staged_vectors",
    "upkeep.texts": "store.upkeep.texts",
    "upkeep.unreferenced": "store.upkeep.unreferenced",
    "views": "memory.views",
    "views.archive": "memory.views.archived",
    "views.attributes": "memory.views.attributes",
    "views.by_id": "memory.views.by_id",
    "views.duplicates": "memory.views.duplicates",
    "views.log_values": "memory.views.log_values",
    "views.log_views": "memory.views.log_views",
    "views.surprise": "memory.views.surprise",
    "views.targets": "memory.views.targets",
    "views.uses": "memory.views.uses",
    "views.view": "memory.views.view",
    "views.votes": "memory.views.votes",
    "views.withdrawals": "memory.views.withdrawals",
    "words": "text.words",
    "world_session": "agent.world_session",
    "wrappers": "recording",
    "wrappers.action_summary": "recording.action_summary",
    "wrappers.episode_log": "recording.episode_log",
    "wrappers.options": "recording.recording_options",
    "wrappers.outcomes": "recording.outcomes",
    "wrappers.plan_log": "recording.plan_log",
    "wrappers.quick_steps": "recording.quick_steps",
    "wrappers.record": "recording.record",
    "wrappers.recorder": "recording.recorder",
    "wrappers.single": "recording.single_env",
    "wrappers.vector": "recording.vector_env",
}


class _Forwarder(MetaPathFinder, Loader):
    """Finds and loads only the old paths."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a spec for a moved module; None for any other name."""
        is_moved = fullname.removeprefix(f"{PACKAGE}.") in MOVED and fullname.startswith(f"{PACKAGE}.")
        return ModuleSpec(fullname, self) if is_moved else None

    def exec_module(self, module: ModuleType) -> None:
        """Replace the empty module by the one at its new path."""
        old = module.__name__
        new = f"{PACKAGE}.{MOVED[old.removeprefix(f'{PACKAGE}.')]}"
        warnings.warn(f"{old} is now {new}; import it from there", DeprecationWarning, stacklevel=2)
        sys.modules[old] = importlib.import_module(new)  # the import system returns this entry


def install() -> None:
    """Install the import hook; further calls have no effect."""
    if not any(isinstance(finder, _Forwarder) for finder in sys.meta_path):
        # First, or a moved package would load second copies of its modules under the old names.
        sys.meta_path.insert(0, _Forwarder())
