"""The libraries of SPDX and of CycloneDX see the same packages, in every document that they can read.

They refuse whole documents for one field, which is why they are oracles here and nothing else: fractions of seconds,
package URLs and serial numbers that somebody got wrong. Tag-value is left out: the library writes tables into its own
folder as it reads; `test_documents` holds our tag-value against the JSON of the same image.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component
from spdx_tools.spdx.model.spdx_no_assertion import SpdxNoAssertion
from spdx_tools.spdx.model.spdx_none import SpdxNone
from spdx_tools.spdx.parser.error import SPDXParsingError
from spdx_tools.spdx.parser.json import json_parser
from spdx_tools.spdx.parser.yaml import yaml_parser

from policyengine.evidence import formats
from policyengine.evidence.model import Package, Sbom
from policyengine.evidence.reading import Source
from tests.evidence.index import rows

HERE = Path(__file__).parent / "documents"
LARGEST = 150_000
"""Bytes: `spdx-tools` takes a second for every few hundred kilobytes."""

logging.getLogger("spdx_tools").setLevel(logging.CRITICAL)


def ours(path: Path) -> list[Package]:
    (sbom, *_) = formats.read(path.read_bytes(), Source("sha256:d")).records
    assert isinstance(sbom, Sbom)
    return list(sbom.packages.items)


def documents(*endings: str) -> list[Path]:
    return sorted(path for path in HERE.iterdir() if path.name.endswith(endings))


def shared_documents(folder: Path, category: str) -> list[Path]:
    known = [folder / row.file for row in rows(folder) if row.category == category]
    return [path for path in known if path.stat().st_size < LARGEST]


# SPDX -----------------------------------------------------------------------------------------------

Seen = Counter[tuple[str, str | None, str | None, str | None]]


def spdx_by_library(path: Path) -> Seen | None:
    """Name, version, package URL and whether a licence is declared; `None` for what the library cannot read."""
    form = formats.sniff(path.read_bytes())
    parsers: dict[str | None, Any] = {"spdx": json_parser, "spdx-yaml": yaml_parser}
    if form not in parsers:
        return None
    try:
        document = parsers[form].parse_from_file(str(path))
    except (SPDXParsingError, UnicodeDecodeError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return Counter((each.name, each.version or None, url(each), licence(each)) for each in document.packages)


def url(package: Any) -> str | None:
    return next((each.locator for each in package.external_references if each.reference_type == "purl"), None)


def licence(package: Any) -> str | None:
    declared = package.license_declared
    if declared is None:
        return None
    return "none" if isinstance(declared, SpdxNone) else "no" if isinstance(declared, SpdxNoAssertion) else "yes"


def spdx_by_us(path: Path) -> Seen:
    words = {None: None, "NONE": "none", "NOASSERTION": "no"}
    return Counter((p.name, p.version, p.purl, words.get(p.license_declared, "yes")) for p in ours(path))


@pytest.mark.parametrize("path", documents(".spdx.json"), ids=lambda path: path.name)
def test_spdx(path: Path) -> None:
    found = spdx_by_library(path)
    assert found is not None
    assert found == spdx_by_us(path)


def test_spdx_of_others(shared: Path) -> None:
    compared = 0
    for path in shared_documents(shared / "data" / "evidence", "spdx"):
        found = spdx_by_library(path)
        if found is not None:
            assert found == spdx_by_us(path), path.name
            compared += 1
    assert compared >= 8


# CycloneDX ------------------------------------------------------------------------------------------


def within(components: Any) -> list[Component]:
    return [each for component in components for each in (component, *within(component.components))]


def cyclonedx_by_library(path: Path) -> set[tuple[str, str | None, bool]] | None:
    """Name with its group, version, and whether there is a package URL; the library makes one of equal components."""
    try:
        with warnings.catch_warnings(action="ignore"):
            bom: Any = Bom.from_json(json.loads(path.read_bytes()))  # type: ignore[attr-defined]
    except Exception:  # noqa: BLE001 - whatever it raises, it cannot read the document
        return None
    listed = within(bom.components)
    about = bom.metadata.component
    return {
        (full(each), each.version or None, each.purl is not None)
        for each in [*listed, *within(about.components if about else ())]
    }


def full(component: Component) -> str:
    joint = ":" if component.purl is not None and component.purl.type == "maven" else "/"
    return f"{component.group}{joint}{component.name}" if component.group else component.name


def cyclonedx_by_us(path: Path) -> set[tuple[str, str | None, bool]]:
    return {(package.name, package.version, package.purl is not None) for package in ours(path)}


@pytest.mark.parametrize("path", documents(".cdx.json"), ids=lambda path: path.name)
def test_cyclonedx(path: Path) -> None:
    found = cyclonedx_by_library(path)
    assert found is not None
    assert found == cyclonedx_by_us(path)


def test_cyclonedx_of_others(shared: Path) -> None:
    compared = 0
    for path in shared_documents(shared / "data" / "evidence", "cyclonedx"):
        found = cyclonedx_by_library(path) if path.suffix == ".json" else None
        if found is not None:
            assert found == cyclonedx_by_us(path), path.name
            compared += 1
    assert compared >= 8
