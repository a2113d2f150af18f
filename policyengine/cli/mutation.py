"""Faults of policies for people and for programs: how many the tests notice, and which they do not."""

from __future__ import annotations

from typing import Any

from policyengine.cli.coverage import placed
from policyengine.reports.look import Page
from policyengine.reports.wording import plural
from policyengine.testing.mutation import Mutation


def show(page: Page, mutation: Mutation) -> None:
    """The verdict, then each fault that no test notices, and what a test would have to show."""
    count = f"{mutation.noticed} of {plural(mutation.tried, 'fault')} {'is' if mutation.tried == 1 else 'are'} noticed"
    page.line(page.mark("allow" if mutation.passed else "deny"), f" {count}")
    if mutation.untried:
        page.line(f"{mutation.untried} more were not tried: name fewer policies at once", indent=4)
    for name in mutation.untested:
        page.line(f"{name} has no test: no fault of it would be noticed", indent=4)
    for survivor in mutation.survivors if not page.look.quiet else ():
        span = survivor.span
        page.line((f"{span.path}:{span.line}:{span.column}: ", "dim"), f"{survivor.what}, and no test fails", indent=4)
        page.line(("a test would have to show: ", "cyan"), survivor.show, indent=8)


def as_json(mutation: Mutation) -> dict[str, Any]:
    """The key `mutation` of `test -o json`."""
    survivors = [{**placed(each.span), "fault": each.what, "show": each.show} for each in mutation.survivors]
    return {
        "tried": mutation.tried, "noticed": mutation.noticed, "untried": mutation.untried,
        "untested": mutation.untested, "survivors": survivors,
    }  # fmt: skip
