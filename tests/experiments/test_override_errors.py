"""An override that cannot be used is named with its value, what was expected, and how to write it."""

import dataclasses
import shlex
import typing

import pytest

from embodied_mem.errors import ExperimentError
from embodied_mem.experiments.compose import compose_config
from embodied_mem.experiments.config import RunConfig

WRONG = {  # type of a setting -> a value that it does not take
    int: "many",
    int | None: "many",
    float | None: "many",
    str: "[a]",
    bool: "perhaps",
    list: "one",
    dict: "one",
}


def settings(kind: type = RunConfig, prefix: str = "") -> list[tuple[str, str]]:
    """Every setting with a value that it does not take."""
    found = []
    for name, inner in typing.get_type_hints(kind).items():
        if dataclasses.is_dataclass(inner):
            found += settings(typing.cast("type", inner), f"{name}.")
        else:
            found.append((f"{prefix}{name}", WRONG.get(inner) or WRONG[typing.get_origin(inner)]))
    return found


@pytest.mark.parametrize(("key", "value"), settings())
def test_a_value_of_the_wrong_type_is_named_with_what_was_expected(key: str, value: str) -> None:
    with pytest.raises(ExperimentError) as raised:
        compose_config([f"{key}={value}"])
    message = str(raised.value)
    assert message.startswith(f"{key} is {value!r}; expected ")
    example = message.rpartition("as in ")[2]
    assert example.startswith(f"{key}=")
    compose_config([example])  # the next step works


@pytest.mark.parametrize(
    ("override", "example"),
    [
        ("stream.kinds=one", "stream.kinds=[one]"),
        ("stream.kinds=babyai:Pickup", "stream.kinds=[babyai:Pickup]"),
        ("arms=none", "arms=[none]"),
        ("comparisons=[none]", "comparisons=[[a,b]]"),
        ("variants.mine=3", "variants.mine={a: 1}"),
        ("limits=3", "limits={a: 1}"),
    ],
)
def test_the_example_is_close_to_what_was_given(override: str, example: str) -> None:
    with pytest.raises(ExperimentError) as raised:
        compose_config([override])
    assert str(raised.value).endswith(f"as in {example}")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("out", "runs/k=5"),
        ("name", "a=b"),
        ("memory.options.note", "x=1,y=2"),
        ("planner.options.prompt", 'say "a=b"'),
        ("planner.options.prompt", "a, b"),
        ("name", "a,b"),
    ],
)
def test_text_that_needs_quotes_is_shown_in_quotes(key: str, value: str) -> None:
    with pytest.raises(ExperimentError) as raised:
        compose_config([f"{key}={value}"])
    message = str(raised.value)
    assert message.startswith(f"{key} is {value!r}, which cannot be read; expected ")
    [written] = shlex.split(message.rpartition("in quotes: ")[2])
    found: typing.Any = compose_config([written])
    for part in key.split("."):
        found = found[part] if isinstance(found, dict) else getattr(found, part)
    assert found == value


@pytest.mark.parametrize("key", ["arms", "stream.kinds"])
def test_a_list_without_brackets_is_shown_with_them(key: str) -> None:
    with pytest.raises(ExperimentError, match="which cannot be read; expected") as raised:
        compose_config([f"{key}=none,memory"])
    assert str(raised.value).endswith(f"write a list: '{key}=[none,memory]'")


@pytest.mark.parametrize("override", ["arms=[none", "stream.kinds=[a=b]", "variants={a: {", "name='it"])
def test_brackets_and_quotes_that_stay_open_are_named(override: str) -> None:
    key, _, value = override.partition("=")
    with pytest.raises(ExperimentError, match="close every bracket and quote") as raised:
        compose_config([override])
    assert str(raised.value).startswith(f"{key} is {value!r}, which cannot be read; expected ")
