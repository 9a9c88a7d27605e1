"""Data for the page's episode browser: a small index, and details packed by lifetime.

A default run has about 5,500 episodes and 80 MB of rows. The index (one short array per episode) is plain
JSON; calls and decisions are gzipped per lifetime and unpacked by the page when an episode is opened, which
keeps the page small and quick. Chunks over the size budget are left out, learning before held-out episodes,
and a note says so.
"""

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embodied_mem.experiments.report.markup import Markup
from embodied_mem.experiments.report.model_calls import model_calls
from embodied_mem.experiments.rows import PHASES, EpisodeRow, Phase
from embodied_mem.experiments.run_folder import Run

DETAIL_BYTES = 11_000_000  # of base64; with index and charts the page stays below 15 MB
INDEX_ROWS = 60_000  # about 80 bytes each
MAX_CALLS = 400
MAX_DECISIONS = 200
MAX_EPISODE_CHARS = 400_000  # beyond it calls, decisions and long texts are cut
MAX_TEXT = 2_000
COMPRESSION = 5  # level 6 takes 1.5 times as long for a page 5 % smaller
COLUMNS = (
    "arm",
    "lifetime",
    "phase",
    "index",
    "kind",
    "task",
    "status",
    "success",
    "steps",
    "max_steps",
    "decisions",
)


@dataclass(frozen=True, slots=True)
class Packed:
    """The data of the episodes in the page.

    Attributes:
        index: Distinct arms, kinds, tasks and statuses, and one array of `COLUMNS` per episode.
        chunks: `arm number/lifetime/phase` -> base64 of gzipped JSON, episode index -> its details.
        left_out: Notes on episodes and details that are left out.
    """

    index: dict[str, Any]
    chunks: dict[str, str]
    left_out: tuple[str, ...]


def pack(
    run: Run, *, focus: str | None, detail_bytes: int = DETAIL_BYTES, index_rows: int = INDEX_ROWS
) -> Packed:
    """Pack the episodes of a run; held-out phases, then the focus arm, have priority if room is short.

    Args:
        run: The run.
        focus: The arm the report is about.
        detail_bytes: Room for details in bytes of base64.
        index_rows: Most episodes listed.
    """
    groups = [
        (arm, number, life.number, phase, life.phase(phase))
        for number, arm in enumerate(run.arms)
        for life in run.lifetimes.get(arm, ())
        for phase in PHASES
        if life.phase(phase)
    ]
    groups.sort(key=lambda group: (group[3] == "learn", group[0] != focus, group[2], group[1]))
    chunks: dict[str, str] = {}
    used = missing = 0
    is_full = False
    for arm, number, lifetime, phase, episodes in groups:
        folder = run.folder / "lifetimes" / arm / f"{lifetime:02d}"
        packed = "" if is_full else pack_chunk(episodes, folder)
        is_full = is_full or used + len(packed) > detail_bytes
        if is_full:
            missing += len(episodes)
        else:
            chunks[f"{number}/{lifetime}/{phase}"] = packed
            used += len(packed)
    rows = [row for *_, group in groups for row in group]
    return Packed(_index(run, rows[:index_rows]), chunks, _left_out(len(rows), missing, index_rows))


def pack_chunk(rows: Sequence[EpisodeRow], folder: Path | None = None) -> str:
    """Details of some episodes as base64 of gzipped JSON; equal rows give equal text.

    Args:
        rows: Episodes of one lifetime.
        folder: Folder of the lifetime, with the logs of its model calls; None: without them.
    """
    asked = {} if folder is None else model_calls(folder, [row.attempt for row in rows])
    document = ",".join(f'"{row.index}":{episode_detail(row, asked.get(row.attempt, ()))}' for row in rows)
    data = f"{{{document}}}".encode("utf-8", "replace")
    return base64.b64encode(gzip.compress(data, compresslevel=COMPRESSION, mtime=0)).decode("ascii")


def episode_detail(row: EpisodeRow, asked: Sequence[Mapping[str, Any]] = ()) -> str:
    """Details of an opened episode as JSON: the row with its model calls, shortened if it is very long."""
    text = row.line.decode("utf-8", "replace")
    if asked:
        text = f'{text.rstrip()[:-1]},"model_calls":{json.dumps(asked, separators=(",", ":"))}}}'
    if len(text) <= MAX_EPISODE_CHARS and "NaN" not in text and "Infinity" not in text:
        return text
    document = json.loads(text, parse_constant=lambda name: None)  # browsers cannot parse NaN
    for part, most in (("calls", MAX_CALLS), ("decisions", MAX_DECISIONS), ("model_calls", MAX_DECISIONS)):
        document[f"{part}_cut"] = max(0, len(document.get(part, ())) - most)
        document[part] = document.get(part, [])[:most]
    return json.dumps(_short(document), separators=(",", ":"))


def json_script(document: Any) -> Markup:
    """JSON for a script element: `<` is escaped, so that no text can end the element."""
    data = json.dumps(document, separators=(",", ":"))
    return Markup(data.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _index(run: Run, rows: list[EpisodeRow]) -> dict[str, Any]:
    tables: dict[str, dict[str, int]] = {"kind": {}, "task": {}, "status": {}}

    def place(table: str, text: str) -> int:
        return tables[table].setdefault(text[:MAX_TEXT], len(tables[table]))

    phases: dict[Phase, int] = {"learn": 0, "held_out": 1}
    arms = {arm: number for number, arm in enumerate(run.arms)}
    ordered = sorted(rows, key=lambda row: (arms[row.arm], row.lifetime, phases[row.phase], row.index))
    arrays = [
        [
            arms[row.arm],
            row.lifetime,
            phases[row.phase],
            row.index,
            place("kind", row.kind),
            place("task", row.task),
            place("status", row.status),
            int(row.success),
            row.steps,
            row.max_steps,
            row.decisions,
        ]
        for row in ordered
    ]
    return {
        "columns": COLUMNS,
        "arms": run.arms,
        **{name: list(table) for name, table in tables.items()},
        "rows": arrays,
    }


def _left_out(total: int, missing: int, index_rows: int) -> tuple[str, ...]:
    notes = []
    if total > index_rows:
        notes.append(f"{total - index_rows:,} of {total:,} episodes are not listed here.")
    if missing:
        notes.append(
            f"To keep this page small, calls and memories of {missing:,} of {total:,} episodes are left out; "
            "they are in the run folder, in lifetimes/<arm>/<number>/episodes.jsonl."
        )
    return tuple(notes)


def _short(value: Any) -> Any:
    if isinstance(value, str):
        left_out = len(value) - MAX_TEXT
        return value if left_out <= 0 else f"{value[:MAX_TEXT]}… ({left_out:,} characters more)"
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    return [_short(item) for item in value] if isinstance(value, list) else value
