"""The statements of a CycloneDX VEX: vulnerabilities with an analysis, and what they affect."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from urllib.parse import unquote

from policyengine.evidence.fields import Record, Unreadable, member, records, required, text
from policyengine.evidence.identifiers import ranked
from policyengine.evidence.model import Vex
from policyengine.evidence.reading import Source
from policyengine.evidence.vex import covered, moment
from policyengine.strictjson import quoted

PurlOf = Callable[[str], str | None]
_STATES = {
    "exploitable": "AFFECTED",
    "in_triage": "UNDER_INVESTIGATION",
    "resolved": "FIXED",
    "resolved_with_pedigree": "FIXED",
    "false_positive": "NOT_AFFECTED",
    "not_affected": "NOT_AFFECTED",
}


def statements(bom: Record, stated: datetime | None, known: dict[str, str | None], source: Source) -> tuple[Vex, ...]:
    """One record for each vulnerability with an analysis. `known` are the package URLs of the BOM's own components."""
    author = text(member(member(bom, "metadata"), "supplier"), "name")
    own = f"urn:cdx:{(text(bom, 'serialNumber') or '').removeprefix('urn:uuid:')}/"
    purl_of = partial(_purl, known=known, own=own)
    return tuple(
        _statement(each, stated, author, purl_of, source) for each in records(bom, "vulnerabilities") if _state(each)
    )


def unanalysed(bom: Record) -> int:
    """How many vulnerabilities the BOM lists without an analysis: findings, in effect, of whoever made it."""
    return sum(not _state(each) for each in records(bom, "vulnerabilities"))


def _state(vulnerability: Record) -> str | None:
    """The state that the analysis came to; `None` if it has only a detail or a justification so far."""
    return text(member(vulnerability, "analysis"), "state")


def _purl(reference: str, known: dict[str, str | None], own: str) -> str | None:
    """The package URL that `reference` means: that of a component of this BOM, or one written in a link to another BOM.

    `own` is how links to this BOM begin. Raises `Unreadable` where two components share the name.
    """
    inner = unquote(reference.partition("#")[2]) if reference.startswith("urn:") else ""
    local = reference if reference in known or not reference.startswith(own) else inner
    if local in known:
        if known[local] is None:
            raise Unreadable(f"two of its components are called {quoted(local)}")
        return known[local]
    return next((name for name in (inner, reference) if name.startswith("pkg:")), None)


def _statement(each: Record, stated: datetime | None, author: str | None, purl_of: PurlOf, source: Source) -> Vex:
    analysis = member(each, "analysis")
    status = _STATES.get(_state(each) or "")
    if status is None:
        raise Unreadable("the state of an analysis is no word of CycloneDX")
    names = [required(each, "id"), *(text(other, "id") or "" for other in records(each, "references"))]
    times = [moment(analysis, "lastUpdated"), moment(analysis, "firstIssued"), moment(each, "updated")]
    products = {name for target in records(each, "affects") for name in _affected(target, status, purl_of, source)}
    return Vex(
        ids=ranked(names),
        status=status,
        products=frozenset(products),
        digest=source.digest,
        justification=text(analysis, "justification"),
        author=author,
        timestamp=next((time for time in times if time), stated),
        signatures=source.signatures,
    )


def _affected(target: Record, status: str, purl_of: PurlOf, source: Source) -> Iterable[str]:
    """The packages that a target means, limited to the versions it names."""
    purl = purl_of(required(target, "ref"))
    stated = target.get("versions")
    versions = [stated] if type(stated) is dict else records(target, "versions")  # lib4vex writes one as an object
    if not versions:
        return covered(purl, [], (), source)
    return [name for each in versions for name in _versioned(purl, each, status, source)]


def _versioned(purl: str | None, each: Record, status: str, source: Source) -> list[str]:
    """One version of a target. A range is taken whole where the statement accuses, and not at all where it excuses."""
    accuses = status in {"AFFECTED", "UNDER_INVESTIGATION"}
    version = text(each, "version")
    if purl is None or (version is None and not accuses):
        return []
    if text(each, "status") in ({"unaffected"} if accuses else {"affected", "unknown"}):
        return []  # the version contradicts the statement
    if version is None:
        return covered(_unversioned(purl), [], (), source)
    own = purl.partition("?")[0].rpartition("@")[2] if "@" in purl.partition("?")[0].rpartition("/")[2] else None
    if own is not None and unquote(own) != version:
        return []
    return covered(purl if own is not None else _with_version(purl, version), [], (), source)


def _unversioned(purl: str) -> str:
    path, mark, rest = purl.partition("?")
    stem, at, _ = path.rpartition("@")
    return f"{stem if at and '/' not in path[len(stem) :] else path}{mark}{rest}"


def _with_version(purl: str, version: str) -> str:
    from urllib.parse import quote

    path, mark, rest = purl.partition("?")
    return f"{path}@{quote(version, safe=':')}{mark}{rest}"
