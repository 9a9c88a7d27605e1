"""`embodied-mem setup virtualhome`: says size and licence, asks, installs with pip, and checks the result."""

import argparse
import importlib
import subprocess
import sys
from collections.abc import Callable, Sequence

from embodied_mem.envs.virtualhome import package
from embodied_mem.errors import ExperimentError

Say = Callable[[str], None]


def set_up(
    options: argparse.Namespace,
    *,
    say: Say = print,
    ask: Callable[[str], str] = input,
    pip: Callable[[Sequence[str]], int] = subprocess.call,
) -> int:
    """Install the simulator, unless it is there already or the user declines.

    Args:
        options: The parsed arguments.
        say: Called with each line.
        ask: Asks a question and returns the answer.
        pip: Runs a command and returns its exit status.

    Returns:
        0 if the simulator can be used afterwards, 1 if the user declined.

    Raises:
        ExperimentError: pip failed, or what it installed cannot be used.
    """
    if not package.what_is_missing():
        say(f"{package.PACKAGE} {package.VERSION} is installed: {_checked()}")
        return 0
    say(f"{package.PACKAGE} {package.VERSION}, licence {package.LICENCE}")
    say(f"{package.DOWNLOAD_MB} MB to download, {package.DISK_MB} MB on disk, without dependencies")
    command = install_command()
    say(f"command: {' '.join(command)}")
    if not options.yes and not _agrees(ask):
        say("nothing was installed")
        return 1
    if pip(command):
        raise ExperimentError(f"pip could not install {package.PACKAGE}; run the command above to see why")
    say(f"installed: {_checked()}")
    return 0


def install_command() -> list[str]:
    """The command that installs the package for the running interpreter, as words."""
    return [sys.executable, "-m", "pip", "install", "--no-deps", f"{package.PACKAGE}=={package.VERSION}"]


def _agrees(ask: Callable[[str], str]) -> bool:
    try:
        return ask("Install it? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:  # nobody is there to ask
        return False


def _checked() -> str:
    """What can be used now, in words."""
    importlib.invalidate_caches()
    from embodied_mem.envs.virtualhome.usable import usable_problems

    missing = package.what_is_missing()
    if missing:
        raise ExperimentError(f"the installation cannot be used: {missing}")
    package.load_simulator()
    return f"{len(usable_problems())} problems can be played"
