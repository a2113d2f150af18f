"""VEX: OpenVEX documents (0.0.1 and 0.2), and what all forms of VEX share.

A statement helps an artifact, so whatever about it is not certain makes it cover nothing. A product is a package
URL of a package, or of the image itself with the packages in it as subcomponents. Subcomponents of any other
product would need the image's dependency graph: such a statement covers nothing. A statement that cannot be read
makes its document unreadable, since it might be the one that contradicts another.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from policyengine import limits
from policyengine.evidence import purls
from policyengine.evidence.fields import Record, Unreadable, items, member, records, required, text, texts
from policyengine.evidence.identifiers import advisories, ranked
from policyengine.evidence.instants import instant
from policyengine.evidence.model import Vex
from policyengine.evidence.reading import Reading, Source
from policyengine.evidence.recognition import OPENVEX

STATUSES = {
    "not_affected": "NOT_AFFECTED",
    "affected": "AFFECTED",
    "fixed": "FIXED",
    "under_investigation": "UNDER_INVESTIGATION",
}


def read(document: Record, source: Source) -> Reading:
    """An OpenVEX document: one record for each statement."""
    if type(document.get("statements")) is not list:
        raise Unreadable('"statements" is not an array', document, "statements")
    context = document["@context"]
    version = context.removeprefix(OPENVEX).strip("/").removeprefix("v") or "0.0.1" if context else "unknown"
    stated = moment(document, "timestamp") or source.created
    author = text(document, "author")
    found = tuple(_statement(each, stated, author, source) for each in records(document, "statements"))
    tool = text(document, "tooling")
    warnings = doubts(found) if context else (*doubts(found), "it does not state its OpenVEX version")
    return Reading("vex", f"openvex-{version}", found, tool, None, stated, (), warnings)


def _statement(each: Record, stated: datetime | None, author: str | None, source: Source) -> Vex:
    status = STATUSES.get(required(each, "status"))
    if status is None:
        raise Unreadable("the status of a statement is no word of OpenVEX", each, "status")
    justification = text(each, "justification")
    reasoned = status != "NOT_AFFECTED" or justification or text(each, "impact_statement")
    return Vex(
        ids=_names(each),
        status=status if reasoned else None,
        products=frozenset(_products(each, source)),
        digest=source.digest,
        justification=justification,
        author=author,
        timestamp=moment(each, "timestamp") or stated,
        signatures=source.signatures,
    )


def _names(statement: Record) -> tuple[str, ...]:
    stated = statement.get("vulnerability")
    if type(stated) is str:
        names = [stated]
    else:
        about = member(statement, "vulnerability")
        last = (text(about, "@id") or "").rpartition("/")[2]
        names = [text(about, "name") or "", *advisories(last), *texts(about, "aliases")]
        names = names if any(names) else [last]
    if not any(name.strip() for name in names):
        raise Unreadable("a statement names no vulnerability", statement, "vulnerability")
    return ranked(names)


def _products(statement: Record, source: Source) -> Iterable[str]:
    """The packages that a statement covers. Before 0.2 its subcomponents stand beside its products."""
    beside = [_purl(each) for each in items(statement, "subcomponents")]
    if len(beside) * len(items(statement, "products")) > limits.VEX_PAIRS:
        raise Unreadable("a statement names too many products with too many subcomponents")
    for each in items(statement, "products"):
        within = [_purl(inner) for inner in items(each, "subcomponents")] if type(each) is dict else []
        yield from covered(_purl(each), [*beside, *within], _hashes(each), source)


def _purl(component: Any) -> str | None:
    """The package URL of a product or subcomponent, which is an object or, before 0.2, a text."""
    if type(component) is not dict:
        name = component
    else:
        name = text(member(component, "identifiers"), "purl") or text(component, "@id")
    return name if type(name) is str and name.startswith("pkg:") else None


def _hashes(product: Any) -> tuple[str, ...]:
    stated = text(member(product, "hashes"), "sha-256") if type(product) is dict else None
    return (f"sha256:{stated}",) if stated else ()


# What all forms share -------------------------------------------------------------------------------


def covered(product: str | None, within: list[str | None], hashes: Iterable[str], source: Source) -> list[str]:
    """The packages that a statement about `product`, or about components `within` it, is certain to cover."""
    parsed = purls.parse(product)
    image = {*hashes, parsed.version if parsed else None} & set(source.image)
    if image:
        return [name for name in within if name]
    if within or product is None or parsed is None or parsed.type == "oci":
        return []
    return [product]


def moment(record: Record, key: str) -> datetime | None:
    """The instant at `key`; one without a zone is taken as UTC, as the makers of such documents mean it."""
    return instant(text(record, key), zone="Z")


def doubts(statements: Iterable[Vex]) -> tuple[str, ...]:
    """Warnings about statements that will not help: without a reason, and without a package."""
    listed = list(statements)
    unreasoned = sum(each.status is None for each in listed)
    aimless = sum(not each.products for each in listed)
    warnings = []
    if unreasoned:
        warnings.append(f"{unreasoned} statements say without a reason that something is not affected")
    if aimless:
        warnings.append(f"{aimless} statements name no package that can be told with certainty")
    return tuple(warnings)
