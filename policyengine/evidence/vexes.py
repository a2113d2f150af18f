"""Whether a VEX statement is about a finding, and what it then says (language reference, section 6).

A statement covers a finding when its vulnerability is the finding's, by any of their ids, and one of its products is
the finding's package. What cannot be told is unknown, and where statements disagree, nobody has said anything.
"""

from __future__ import annotations

from collections.abc import Iterable

from policyengine.evidence import purls, versions
from policyengine.evidence.model import Finding, Package, Vex
from policyengine.evidence.purls import Purl
from policyengine.evidence.ranges import WITH_EPOCH, whole_version
from policyengine.evidence.vulnerabilities import normalise


def covers(vex: Vex, finding: Finding | None) -> bool | None:
    """Whether `vex` is about `finding`; `None` where its vulnerability is and its products may be."""
    if finding is None:
        return None
    if not _same_vulnerability(vex, finding):
        return False
    answers = {_is_product(purls.parse(product), finding.package) for product in vex.products}
    return True if True in answers else None if None in answers else False


def _same_vulnerability(vex: Vex, finding: Finding) -> bool:
    return not set(map(normalise, vex.ids)).isdisjoint(map(normalise, finding.ids))


def _is_product(product: Purl | None, package: Package | None) -> bool | None:
    """Whether `package` is the `product` that a statement names; `None` where either cannot be read."""
    found = None if package is None else purls.parse(package.purl)
    if product is None or found is None or package is None:
        return None
    if product.head != found.head or (product.subpath and product.subpath != found.subpath):
        return False
    answers = {_same_qualifiers(product, found), _same_version(product, found, package.version)}
    return False if False in answers else None if None in answers else True


def _same_qualifiers(product: Purl, found: Purl) -> bool | None:
    """Whether `found` has the qualifiers of `product`, epochs aside; `None` where it says nothing of one."""
    stated = dict(found.qualifiers)
    known = True
    for name, value in product.qualifiers:
        if name == "epoch" and product.type in WITH_EPOCH:
            continue
        if name not in stated:
            known = False
        elif stated[name] != value:
            return False
    return True if known else None


def _same_version(product: Purl, found: Purl, stated: str | None) -> bool | None:
    """Whether the versions are one in their ecosystem's order; a product without version has all of them."""
    if product.version is None:
        return True
    one, other = whole_version(product, None), whole_version(found, stated)
    if one is None or other is None:
        return None
    order = versions.compare(product.type, one, other)
    return None if order is None else order == 0


class Statements:
    """VEX statements, found by the vulnerability that they are about: those of a scan's thousand findings are few."""

    __slots__ = ("_by_id",)

    def __init__(self, vexes: Iterable[Vex]) -> None:
        self._by_id: dict[str, list[Vex]] = {}
        for vex in vexes:
            for name in dict.fromkeys(map(normalise, vex.ids)):
                self._by_id.setdefault(name, []).append(vex)

    def about(self, finding: Finding) -> list[Vex]:
        """The statements about the vulnerability of `finding`, each once, whatever their products."""
        found = {id(vex): vex for name in finding.ids for vex in self._by_id.get(normalise(name), ())}
        return list(found.values())


def status(vex: Vex, finding: Finding | None, statements: Statements | Iterable[Vex]) -> str | None:
    """What `vex` says of `finding`: its status, or `None` where the current statements that cover it disagree.

    Without a finding, or for one that it does not cover, that is what the statement says by itself.
    `statements` are all usable ones. Within one document a later statement replaces earlier ones of the same finding,
    as OpenVEX documents grow; between documents, and where a time is missing, every statement counts.
    """
    if finding is None or covers(vex, finding) is False:
        return vex.status
    others = statements.about(finding) if isinstance(statements, Statements) else statements
    documents: dict[str, list[Vex]] = {vex.digest: [vex]}
    for other in others:
        if other is not vex:
            documents.setdefault(other.digest, []).append(other)
    said = {each.status for document in documents.values() for each in _current(document, finding)}
    return said.pop() if len(said) == 1 else None


def _current(document: list[Vex], finding: Finding) -> list[Vex]:
    """The statements of one document that may be about `finding`, without those that a later one replaces."""
    about = [(vex, answer) for vex in document if (answer := covers(vex, finding)) is not False]
    times = [vex.timestamp for vex, answer in about if answer]
    newest = max((time for time in times if time is not None), default=None)
    if newest is None or None in times:
        return [vex for vex, _ in about]
    return [vex for vex, _ in about if vex.timestamp is None or vex.timestamp >= newest]
