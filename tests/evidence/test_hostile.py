"""Documents made to take long: each small enough to pass every limit on size, and read (or refused) in a moment."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest

from policyengine.errors import EvidenceError
from policyengine.evidence import formats
from policyengine.evidence.reading import Source
from tests.evidence.patience import soon

Json = dict[str, Any]
MANY = 20_000
LONG = 400_000
IMAGE = "sha256:" + "a" * 64


def sarif(tool: str, *messages: str, rule: Json | None = None, **run: Any) -> Json:
    results = [{"ruleId": "CVE-2024-0001", "message": {"text": message}} for message in messages]
    driver = {"name": tool, "rules": [{"id": "CVE-2024-0001", **(rule or {})}]}
    return {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results, **run}]}


def openvex(products: int, subcomponents: int) -> Json:
    statement = {
        "vulnerability": "CVE-2024-0001", "status": "fixed",
        "products": [f"pkg:oci/a{n}@{IMAGE}" for n in range(products)],
        "subcomponents": [f"pkg:npm/b{n}@1" for n in range(subcomponents)],
    }  # fmt: skip
    return {"@context": "https://openvex.dev/ns", "statements": [statement]}


def csaf() -> Json:
    names = [f"P{n}" for n in range(MANY)]
    vulnerability = {
        "cve": "CVE-2024-0001", "product_status": {"known_not_affected": names},
        "flags": [{"label": "x", "group_ids": ["G"]} for _ in range(MANY)],
    }  # fmt: skip
    document = {"csaf_version": "2.0", "tracking": {"status": "final"}}
    tree = {"product_groups": [{"group_id": "G", "product_ids": names}]}
    return {"document": document, "product_tree": tree, "vulnerabilities": [vulnerability]}


def overridden() -> Json:
    override = [{"descriptor": {"id": f"R{n}"}, "configuration": {"level": "note"}} for n in range(MANY)]
    log = sarif("lint", *["x"] * MANY, invocations=[{"ruleConfigurationOverrides": override}])
    for result in log["runs"][0]["results"]:
        result["provenance"] = {"invocationIndex": 0}
    return log


def nested(depth: int) -> Json:
    component: Json = {"name": "a"}
    for _ in range(depth):
        component = {"name": "a", "components": [component]}
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [component]}


STATEMENT = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [{"digest": {"sha256": f"{n:064x}"}} for n in range(100)],
    "predicateType": "x",
}

DOCUMENTS: dict[str, Any] = {
    "sysdig": sarif("sysdig-cli-scanner", "\n" * LONG),
    "grype": sarif("grype", "The path " + " reports " * (LONG // 9)),
    "grype versions": sarif("grype", "A low vulnerability in x package: " + ", version x" * (LONG // 11)),
    "snyk": sarif("Snyk Container", "This file introduces " + "with a x severity " * (LONG // 18) + "\n"),
    "osv": sarif("osv-scanner", "Package '" + "' is vulnerable to 'x' (also known as " * (LONG // 38)),
    "clair": sarif("Clair V4", "[" + " - " * (LONG // 3)),
    "clair fix": sarif("Clair V4", "a - b - c", rule={"help": {"text": "\n\nFixed In: x" * (LONG // 13) + " y"}}),
    "jfrog": sarif("JFrog Xray", "[" + "] " * (LONG // 2)),
    "trivy": sarif("Trivy", "Package: " + "\nInstalled Version: " * (LONG // 20)),
    "scout": sarif("docker scout", "a:\n" * (LONG // 3)),
    "prisma": sarif("Prisma Cloud (twistcli)", "", rule={"shortDescription": {"text": "[Prisma Cloud] " + "(" * LONG}}),
    "ids": sarif("homemade", "x", rule={"id": "CVE-" * (LONG // 4)}),
    "hierarchy": sarif("lint", "x", rule={"id": "/" * LONG}),
    "shared rule": sarif("Trivy", *["x"] * MANY, rule={"help": {"text": "Severity: x\n" * 20_000}}),
    "shared tags": sarif("homemade", *["x"] * MANY, rule={"properties": {"tags": ["x"] * 200_000}}),
    "overrides": overridden(),
    "licences": {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "components": [{"name": "a", "licenses": [{"license": {"name": f"x y {n}"}} for n in range(LONG // 4)]}],
    },
    "nested components": nested(250),
    "statements": [STATEMENT] * 1_500,
    "subjects": {**STATEMENT, "subject": [{"digest": {"sha256": f"{n:064x}"}} for n in range(MANY)]},
    "openvex": openvex(MANY, MANY),
    "csaf": csaf(),
    "spdx purl": {
        "spdxVersion": "SPDX-2.3",
        "packages": [
            {"name": "a", "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:" + "/" * LONG}]}
        ],
    },
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_hostile_document_takes_a_moment(name: str) -> None:
    data = json.dumps(DOCUMENTS[name]).encode()
    with soon(), suppress(EvidenceError):
        assert len(formats.read(data, Source("sha256:d", image=(IMAGE,))).warnings) < 200


@pytest.mark.parametrize(
    "text", [b"SPDXVersion: SPDX-2.3\n" + b"PackageName: a\n" * 200_000, b"<a>" * 100_000, b"#\n" * LONG]
)
def test_hostile_texts_take_a_moment(text: bytes) -> None:
    with soon(), suppress(EvidenceError):
        formats.read(text, Source("sha256:d"))
