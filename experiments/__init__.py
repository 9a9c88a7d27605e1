"""Experiments: configs, runner, statistics, report and command line."""

__all__: list[str] = []  # used through the command `embodied-mem`
