"""Reports of tests (JUnit) and of coverage (Cobertura, JaCoCo) in XML, as facts for kinds that a policy declares.

The facts have one shape whichever tool counted. Tests: `tests failures errors skipped passed`.
Coverage: `lines` and `branches` (JaCoCo: `instructions methods classes complexity` too), each with `covered`, `total`
and `percent`, which is rounded down so that no rounding passes a threshold. What a report does not say is absent.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import Any

from policyengine import limits
from policyengine.errors import EvidenceError
from policyengine.evidence import xmlroot
from policyengine.evidence.fields import Unreadable, decimal
from policyengine.evidence.reading import Reading, Source
from policyengine.strictjson import quoted

Attributes = dict[str, str]
Facts = dict[str, Any]


FORMS = {
    "testsuites": "junit-xml",
    "testsuite": "junit-xml",
    "coverage": "cobertura-xml",
    "report": "jacoco-xml",
}
"""The formats by their root elements, which have no namespace."""


def read(data: bytes, source: Source) -> Reading:
    """What a report says: nothing that rules know, until a policy declares a kind for it."""
    name, facts = report(data)
    return Reading("other", name, time=source.created, facts=facts)


def report(data: bytes) -> tuple[str, Facts]:
    """Format and facts of a report. Raises `EvidenceError`, with the place, for any other or broken XML."""
    found = _Reader().parse(data)
    if found is None:
        raise EvidenceError("the XML is no report of tests or coverage", "", 1, 1, 0)
    return found


class _Reader:
    """One pass over one report, in which nothing is kept but counts."""

    def __init__(self) -> None:
        self._form: str | None = None
        self._open: list[str] = []
        self._tests: _Tests = _Tests()
        self._coverage: Facts = {}

    def parse(self, data: bytes) -> tuple[str, Facts] | None:
        from xml.parsers import expat

        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._doctype
        parser.SkippedEntityHandler = self._entity
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        try:
            xmlroot.parse(parser, data)
        except Unreadable as fault:
            line, column = parser.CurrentLineNumber, parser.CurrentColumnNumber + 1
            raise EvidenceError(str(fault), line=line, column=column) from None
        if self._form is None:
            return None
        facts = self._tests.facts() if self._form == "junit-xml" else self._coverage
        if not facts or not any(facts.values()):
            raise EvidenceError("the report counts nothing")
        return self._form, facts

    def _doctype(self, name: str, system: str | None, public: str | None, internal: bool) -> None:
        """Cobertura and JaCoCo name a document type; nothing is fetched for it, and nothing may be declared in it."""
        del name, system, public
        if internal:
            raise Unreadable("the XML declares entities or elements, which a report has no use for")

    def _entity(self, name: str, parameter: bool) -> None:
        del parameter
        raise Unreadable(f"the XML refers to the entity {quoted(name)}, which it does not declare")

    def _start(self, name: str, attributes: Attributes) -> None:
        namespace, _, local = name.rpartition(" ")
        if not self._open:
            self._form = None if namespace else FORMS.get(local)
            if self._form == "cobertura-xml":
                self._coverage = _cobertura(attributes)
        elif len(self._open) >= limits.XML_DEPTH:
            raise Unreadable(f"the XML is nested deeper than {limits.XML_DEPTH} levels")
        if self._form == "junit-xml":
            self._tests.take(self._open, local, attributes)
        elif self._form == "jacoco-xml" and len(self._open) == 1 and local == "counter":
            self._count(attributes)
        self._open.append(local)

    def _end(self, name: str) -> None:
        del name
        self._open.pop()

    def _count(self, attributes: Attributes) -> None:
        """One of the totals that stand right in JaCoCo's report."""
        kind = _COUNTERS.get(attributes.get("type", ""))
        if kind is None:
            return
        if kind in self._coverage:
            raise Unreadable(f"the report counts its {kind} twice")
        covered = _number(attributes, "covered")
        self._coverage[kind] = _part(covered, covered + _number(attributes, "missed"))


_COUNTERS = {
    "INSTRUCTION": "instructions",
    "LINE": "lines",
    "BRANCH": "branches",
    "METHOD": "methods",
    "CLASS": "classes",
    "COMPLEXITY": "complexity",
}


# Tests ----------------------------------------------------------------------------------------------


class _Tests:
    """Counts of a JUnit report: its cases, held against what its suites say of themselves.

    Where the two differ what is worse counts; a report without any case is believed.
    """

    def __init__(self) -> None:
        self._cases = 0
        self._seen: dict[str, int] = {"failure": 0, "error": 0, "skipped": 0}
        self._stated: dict[str, int] = {}

    def take(self, parents: list[str], name: str, attributes: Attributes) -> None:
        parent = parents[-1] if parents else ""
        if name == "testcase":
            self._cases += 1
        elif parent == "testcase" and name in self._seen:
            self._seen[name] += 1
        elif name == "testsuites" or (name == "testsuite" and parent in ("", "testsuites")):
            self._state(name == "testsuites", attributes)

    def _state(self, whole: bool, attributes: Attributes) -> None:
        """What a suite says: `testsuites` of all, each `testsuite` in it of a part."""
        for key in ("tests", "failures", "errors", "skipped"):
            if key in attributes:
                name = f"all {key}" if whole else key
                self._stated[name] = self._stated.get(name, 0) + _number(attributes, key)

    def facts(self) -> Facts:
        failures, errors, skipped = (
            max(self._seen[one], self._said(many))
            for one, many in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped"))
        )
        tests = self._cases or self._said("tests")
        passed = max(0, tests - failures - errors - skipped)
        return {"tests": tests, "failures": failures, "errors": errors, "skipped": skipped, "passed": passed}

    def _said(self, key: str) -> int:
        return max(self._stated.get(key, 0), self._stated.get(f"all {key}", 0))


# Coverage -------------------------------------------------------------------------------------------


def _cobertura(attributes: Attributes) -> Facts:
    found = {}
    for kind, rate in (("lines", "line-rate"), ("branches", "branch-rate")):
        if f"{kind}-valid" in attributes:
            found[kind] = _part(_number(attributes, f"{kind}-covered"), _number(attributes, f"{kind}-valid"))
        elif rate in attributes:
            known = decimal(attributes[rate])
            if known is None or not 0 <= known <= 1:
                raise Unreadable(f"{quoted(rate)} is not between 0 and 1")
            found[kind] = {"percent": (known * 100).quantize(_CENT, ROUND_DOWN)}
    return found


_CENT = Decimal("0.01")


def _part(covered: int, total: int) -> Facts:
    """What is covered of a total; of nothing there is no percentage."""
    if covered > total:
        raise Unreadable(f"{covered} of {total} are covered")
    facts: Facts = {"covered": covered, "total": total}
    return {**facts, "percent": (Decimal(covered) * 100 / total).quantize(_CENT, ROUND_DOWN)} if total else facts


def _number(attributes: Attributes, key: str) -> int:
    value = attributes.get(key, "").strip()
    if not value.isdecimal() or not value.isascii() or len(value) > _DIGITS:
        raise Unreadable(f"{quoted(key)} is not a number of things")
    return int(value)


_DIGITS = 15
