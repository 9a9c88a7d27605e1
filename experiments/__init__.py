"""Experiments: configs, runner, statistics, report and command line."""
