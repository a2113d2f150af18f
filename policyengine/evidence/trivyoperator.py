"""The reports that Trivy's operator keeps in a Kubernetes cluster: one `VulnerabilityReport` for each image."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from policyengine.evidence import severity
from policyengine.evidence.fields import Record, array, collect, member, number, required, text
from policyengine.evidence.identifiers import ranked
from policyengine.evidence.instants import instant
from policyengine.evidence.model import Finding, Package
from policyengine.evidence.packages import ecosystem
from policyengine.evidence.reading import Reading, Source, scanned


def read(resource: Record, source: Source) -> Reading:
    """A resource as `kubectl get vulnerabilityreport NAME -o json` prints it."""
    report = member(resource, "report")
    found = collect(array(report, "vulnerabilities"), partial(_vulnerability, document=source.digest), "vulnerability")
    digest = text(member(report, "artifact"), "digest")
    version, stated = text(member(report, "scanner"), "version"), text(report, "updateTimestamp")
    return scanned("trivy-operator-json", "trivy", version, stated, found, source, (digest,) if digest else ())


def _vulnerability(each: Record, document: str) -> Iterable[Finding]:
    purl = text(each, "packagePURL")
    name, version = required(each, "resource"), text(each, "installedVersion")
    yield Finding(
        ids=ranked((required(each, "vulnerabilityID"),)),
        severity=severity.from_word(text(each, "severity")),
        cvss=number(each, "score") or None,
        package=Package(name, version, ecosystem(purl), purl=purl, document=document),
        fix=text(each, "fixedVersion"),
        title=text(each, "title"),
        location=text(each, "packagePath") or text(each, "target"),
        published=instant(text(each, "publishedDate")),
        tool="trivy",
        document=document,
    )
