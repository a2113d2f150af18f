"""The findings and packages of a document as tables for people: `policyengine read --list`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from policyengine.evidence.licenseexpressions import LICENSE_REF
from policyengine.evidence.model import Finding, Package, Sbom, Scan
from policyengine.evidence.reading import Reading
from policyengine.reports.look import Page, columns
from policyengine.reports.safe import printable

FINDINGS = ("SEVERITY", "ID", "PACKAGE", "VERSION", "FIX", "WHERE")
PACKAGES = ("PACKAGE", "VERSION", "LICENCE", "PACKAGE URL")
WIDEST = 40
"""Columns up to which a cell moves what follows it to the right; the rest of a longer one sticks out."""

Row = tuple[str, ...]


def inside(reading: Reading) -> Iterator[Finding | Package]:
    """The findings and packages of a reading, in order."""
    for record in reading.records:
        if isinstance(record, Scan):
            yield from record.findings.items
        elif isinstance(record, Sbom):
            yield from record.packages.items


def show(page: Page, reading: Reading) -> None:
    """A table of the findings, one of the packages, and the names of licences that the document describes itself."""
    listed = list(inside(reading))
    _table(page, FINDINGS, [_finding(each) for each in listed if isinstance(each, Finding)])
    _table(page, PACKAGES, [_package(each) for each in listed if isinstance(each, Package)])
    used = licenses_used((each for each in listed if isinstance(each, Package)), reading.license_names)
    _table(page, ("LICENCE", "NAME"), list(used.items()))


def licenses_used(packages: Iterable[Package], names: Mapping[str, str]) -> dict[str, str]:
    """Those of `names` whose licences occur in the licences of `packages`."""
    found = {name for each in packages for name in re.findall(LICENSE_REF, each.license or "")}
    return {licence: name for licence, name in names.items() if licence in found}


def _finding(each: Finding) -> Row:
    about = each.package
    return (
        each.severity.name if each.severity is not None else "UNKNOWN",
        f"{each.ids[0]} (suppressed)" if each.suppressed else each.ids[0],
        about.name if about else "-",
        (about.version if about else None) or "-",
        each.fix or "-",
        each.location or "-",
    )


def _package(each: Package) -> Row:
    return each.name, each.version or "-", each.license or "-", each.purl or "-"


def _table(page: Page, header: Row, rows: Sequence[Row]) -> None:
    """`rows` under their `header`, aligned; nothing where there is no row."""
    if not rows:
        return
    safe = [header, *(tuple(printable(cell) for cell in row) for row in rows)]
    widths = [min(WIDEST, max(columns(row[number]) for row in safe)) for number in range(len(header))]
    page.blank()
    for number, row in enumerate(safe):
        line = "  ".join(cell + " " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True))
        page.line((line.rstrip(), "" if number else "bold"), indent=4, wrap=False)
