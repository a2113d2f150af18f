"""What every format gets, and how one is found: each is a module with one function, imported when it is asked for."""

from __future__ import annotations

from importlib import import_module

from msgspec import Struct
from msgspec.structs import replace

from policyengine.decision.model import Decision
from policyengine.reports.look import Look


class Report(Struct, frozen=True):
    """What is to be shown: the decisions, whether several were asked for, and the exit code that the run will have.

    `summary` is the file of a Markdown report of the same run, for formats that can name one.
    """

    decisions: tuple[Decision, ...]
    look: Look = Look()
    several: bool = False
    exit_code: int = 0
    summary: str = ""

    def for_file(self) -> Report:
        """The same for a file: no colours, lines as long as they are."""
        return replace(self, look=replace(self.look, width=0, colour=False, unicode=True))


def render(name: str, report: Report) -> str:
    """`report` in the format `name`, one of `reports.FORMATS`."""
    text: str = import_module(f"policyengine.reports.{name}").render(report)
    return text
