"""CycloneDX in XML, brought into the shape of its JSON: one reader then knows both.

Expat parses; a document type declaration is refused, so there are no entities to expand and nothing to fetch.
Only the elements that are asked for are kept; all others are skipped as they stream by.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from policyengine import limits
from policyengine.errors import EvidenceError
from policyengine.evidence import cyclonedx, xmlroot
from policyengine.evidence.fields import Record, Unreadable
from policyengine.evidence.reading import Reading, Source

NAMESPACE = "http://cyclonedx.org/schema/bom/"


class Element(Struct):
    """One element: its name without namespace, and what is in it."""

    name: str
    attributes: dict[str, str]
    children: list[Element]
    text: list[str]

    def only(self, name: str) -> Element | None:
        """The child called `name`. Two of them are two answers to one question."""
        found = [child for child in self.children if child.name == name]
        if len(found) > 1:
            raise Unreadable(f"<{self.name}> holds <{name}> twice")
        return found[0] if found else None

    def value(self, name: str) -> str | None:
        """The text of the child called `name`."""
        child = self.only(name)
        return "".join(child.text).strip() if child else None

    def every(self, holder: str, name: str) -> list[Element] | None:
        """The elements called `name` in the child called `holder`; `None` without that child."""
        child = self.only(holder)
        return [each for each in child.children if each.name == name] if child else None


def read(data: bytes, source: Source) -> Reading:
    """A CycloneDX document in XML. Raises `EvidenceError` with line and column where the XML is broken."""
    builder = _Builder(data)
    root = builder.build()
    version = builder.root.removeprefix(NAMESPACE)
    return cyclonedx.reading("xml", version, _bom(root), source)


# Into the shape of the JSON -------------------------------------------------------------------------


def _bom(root: Element) -> Record:
    metadata = root.only("metadata")
    return {
        "metadata": _metadata(metadata) if metadata else None,
        "components": _each(root, "components", "component", _component),
        "vulnerabilities": _each(root, "vulnerabilities", "vulnerability", _vulnerability),
    }


def _metadata(element: Element) -> Record:
    component, tools = element.only("component"), element.only("tools")
    listed: Any = None
    if tools:
        listed = [_texts(tool, "name", "version") for tool in tools.children if tool.name == "tool"]
        listed += _each(tools, "components", "component", _component) or []
    return {
        "timestamp": element.value("timestamp"),
        "tools": listed,
        "component": _component(component) if component else None,
    }


def _component(element: Element) -> Record:
    return {
        **_texts(element, "group", "name", "version", "purl", "publisher"),
        "type": element.attributes.get("type"),
        "bom-ref": element.attributes.get("bom-ref"),
        "supplier": _named(element, "supplier"),
        "manufacturer": _named(element, "manufacturer"),
        "licenses": _licenses(element),
        "components": _each(element, "components", "component", _component),
        "properties": _each(element, "properties", "property", _property),
    }


def _licenses(element: Element) -> list[Record] | None:
    holder = element.only("licenses")
    if holder is None:
        return None
    found: list[Record] = []
    for each in holder.children:
        word = each.attributes.get("acknowledgement")
        if each.name == "expression":
            found.append({"expression": "".join(each.text).strip(), "acknowledgement": word})
        elif each.name == "license":
            found.append({"license": {**_texts(each, "id", "name", "url"), "text": {}, "acknowledgement": word}})
    return found


def _vulnerability(element: Element) -> Record:
    analysis = element.only("analysis")
    return {
        **_texts(element, "id", "published", "updated", "description"),
        "source": _named(element, "source"),
        "ratings": _each(element, "ratings", "rating", _rating),
        "references": _each(element, "references", "reference", lambda each: _texts(each, "id")),
        "analysis": _texts(analysis, "state", "justification", "detail", "firstIssued", "lastUpdated")
        if analysis
        else None,
        "affects": _each(element, "affects", "target", _target),
    }


def _rating(element: Element) -> Record:
    return {**_texts(element, "severity", "score"), "source": _named(element, "source")}


def _target(element: Element) -> Record:
    return {
        **_texts(element, "ref"),
        "versions": _each(element, "versions", "version", lambda each: _texts(each, "version", "range", "status")),
    }


def _property(element: Element) -> Record:
    return {"name": element.attributes.get("name"), "value": "".join(element.text).strip()}


def _named(element: Element, name: str) -> Record | None:
    child = element.only(name)
    return _texts(child, "name") if child else None


def _texts(element: Element, *names: str) -> Record:
    return {name: element.value(name) for name in names}


def _each(element: Element, holder: str, name: str, shape: Callable[[Element], Record]) -> list[Record] | None:
    found = element.every(holder, name)
    return None if found is None else [shape(each) for each in found]


# Parsing --------------------------------------------------------------------------------------------

_KEPT = frozenset(
    """bom metadata timestamp tools tool component components supplier manufacturer name publisher group version purl
    licenses license expression id url properties property vulnerabilities vulnerability references reference analysis
    state justification detail firstIssued lastUpdated affects target ref versions range status published updated
    ratings rating severity score source description
    """.split()  # noqa: SIM905 - a list of quoted words would be a page long
)


class _Builder:
    """One parse of one document."""

    def __init__(self, data: bytes) -> None:
        self.root = ""
        self._data = data
        self._open: list[Element] = []
        self._skipped = 0
        self._depth = 0

    def build(self) -> Element:
        """The root element, with all that is asked for in it."""
        holder = Element("", {}, [], [])
        self._open.append(holder)
        self._parse()
        return holder.children[0]

    def _parse(self) -> None:
        from xml.parsers import expat

        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        xmlroot.parse(parser, self._data)

    def _doctype(self, *_: object) -> None:
        raise EvidenceError("the XML declares a document type, which evidence has no use for")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if not self._depth:
            self.root = namespace
        self._depth += 1
        if self._depth > limits.XML_DEPTH:
            raise EvidenceError(f"the XML is nested deeper than {limits.XML_DEPTH} levels")
        if self._skipped or namespace != self.root or local not in _KEPT:
            self._skipped += 1
            return
        element = Element(local, attributes, [], [])
        self._open[-1].children.append(element)
        self._open.append(element)

    def _end(self, name: str) -> None:
        del name
        self._depth -= 1
        if self._skipped:
            self._skipped -= 1
        else:
            self._open.pop()

    def _text(self, chunk: str) -> None:
        if not self._skipped:
            self._open[-1].text.append(chunk)
