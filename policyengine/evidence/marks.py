"""Marks by which the formats of scanners are recognised: functions that look at a parsed JSON value."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from policyengine.evidence.fields import is_array

HARBOR = ("application/vnd.security.vulnerability.report", "application/vnd.scanner.adapter.vuln.report.harbor")
"""How the media types begin under which Harbor gives a report; its version comes behind."""

_FIRST = 100  # elements of an array, within which one has to show what it is

# Of any format --------------------------------------------------------------------------------------


def begins(value: Any, prefix: str) -> bool:
    """Whether `value` is a text that begins with `prefix`."""
    return type(value) is str and value.startswith(prefix)


def keys(*names: str) -> Callable[[Any], bool]:
    """The mark of objects that have all these keys."""
    wanted = frozenset(names)
    return lambda value: type(value) is dict and wanted <= value.keys()


def says(key: str, *words: str) -> Callable[[Any], bool]:
    """The mark of objects that have one of these words at `key`."""
    return lambda value: type(value) is dict and type(value.get(key)) is str and value[key] in words


def has(value: Any, key: str, *inner: str) -> bool:
    """Whether one of the first objects in the array at `key` has all the `inner` keys."""
    listed = value.get(key) if type(value) is dict else None
    first = islice(listed, _FIRST) if listed is not None and is_array(listed) else ()
    return any(type(each) is dict and set(inner) <= each.keys() for each in first)


# Of the scanners' own formats -----------------------------------------------------------------------


def is_older_trivy(value: Any) -> bool:
    """The bare array of results of Trivy's first schema.

    Where it found nothing it wrote `null`, which any broken pipeline may write too: that is no scan.
    """
    marks = {"Target", "Vulnerabilities"}
    return type(value) is list and bool(value) and all(type(e) is dict and marks <= e.keys() for e in value)


def is_harbor(value: Any) -> bool:
    """A report under its media type, or as a scanner gives it to Harbor."""
    bare = frozenset(("generated_at", "scanner", "severity", "vulnerabilities"))
    return type(value) is dict and (bare <= value.keys() or any(key.startswith(HARBOR) for key in value))


def is_sysdig(value: Any) -> bool:
    """A report that names Sysdig's scanner, of either generation."""
    scanner = value.get("scanner") if type(value) is dict else None
    return type(scanner) is dict and begins(scanner.get("name"), "sysdig") and "result" in value


def is_anchorectl(value: Any) -> bool:
    """The bare list of vulnerabilities that `anchorectl` prints, unless it is empty."""
    marks = ({"vuln", "packageName", "feed"}, {"vuln", "packageName", "packageType"})
    listed = type(value) is list and bool(value)
    return listed and all(type(e) is dict and any(each <= e.keys() for each in marks) for e in value)


def is_roxctl(value: Any) -> bool:
    """What `roxctl image scan --output json` writes, known by its summary."""
    result = value.get("result") if type(value) is dict else None
    return type(result) is dict and type(result.get("summary")) is dict and "TOTAL-COMPONENTS" in result["summary"]


def is_stackrox(value: Any) -> bool:
    """An image with its scan. What is empty is left out, so that one without components is not known."""
    return type(value) is dict and "metadata" in value and has(value.get("scan"), "components", "name")


def is_neuvector(value: Any) -> bool:
    """A report of NeuVector's scanner or controller, which is no resource of Kubernetes."""
    report = value.get("report") if type(value) is dict and "apiVersion" not in value else None
    return type(report) is dict and "vulnerabilities" in report and bool({"modules", "cvedb_version"} & report.keys())


def is_quay(value: Any) -> bool:
    """An answer of Quay about one manifest: the features in a layer."""
    data = value.get("data") if type(value) is dict and "status" in value else None
    return type(data) is dict and type(data.get("Layer")) is dict and "Features" in data["Layer"]


def is_dependency_track(value: Any) -> bool:
    """An export that names Dependency-Track as the application."""
    meta = value.get("meta") if type(value) is dict else None
    return type(meta) is dict and meta.get("application") == "Dependency-Track" and "findings" in value


def is_trivy_operator(value: Any) -> bool:
    """A resource of Trivy's operator that is a report of vulnerabilities."""
    own = type(value) is dict and begins(value.get("apiVersion"), "aquasecurity.github.io/")
    return own and value.get("kind") == "VulnerabilityReport"


def is_osv(value: Any) -> bool:
    """A report with findings, or one without that holds the scanner's own configuration, which it always writes."""
    own = type(value) is dict and any(key in value for key in ("experimental_config", "image_metadata"))
    return has(value, "results", "packages", "source") or (own and is_array(value.get("results")))


def is_older_gitlab(value: Any) -> bool:
    """A report of GitLab's schemas before 14, without the part that says how the scan went.

    An empty one says nothing of itself, and is no scan.
    """
    own = type(value) is dict and "version" in value and "scan" not in value
    return own and has(value, "vulnerabilities", "category", "scanner", "identifiers")


def is_checkov(value: Any) -> bool:
    """The report on one kind of files, or a list of such reports."""
    reports = value if type(value) is list else [value]
    marks = {"check_type", "results", "summary"}
    return bool(reports) and all(type(each) is dict and marks <= each.keys() for each in reports)


def is_snyk(value: Any) -> bool:
    """The report on one project, or a list of such reports."""
    projects = value if type(value) is list else [value]
    marks = ({"vulnerabilities", "dependencyCount"}, {"vulnerabilities", "packageManager"})
    return bool(projects) and all(type(p) is dict and any(each <= p.keys() for each in marks) for p in projects)
