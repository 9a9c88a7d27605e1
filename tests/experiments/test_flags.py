"""The flags of the command line: none may be abbreviated, and an unknown one names the nearest."""

import argparse
from collections.abc import Iterator

import pytest

from embodied_mem.experiments.cli import _parser, main


def parsers(
    parser: argparse.ArgumentParser | None = None, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """Every parser of the command line with the words that lead to it."""
    parser = parser or _parser()
    yield words, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield from parsers(inner, (*words, name))


def required_words(parser: argparse.ArgumentParser) -> list[str]:
    """Words without which the parser reports something else first."""
    found = []
    for action in parser._actions:
        value = str(next(iter(action.choices))) if action.choices else "1"
        if not action.option_strings:
            found.append(value)
        elif action.required:
            found += [action.option_strings[0], value]
    return found


def abbreviations() -> Iterator[list[str]]:
    for words, parser in parsers():
        if any(isinstance(action, argparse._SubParsersAction) for action in parser._actions):
            continue
        flags = {flag for action in parser._actions for flag in action.option_strings}
        for flag in sorted(flags):
            if flag.startswith("--") and flag[:-1] not in flags:
                yield [*words, *required_words(parser), flag[:-1]]


@pytest.mark.parametrize("words", list(abbreviations()), ids=" ".join)
def test_an_abbreviated_flag_is_unknown_and_the_whole_one_is_named(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        _parser().parse_args(words)  # a parser that took it would have `main` carry it out
    error = capsys.readouterr().err.splitlines()[-1]
    assert f"Unknown flag '{words[-1]}'. Did you mean " in error


@pytest.mark.parametrize("parser", [parser for _, parser in parsers()], ids=lambda parser: parser.prog)
def test_no_parser_takes_abbreviations(parser: argparse.ArgumentParser) -> None:
    assert not parser.allow_abbrev


@pytest.mark.parametrize("words", [["--k", "2"], ["--k=2"]])
def test_the_number_of_results_is_not_taken_for_a_kind(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["memory", "search", "F", "x", *words]) == 2
    assert "Unknown flag '--k'. Did you mean '-k' or " in capsys.readouterr().err


def test_a_setting_written_as_a_flag_says_how_settings_are_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["run", "--lifetimes", "2"]) == 2
    assert "A setting is key=value, without dashes, such as lifetimes=2." in capsys.readouterr().err
