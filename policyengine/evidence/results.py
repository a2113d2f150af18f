"""One SARIF result with what it refers to: its rule, level, message and place (SARIF 2.1.0, section 3.27)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from msgspec import Struct

from policyengine.evidence.fields import (
    Record,
    Unreadable,
    index,
    items,
    member,
    number,
    records,
    text,
    texts,
)
from policyengine.evidence.identifiers import ranked
from policyengine.evidence.model import Finding, Package, Severity

T = TypeVar("T")
_UNKNOWN = object()
LEVELS = frozenset({"none", "note", "warning", "error"})
_HIERARCHY = 16  # levels of a rule id; real ones have at most four
_ARGUMENTS = 20  # of a message, each cut to as many characters as a title may show
_ARGUMENT_CHARS = 200
_ID_CHARS = 120  # of a message that stands for an id
_NAMELESS = frozenset(("SECRET", "MISCONFIGURATION", "CODE", "OTHER"))


class Result(Struct):
    """A result, resolved: all that an adapter for one tool needs to make findings of it.

    `id` is the rule's, empty where the result names none, which is legal (section 3.27.5).
    `level` is the effective one, `None` where the document writes a word that SARIF does not have.
    `location` is the first place: a file or logical name, and `line` its line from 1.
    `memory` is what was found in the rule so far.
    """

    data: Record
    id: str
    rule: Record
    level: str | None
    message: str
    location: str | None
    line: int | None
    suppressed: bool
    tool: str
    document: str
    memory: dict[Any, Any]

    def once(self, work: Callable[[Result], T]) -> T:
        """What `work` finds in the rule alone, found once however many results share the rule."""
        found = self.memory.get(work, _UNKNOWN)
        if found is _UNKNOWN:
            try:
                found = work(self)
            except Unreadable as fault:
                found = fault
            self.memory[work] = found
        if type(found) is Unreadable:
            raise found
        return found  # type: ignore[no-any-return]

    def score(self) -> Decimal | None:
        """The rule's `security-severity`, a CVSS score; zero means that there is none."""
        return number(member(self.rule, "properties"), "security-severity") or None

    def tags(self) -> list[str]:
        return self.once(_tags)

    def rule_text(self, part: str) -> str:
        """The text of the rule's `help`, `shortDescription` or `fullDescription`; empty where there is none."""
        return text(member(self.rule, part), "text") or ""

    def finding(
        self,
        *ids: str,
        severity: Severity | None = None,
        cvss: Decimal | None = None,
        package: Package | None = None,
        fix: str | None = None,
        category: str = "VULNERABILITY",
        location: str | None = None,
    ) -> Finding:
        """A finding at this result's place, under `ids`; without any under the result's own.

        What is wrong with code or a configuration may be known by its message alone, a vulnerability may not.
        """
        names = ranked(ids) or ranked((self.id,))
        if not names:
            names = ranked((self.message[:_ID_CHARS],)) if category in _NAMELESS else ()
        if not names:
            raise Unreadable('"ruleId" is missing', self.data, "ruleId")
        place = location or self.location
        if place and self.line and category not in {"VULNERABILITY", "LICENSE"}:
            place = f"{place}:{self.line}"
        return Finding(
            ids=names,
            severity=severity,
            cvss=cvss,
            package=package,
            fix=fix,
            title=self.once(_described) or self.message or None,
            location=place,
            category=category,
            tool=self.tool,
            suppressed=self.suppressed,
            document=self.document,
        )

    def package(self, name: str, version: str | None = None, purl: str | None = None) -> Package:
        """The package that this result is about."""
        kind = purl.removeprefix("pkg:").partition("/")[0].lower() if purl else None
        return Package(name=name, version=version or None, ecosystem=kind, purl=purl, document=self.document)


def _described(result: Result) -> str:
    return result.rule_text("shortDescription") or result.rule_text("fullDescription")


def _tags(result: Result) -> list[str]:
    return texts(member(result.rule, "properties"), "tags")


_NO_RULE: Record = {}  # one object, since what was found in a rule is remembered by the rule's identity


class Rules:
    """The rules of one run: the driver's and its extensions'."""

    def __init__(self, tool: Record) -> None:
        self._parts = (member(tool, "driver"), *records(tool, "extensions"))
        self._components = [records(part, "rules") for part in self._parts]
        self._by_id: dict[str, Record] = {}
        for rules in self._components:
            for rule in rules:
                name = text(rule, "id")
                if name:
                    self._by_id.setdefault(name, rule)

    def of(self, result: Record) -> tuple[str, Record]:
        """The id of a result's rule, and the rule; each empty where the document does not hold it, which is legal.

        The id beats the index, which real tools get wrong; an index counts where the rule there has the id
        (or a prefix of it: section 3.27.5), or where the result states no id.
        """
        reference = member(result, "rule") if "rule" in result else _NO_RULE
        name = text(result, "ruleId") or text(reference, "id")
        indexed = self._at(reference, index(result, "ruleIndex"))
        if name is None:
            indexed = indexed or self._with_guid(text(reference, "guid"))
            return text(indexed, "id") or "", indexed
        stem = text(indexed, "id")
        if stem == name or (stem is not None and f"{name}/".startswith(f"{stem}/")):
            return name, indexed
        return name, self._named(name)

    def _at(self, reference: Record, position: int | None) -> Record:
        if not reference:
            rules = self._components[0]
            return rules[position] if position is not None and position < len(rules) else _NO_RULE
        rules = self._components[self._component(member(reference, "toolComponent"))]
        position = index(reference, "index") if position is None else position
        return rules[position] if position is not None and position < len(rules) else _NO_RULE

    def _component(self, reference: Record) -> int:
        """The place of a component by its index among the extensions, else its guid or its name (section 3.54)."""
        position = index(reference, "index")
        if position is not None:
            return position + 1 if position + 1 < len(self._parts) else 0
        for key in ("guid", "name"):
            if stated := text(reference, key):
                return next((place for place, part in enumerate(self._parts) if text(part, key) == stated), 0)
        return 0

    def _with_guid(self, guid: str | None) -> Record:
        rules = (rule for part in self._components for rule in part)
        return next((rule for rule in rules if guid and text(rule, "guid") == guid), _NO_RULE)

    def _named(self, name: str) -> Record:
        for _ in range(_HIERARCHY):
            if name in self._by_id:
                return self._by_id[name]
            name = name.rpartition("/")[0]
        return _NO_RULE


Overrides = list[dict[str, str]]
"""For each invocation of a run the levels that it gives to rules (section 3.20.5)."""


def overrides(run: Record) -> Overrides:
    """The levels that the run's invocations give to rules."""
    return [dict(_overridden(invocation)) for invocation in records(run, "invocations")]


def _overridden(invocation: Record) -> Iterator[tuple[str, str]]:
    for override in records(invocation, "ruleConfigurationOverrides"):
        name = text(member(override, "descriptor"), "id")
        stated = text(member(override, "configuration"), "level")
        if name and stated:
            yield name, stated


def level(result: Record, rule: Record, invocations: Overrides) -> str | None:
    """The effective level by section 3.27.10, or `None` where it is no word of SARIF."""
    if "kind" in result and (text(result, "kind") or "fail") != "fail":
        return "none"
    stated = text(result, "level") or _override(result, rule, invocations)
    stated = stated or text(member(rule, "defaultConfiguration"), "level") or "warning"
    return stated if stated in LEVELS else None


def _override(result: Record, rule: Record, invocations: Overrides) -> str | None:
    position = index(member(result, "provenance"), "invocationIndex")
    if position is None or position >= len(invocations):
        return None
    levels = invocations[position]
    return levels.get(text(rule, "id") or "") or levels.get(text(result, "ruleId") or "")


def is_failure(result: Record) -> bool:
    """Whether the result is a finding: everything but what says that all is well (section 3.27.9)."""
    return "kind" not in result or text(result, "kind") not in {"pass", "notApplicable", "informational"}


def is_suppressed(result: Record) -> bool:
    """Whether there are suppressions and all are accepted (section 3.27.23)."""
    if "suppressions" not in result:
        return False
    suppressions = records(result, "suppressions")
    return bool(suppressions) and all(text(each, "status") in {None, "accepted"} for each in suppressions)


def message(result: Record, rule: Record, tool: Record) -> str:
    """The text of the result's message, with its arguments where it is one of the rule's (section 3.11)."""
    stated = member(result, "message")
    plain = text(stated, "text")
    name = text(stated, "id") if "id" in stated else None
    if plain is None and name is not None:
        known = member(member(rule, "messageStrings"), name)
        known = known or member(member(member(tool, "driver"), "globalMessageStrings"), name)
        plain = (text(known, "text") or "")[:_ARGUMENT_CHARS]
        for position, argument in enumerate(texts(stated, "arguments")[:_ARGUMENTS]):
            plain = plain.replace(f"{{{position}}}", argument[:_ARGUMENT_CHARS], 1)
    return plain or ""


def place(result: Record, artifacts: Sequence[Any]) -> tuple[str | None, int | None]:
    """File (or logical name) and line of the result's first location."""
    locations = records(result, "locations")
    if not locations:
        return None, None
    physical = member(locations[0], "physicalLocation")
    line = index(member(physical, "region"), "startLine")
    uri = _uri(member(physical, "artifactLocation"), artifacts)
    return uri or _logical(locations[0]), line or None


def _uri(location: Record, artifacts: Sequence[Any]) -> str | None:
    uri = text(location, "uri")
    position = index(location, "index") if "index" in location else None
    if uri is None and position is not None and position < len(artifacts):
        artifact = artifacts[position]
        if type(artifact) is not dict:
            raise Unreadable("the artifact that it refers to is not an object")
        uri = text(member(artifact, "location"), "uri")
    return uri


def _logical(location: Record) -> str | None:
    names = records(location, "logicalLocations")
    return (text(names[0], "fullyQualifiedName") or text(names[0], "name")) if names else None


def logical_name(result: Record) -> str | None:
    """The first fully qualified logical name of the first location."""
    for location in items(result, "locations")[:1]:
        if type(location) is dict:
            return _logical(location)
    return None
