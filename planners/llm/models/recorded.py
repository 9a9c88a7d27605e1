"""`RecordedModel`: answers from a recording of an earlier run, so that it can be played without the model."""

import contextlib
import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from embodied_mem.errors import ExperimentError, ModelError, NotRecorded
from embodied_mem.planners.llm.models.call_log import FILE, digests_of, model_call, without_address
from embodied_mem.planners.llm.models.language_model import Answer, Request
from embodied_mem.planners.llm.models.logged_tokens import RecordedTokens, logged_counts
from embodied_mem.records.json_values import JsonObject, canonical

KEPT = ("key", "place", "parts", "answer", "tokens_in", "tokens_out", "tokens_cached", "seconds", "error")
KEPT_IF_GIVEN = ("confidence",)  # recordings of earlier versions lack it
HOW = "record anew: run with the model, then embodied-mem llm record RUN FILE"
_ATTEMPT = re.compile(r"-\d+(?=#|$)")  # of a place: how often the run was started before


class RecordedModel:
    """Answers each request as it was answered when it was recorded.

    Args:
        path: A recording, as `record` writes it.

    Raises:
        ExperimentError: The file cannot be read, or is no recording.
    """

    def __init__(self, path: str | Path) -> None:
        header, *lines = _lines(Path(path))
        self._model: JsonObject = header["model"]
        self.form = str(header["form"])
        self.token_counter = RecordedTokens(header["tokens"]) if "tokens" in header else None
        self._by_key = {line["key"]: line for line in reversed(lines)}
        self._by_place = {_plain(line["place"]): line for line in lines}

    def describe(self) -> JsonObject:
        """What the recorded model said of itself."""
        return dict(self._model)

    async def answer(self, request: Request) -> Answer:
        """Return the recorded answer.

        Raises:
            NotRecorded: There is none; the message names the parts of the request that changed.
            ModelError: The recorded model gave no answer either.
        """
        asked = model_call(request, self._model)
        here = self._by_place.get(_plain(request.place))
        line = here if here is not None and here["key"] == asked.key else self._by_key.get(asked.key)
        if line is None:
            raise NotRecorded(f"{self._what_changed(request, here)}; {HOW}")
        if line["error"]:
            raise ModelError(line["error"])
        return answer_of(line)

    def _what_changed(self, request: Request, here: Mapping[str, Any] | None) -> str:
        if here is None:
            return f"no answer is recorded for {request.place}"
        now = digests_of(request, self._model)
        changed = [name for name in {**here["parts"], **now} if here["parts"].get(name) != now.get(name)]
        return f"at {request.place} the recorded request differs in {', '.join(changed) or 'its prompt'}"


def record(folders: Iterable[Path], path: Path, *, form: str) -> int:
    """Write a recording of all model calls below some folders, without their prompts.

    Args:
        folders: Where the calls were logged.
        path: The recording, `*.jsonl.gz`.
        form: Form of the model's templates.

    Returns:
        Number of recorded calls.

    Raises:
        ExperimentError: There are no calls, or they are of several models.
    """
    folders = list(folders)
    lines = [line for folder in folders for each in sorted(folder.rglob(FILE)) for line in log_lines(each)]
    models = {canonical(without_address(line["model"])) for line in lines}
    if len(models) != 1:
        raise ExperimentError(f"the {FILE} files hold calls of {len(models)} models; expected one")
    header = {"model": lines[0]["model"], "form": form}
    if counts := logged_counts(folders):
        header["tokens"] = counts
    text = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in [header, *map(_kept, lines)])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    return len(lines)


def _kept(line: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: line[name] for name in KEPT_IF_GIVEN if line.get(name) is not None}
    return {name: line[name] for name in KEPT} | given


def _plain(place: str) -> str:
    """A place without the number of the attempt, which differs after a run was resumed."""
    return _ATTEMPT.sub("", place)


def _lines(path: Path) -> list[Any]:
    try:
        text = gzip.decompress(path.read_bytes()).decode("utf-8")
        lines = [json.loads(line) for line in text.split("\n") if line]
    except (OSError, EOFError, ValueError) as error:
        raise ExperimentError(f"{path} is no recording of model calls: {error}") from None
    is_table = bool(lines) and all(isinstance(each, dict) for each in lines)
    if not is_table or not {"form", "model"} <= set(lines[0]):
        raise ExperimentError(f"{path} is no recording of model calls: its first line names no model")
    for at, line in enumerate(lines[1:], start=2):
        if missing := set(KEPT) - set(line):
            raise ExperimentError(f"line {at} of {path} lacks {', '.join(sorted(missing))}; {HOW}")
    return lines


def answer_of(line: Mapping[str, Any]) -> Answer:
    """The answer of a line of a log, with what it cost."""
    names = ("tokens_in", "tokens_out", "tokens_cached", "seconds", "usd", "confidence")
    return Answer(text=line["answer"], **{name: line[name] for name in names if name in line})


def log_lines(path: Path) -> Iterator[Any]:
    """The lines of a log of calls."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            with contextlib.suppress(ValueError):  # a killed run may have left a torn line
                yield json.loads(line)
