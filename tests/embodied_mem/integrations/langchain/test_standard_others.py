"""LangChain's standard tests of a retriever, of tools and of an embedding model."""

import pytest

pytest.importorskip("langchain_tests", reason="needs the extra `test`")

from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import BaseTool
from langchain_tests.integration_tests import (
    EmbeddingsIntegrationTests,
    RetrieversIntegrationTests,
    ToolsIntegrationTests,
)
from langchain_tests.unit_tests import EmbeddingsUnitTests, ToolsUnitTests

from embodied_mem import Experience, ExperienceMemory, HashedEmbedder
from embodied_mem.backends.in_memory import InMemoryBackend
from embodied_mem.integrations.langchain import (
    EmbedderEmbeddings,
    ExperienceRetriever,
    recall_tool,
    record_tool,
)


def memory_of_five() -> ExperienceMemory:
    memory = ExperienceMemory(InMemoryBackend())
    for number in range(5):
        memory.record(Experience(task=f"bring cup {number}"))
    return memory


class TestRetriever(RetrieversIntegrationTests):
    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return ExperienceRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, object]:
        return {"memory": memory_of_five()}

    @property
    def retriever_query_example(self) -> str:
        return "bring a cup"


class Recalling:
    @property
    def tool_constructor(self) -> BaseTool:
        return recall_tool(memory_of_five())

    @property
    def tool_invoke_params_example(self) -> dict[str, object]:
        return {"task": "bring a cup", "situation": "it is in the cupboard", "outcome": "any", "k": 2}


class Recording:
    @property
    def tool_constructor(self) -> BaseTool:
        return record_tool(memory_of_five())

    @property
    def tool_invoke_params_example(self) -> dict[str, object]:
        calls = [{"skill": "open", "arguments": {"object": "cupboard"}}]
        return {"task": "bring a cup", "calls": calls, "outcome": "success"}


class TestRecallTool(Recalling, ToolsUnitTests):
    pass


class TestRecallToolInUse(Recalling, ToolsIntegrationTests):
    pass


class TestRecordTool(Recording, ToolsUnitTests):
    pass


class TestRecordToolInUse(Recording, ToolsIntegrationTests):
    pass


class Hashed:
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return EmbedderEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, object]:
        return {"embedder": HashedEmbedder(64)}


class TestEmbeddings(Hashed, EmbeddingsUnitTests):
    pass


class TestEmbeddingsInUse(Hashed, EmbeddingsIntegrationTests):
    pass
