"""The JSON of Anchore: of Engine (`anchore-cli image vuln`), and of Enterprise (`anchorectl image vulnerabilities`)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from policyengine.evidence import severity
from policyengine.evidence.fields import Record, array, collect, required, text
from policyengine.evidence.identifiers import ranked
from policyengine.evidence.model import Collection, Finding, Gap, Package
from policyengine.evidence.reading import Reading, Source, scanned

_NONE = "None"  # how Engine, which is in Python, writes that there is none


def read(report: Record, source: Source) -> Reading:
    """An answer of `/images/…/vuln/KIND`. Of any kind but `all`, it is unknown what else the image has."""
    found = collect(array(report, "vulnerabilities"), partial(_vulnerability, document=source.digest), "vulnerability")
    asked = required(report, "vulnerability_type")
    if asked != "all":
        found = Collection(found.items, (*found.gaps, Gap(f"only vulnerabilities of the kind {asked} were asked for")))
    digest = text(report, "imageDigest")
    return scanned("anchore-json", "anchore", None, None, found, source, (digest,) if digest else ())


def read_list(listed: list[Record], source: Source) -> Reading:
    """What `anchorectl` prints: a bare list of vulnerabilities. An empty one could be anything, and is no scan."""
    found = collect(listed, partial(_vulnerability, document=source.digest), "vulnerability")
    return scanned("anchorectl-json", "anchore", None, None, found, source)


def _vulnerability(each: Record, document: str) -> Iterable[Finding]:
    fix, place = text(each, "fix"), text(each, "package_path") or text(each, "packagePath")
    name = text(each, "package_name") or required(each, "packageName")
    version = text(each, "package_version") or text(each, "packageVersion")
    yield Finding(
        ids=ranked((required(each, "vuln"),)),
        severity=severity.from_word(text(each, "severity")),
        package=Package(name, version, document=document),
        fix=None if fix == _NONE else fix,
        title=text(each, "description"),
        location=None if place == _NONE else place,
        tool="anchore",
        document=document,
    )
