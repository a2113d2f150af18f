"""Documents that are recognised but not read, and what to attach instead.

They come from scanners, and whoever attaches one believes to have attached a scan. So the refusal says what it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from policyengine.errors import EvidenceError
from policyengine.evidence.fields import is_array

_SARIF = "attach what it writes as SARIF"
_CYCLONEDX = "attach the CycloneDX that Amazon Inspector makes of an SBOM"
_FIRST = 10

OBJECTS: tuple[tuple[frozenset[str], str, str], ...] = tuple(
    (frozenset(keys.split()), name, advice)
    for keys, name, advice in (
        ("runs", "a SARIF log that does not say its version", "attach SARIF 2.1.0"),
        ("imageScanFindings", "findings of Amazon ECR", _CYCLONEDX),
        ("scanOriginResource result", "a report of Wiz in JSON", _SARIF),
        ("metadata securityEvaluation", "an evaluation by Anchore Enterprise", "attach Grype's JSON"),
        ("sbomId extendedSupport vulnerabilities", "a one-time scan by Anchore Enterprise", "attach Grype's JSON"),
        ("sbom policyEvaluation vulnerabilities", "a one-time scan by Anchore Enterprise", "attach Grype's JSON"),
        ("entityInfo", "an answer of Prisma Cloud's API or plugin",
         "attach the JSON of `twistcli images scan --output-file`"),
        ("cves_counts cves", "an answer of Aqua's API", "attach the JSON of Aqua's `scannercli scan`"),
        ("result query more_data_all_pages", "an answer of Aqua's API", "attach the JSON of Aqua's `scannercli scan`"),
        ("securityViolations licensesViolations", "a report of JFrog Xray in JSON", _SARIF),
        ("detailedVulnerabilities aggregateBomViewEntries", "a report of Black Duck in JSON", _SARIF),
        ("kics_version queries", "a report of KICS in JSON", _SARIF),
        ("summaryDetails resources", "a report of Kubescape in JSON", _SARIF),
        ("results errors paths", "a report of Semgrep in JSON", _SARIF),
        ("results metrics generated_at", "a report of Bandit in JSON", _SARIF),
        ("summary details", "a report of Dockle in JSON", _SARIF),
        ("invocation scanner metadata", "the predicate of a scan", "attach the in-toto statement that it belongs to"),
        ("cveId machineId productName", "an answer of Microsoft Defender's API", _SARIF),
        ("SchemaVersion ProductArn", "a finding of AWS Security Hub", _SARIF),
        ("findingArn packageVulnerabilityDetails", "a finding of Amazon Inspector",
         _CYCLONEDX),
        ("scan_id vulnerabilities", "a report of JFrog Xray in JSON", _SARIF),
        ("total_rows rows", "a report of JFrog Xray in JSON", _SARIF),
        ("scan_id violations", "a report of JFrog Xray in JSON", _SARIF),
        ("RuleID Fingerprint StartLine", "a report of Gitleaks in JSON", _SARIF),
        ("code column file level line message", "a report of hadolint in JSON", _SARIF),
        ("check_name fingerprint location", "a report of GitLab's code quality", _SARIF),
        ("security_advisory security_vulnerability", "alerts of GitHub", "attach the SARIF of a scan of the image"),
        ("vulnerability artifact matchDetails", "Grype's matches without a report", "attach `grype --output json`"),
    )
)  # fmt: skip
"""Keys by which an object is recognised (see `_objects` for where it may be), what it is then, and the advice."""


def refusal(value: Any) -> EvidenceError:
    """Why a document of no format that is read is refused, by what it looks like."""
    for each in _objects(value):
        if str(each.get("apiVersion")).startswith("aquasecurity.github.io/"):
            advice = "attach its `VulnerabilityReport`, or the JSON of `trivy image`"
            return _unread("another report of Trivy's operator than that of vulnerabilities", advice)
        for keys, name, advice in OBJECTS:
            if keys <= each.keys():
                return _unread(name, advice)
    return EvidenceError("the document is JSON of no known format", "", 1, 1, 0)


def stream(data: bytes) -> EvidenceError | None:
    """Why several JSON values after each other are refused, where they are those of govulncheck."""
    if not _CONFIG.match(data):
        return None
    return _unread("a stream of govulncheck in JSON", "attach what it writes with `-format sarif`")


_CONFIG = re.compile(rb'\s{0,100}\{\s{0,100}"config"\s{0,100}:\s{0,100}\{\s{0,100}"protocol_version"')


def _unread(name: str, advice: str) -> EvidenceError:
    return EvidenceError(f"the document is {name}, which is not read", advice, 1, 1, 0)


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """The object, and the first ones of a list, alone or as `findings` or `value` of an object."""
    listed = value
    if type(value) is dict:
        yield value
        listed = next((value[key] for key in ("findings", "Findings", "value") if key in value), None)
    if is_array(listed):
        yield from (each for each in islice(listed, _FIRST) if type(each) is dict)
