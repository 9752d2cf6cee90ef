"""The command that looks at this machine: doctor."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from .group import REFUSED, console, emit, main

if TYPE_CHECKING:
    from ..doctor.finding import Finding

MARKS = {"ok": "", "note": "note", "error": "ERROR"}


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.pass_obj
def doctor(workspace: str, as_json: bool) -> None:
    """Show versions, devices, disk space and extras, and what is wrong with them.

    The exit status is 1 if something that monklite needs does not work.
    """
    from ..doctor import devices, disks, packages
    from ..runs.state import as_json as json_of

    findings = [*packages.found(), *disks.found(workspace), *devices.found()]
    if as_json:
        emit(json_of([finding.as_json() for finding in findings], indent=2) + "\n")
    else:
        _print(findings)
    if any(finding.level == "error" for finding in findings):
        sys.exit(REFUSED)


def _print(findings: list[Finding]) -> None:
    for part in dict.fromkeys(finding.part for finding in findings):
        own = [finding for finding in findings if finding.part == part]
        width = max(len(finding.title) for finding in own)
        console().say(f"\n{part}")
        for finding in own:
            mark = f"{MARKS[finding.level]}: " if MARKS[finding.level] else ""
            console().say(f"    {finding.title:{width}}  {mark}{finding.value}")
            if finding.remedy:
                console().say(f"    {'':{width}}  -> {finding.remedy}")
    wrong = sum(finding.level == "error" for finding in findings)
    console().say(f"\n{wrong} {'thing' if wrong == 1 else 'things'} to mend" if wrong else "\nall that is needed works")
