"""The report of a run: one self-contained HTML page with its own charts, no network and no dependency."""

from embodied_mem.experiments.report.page import write_report

__all__ = ["write_report"]
