"""CSAF 2.0 and 2.1 advisories as VEX: one record for each vulnerability, status and justification."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from policyengine import limits
from policyengine.evidence.fields import Record, Unreadable, member, records, required, text, texts
from policyengine.evidence.identifiers import ranked
from policyengine.evidence.model import Vex
from policyengine.evidence.reading import Reading, Source
from policyengine.evidence.vex import covered, doubts, moment
from policyengine.strictjson import quoted

_GROUPS = {
    "known_affected": "AFFECTED",
    "first_affected": "AFFECTED",
    "last_affected": "AFFECTED",
    "fixed": "FIXED",
    "first_fixed": "FIXED",
    "known_not_affected": "NOT_AFFECTED",
    "under_investigation": "UNDER_INVESTIGATION",
    "unknown": "UNDER_INVESTIGATION",
}
"""Groups of products, and the status they stand for. `recommended` says nothing of a status; `unknown` (2.1) excuses no
more than an investigation that is not over. A product under several statuses counts as affected (section 6.1.6)."""


def read(advisory: Record, source: Source) -> Reading:
    """A CSAF document that is final or interim."""
    document = member(advisory, "document")
    version = required(document, "csaf_version")
    tracking = member(document, "tracking")
    if version not in {"2.0", "2.1"}:
        raise Unreadable(f"the version {quoted(version)} of CSAF is not known")
    if text(tracking, "status") not in {"final", "interim"}:
        raise Unreadable("the advisory is a draft", tracking, "status")
    if type(advisory.get("vulnerabilities")) is not list:
        raise Unreadable('"vulnerabilities" is not an array', advisory, "vulnerabilities")
    products = _Products(member(advisory, "product_tree"), source)
    stated = moment(tracking, "current_release_date") or source.created
    author = text(member(document, "publisher"), "name")
    parts = [_statements(each, products, author, stated, source) for each in records(advisory, "vulnerabilities")]
    found = tuple(statement for part in parts for statement in part)
    bare = sum(not part for part in parts)
    without = (f"{bare} vulnerabilities have no status",) if bare else ()
    engine = member(member(tracking, "generator"), "engine")
    warnings = (*doubts(found), *products.conflicts, *without)
    return Reading("vex", f"csaf-{version}", found, text(engine, "name"), text(engine, "version"), stated, (), warnings)


def _statements(
    vulnerability: Record, products: _Products, author: str | None, stated: datetime | None, source: Source
) -> list[Vex]:
    """One record for each status that products have, and for each justification of it."""
    return [
        Vex(
            ids=_names(vulnerability),
            status=status,
            products=products.packages(names),
            digest=source.digest,
            justification=label,
            author=author,
            timestamp=stated,
            signatures=source.signatures,
        )
        for status, label, names in products.statuses(vulnerability)
    ]


def _names(vulnerability: Record) -> tuple[str, ...]:
    stated = (text(vulnerability, "cve"), *(text(each, "text") for each in records(vulnerability, "ids")))
    names = [name for name in stated if name]
    if not names:
        raise Unreadable("a vulnerability has no id")
    return ranked(names)


class _Products:
    """The product tree: the package URLs of each product, and the groups of products."""

    def __init__(self, tree: Record, source: Source) -> None:
        self.conflicts: list[str] = []
        self._source = source
        self._purls: dict[str, list[str]] = {}
        self._groups = {
            required(each, "group_id"): texts(each, "product_ids") for each in records(tree, "product_groups")
        }
        for product in _listed(tree):
            helper = member(product, "product_identification_helper")
            single = text(helper, "purl")
            found = [*([single] if single else []), *texts(helper, "purls")]
            known = self._purls.setdefault(required(product, "product_id"), [])
            known.extend(found)
            if len(known) > limits.PURLS_PER_PRODUCT:
                raise Unreadable(f"a product has more than {limits.PURLS_PER_PRODUCT} package URLs")

    def packages(self, names: Iterable[str]) -> frozenset[str]:
        """The package URLs by which the products called `names` are known."""
        known = (purl for name in names for purl in self._purls.get(name, ()))
        return frozenset(name for purl in known for name in covered(purl, [], (), self._source))

    def statuses(self, vulnerability: Record) -> Iterable[tuple[str | None, str | None, frozenset[str]]]:
        """Each status and justification with its products; the status is `None` for "not affected" without a reason."""
        by_product: dict[str, set[str]] = {}
        stated = member(vulnerability, "product_status")
        for group, status in _GROUPS.items():
            for name in texts(stated, group):
                by_product.setdefault(name, set()).add(status)
        reasoned, labels = self._reasoned(vulnerability), self._labels(vulnerability)
        found: dict[tuple[str | None, str | None], set[str]] = {}
        for name, several in by_product.items():
            status = several.pop() if len(several) == 1 else self._conflict(name)
            known = None if status == "NOT_AFFECTED" and not (reasoned is None or name in reasoned) else status
            found.setdefault((known, labels.get(name)), set()).add(name)
        return [(status, label, frozenset(names)) for (status, label), names in found.items()]

    def _conflict(self, name: str) -> str:
        self.conflicts.append(f"the product {quoted(name)} has several statuses at once, and counts as affected")
        return "AFFECTED"

    def _labels(self, vulnerability: Record) -> dict[str, str | None]:
        """The label of each product's flag; `None` where several flags contradict each other."""
        products: dict[str, set[str | None]] = {}
        groups: dict[str, set[str | None]] = {}
        for flag in records(vulnerability, "flags"):
            for names, labels in ((texts(flag, "product_ids"), products), (texts(flag, "group_ids"), groups)):
                for name in names:
                    labels.setdefault(name, set()).add(text(flag, "label"))
        for group, label in _agreed(groups).items():
            for name in self._groups.get(group, ()):
                products.setdefault(name, set()).add(label)
        return _agreed(products)

    def _reasoned(self, vulnerability: Record) -> set[str] | None:
        """The products for which a flag or an impact is given; `None` where one is given for all."""
        reasons = [*records(vulnerability, "flags"), *_impacts(vulnerability)]
        found: set[str] = set()
        groups: set[str] = set()
        for reason in reasons:
            names, within = texts(reason, "product_ids"), texts(reason, "group_ids")
            if not names and not within:
                return None
            found.update(names)
            groups.update(within)
        return found.union(*(self._groups.get(group, ()) for group in groups))


def _agreed(labels: dict[str, set[str | None]]) -> dict[str, str | None]:
    return {name: several.pop() if len(several) == 1 else None for name, several in labels.items()}


def _impacts(vulnerability: Record) -> list[Record]:
    return [each for each in records(vulnerability, "threats") if text(each, "category") == "impact"]


def _listed(tree: Record) -> Iterable[Record]:
    """All products: listed, in branches, and those that relationships make. Branches nest."""
    yield from records(tree, "full_product_names")
    yield from (member(each, "full_product_name") for each in records(tree, "relationships"))
    branches = list(records(tree, "branches"))
    while branches:
        branch = branches.pop()
        branches.extend(records(branch, "branches"))
        if member(branch, "product"):
            yield member(branch, "product")
