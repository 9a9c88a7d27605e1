"""`confidence_of`: how sure a model was, from the log-probabilities of its answer's tokens."""

import math
from typing import Any


def confidence_of(logprobs: Any) -> float | None:
    """The geometric mean of the probabilities of an answer's tokens, 0 to 1; None where there are none.

    Where a grammar holds the answer, these are the model's own probabilities, before the grammar: an answer
    that the model would not have given is unsure.

    Args:
        logprobs: As chats give them (`content`, also llama.cpp's completions), or as completions of OpenAI do
            (`token_logprobs`). What has another form counts as none: a server may send anything.
    """
    given: Any = None
    if isinstance(logprobs, dict):
        content = logprobs.get("content")
        if isinstance(content, list):
            given = [token.get("logprob") if isinstance(token, dict) else None for token in content]
        else:
            given = logprobs.get("token_logprobs")
    if not isinstance(given, list):
        return None
    values = [float(value) for value in given if _is_logprob(value)]
    return math.exp(math.fsum(values) / len(values)) if values else None


def _is_logprob(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value <= 0
