"""Experiments: configs, runner, statistics, report and command line."""

__all__: list[str] = []  # the command `embodied-mem` is the door
