"""`CheckReport`: what a check of a store found, what was done, and what is left to do."""

import enum
from dataclasses import dataclass
from pathlib import Path


class Severity(enum.StrEnum):
    """How bad a finding is."""

    NOTE = "note"  # information; nothing is wrong
    WARNING = "warning"  # something is missing or left over; the stored data are sound
    DAMAGE = "damage"  # some stored data cannot be trusted


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a check found.

    Attributes:
        name: The part checked: `file`, `entries`, `columns`, `links`, `attachments`, `index`, ...
        severity: How bad it is.
        what: The problem.
        done: What a repair did about it; empty if nothing.
        next_step: What the user should do; empty if nothing.
    """

    name: str
    severity: Severity
    what: str
    done: str = ""
    next_step: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it is more than a note and was not repaired."""
        return self.severity is not Severity.NOTE and not self.done

    def __str__(self) -> str:
        parts = (f"{self.severity}: {self.name}: {self.what}", self.done, self.next_step)
        return "; ".join(part for part in parts if part)


def repair_with(folder: Path) -> str:
    """The next step for a problem that a repair solves."""
    return f"run: embodied-mem memory check --repair {folder}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What a check of a store found.

    Attributes:
        path: The store's folder.
        n_entries: Number of entries checked.
        findings: The findings, in the order of checking; empty if all is well.
        damaged_folder: Where a repair put the original and what it moved aside; None if it moved nothing.
    """

    path: Path
    n_entries: int
    findings: tuple[Finding, ...] = ()
    damaged_folder: Path | None = None

    @property
    def is_clean(self) -> bool:
        """Whether no problem is left: none was found, or all were repaired."""
        return not any(finding.is_open for finding in self.findings)

    def __str__(self) -> str:
        end = "all is well" if self.is_clean else "not all is well"
        lines = [f"{self.path}: {self.n_entries:,} entries, {end}", *map(str, self.findings)]
        if self.damaged_folder is not None:
            lines.append(f"the original and what was moved aside are in {self.damaged_folder}")
        return "\n".join(lines)
