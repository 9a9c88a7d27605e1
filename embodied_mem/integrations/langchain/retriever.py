"""`ExperienceRetriever`: recall as a retriever of LangChain."""

from collections.abc import Mapping
from typing import Any, cast

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import field_validator

from embodied_mem.integrations.langchain.calls import arecall, check_memory, recall
from embodied_mem.integrations.langchain.documents import document_of
from embodied_mem.records.filters import EVERYTHING
from embodied_mem.records.queries import Query, QueryFields, build_query


class ExperienceRetriever(BaseRetriever):
    """Recalls experiences as documents, best first; see `documents.document_of` for what they hold.

    Each call may replace a setting, or give any other field of a `Query` but the text:
    `retriever.invoke("bring the cup", k=2, contrast=1)`. An asynchronous memory is awaited by `ainvoke`;
    for any other, `ainvoke` recalls in a thread.

    Attributes:
        memory: The memory, plain or asynchronous.
        k: Maximum number of documents, 0 to 10,000.
        where: Only experiences that pass this filter are recalled.
        weights: Weights of single parts of the score in place of the memory's own, such as {"text": 2.0}.
        min_similarity: Minimum similarity of single parts, such as {"text": 0.3}.

    Raises:
        InvalidQuery: A setting is invalid, at once and not at the first recall.
    """

    memory: Any
    k: int = 5
    where: Any = EVERYTHING
    weights: Mapping[str, float] | None = None
    min_similarity: Mapping[str, float] | None = None

    @field_validator("memory")
    @classmethod
    def _check_memory(cls, memory: Any) -> Any:
        check_memory(memory)
        return memory

    def model_post_init(self, context: Any, /) -> None:
        """Check the settings."""
        super().model_post_init(context)
        self._query("", {})

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **fields: Any
    ) -> list[Document]:
        return [document_of(hit) for hit in recall(self.memory, self._query(query, fields))]

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **fields: Any
    ) -> list[Document]:
        return [document_of(hit) for hit in await arecall(self.memory, self._query(query, fields))]

    def _query(self, text: str, fields: Mapping[str, Any]) -> Query:
        settings: dict[str, Any] = {
            "k": self.k,
            "where": self.where,
            "weights": self.weights,
            "min_similarity": self.min_similarity,
        }
        return build_query(text, cast("QueryFields", {**settings, **fields}))
