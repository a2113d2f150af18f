"""CycloneDX in XML, brought into the shape of its JSON: one reader then knows both.

Expat parses; a document type declaration is refused, so there are no entities to expand and nothing to fetch.
Only the elements that are asked for are kept; all others are skipped as they stream by. Before 1.4 vulnerabilities
were an extension of CycloneDX, in which Grype wrote its findings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from policyengine import limits
from policyengine.errors import EvidenceError
from policyengine.evidence import cyclonedx, xmlroot
from policyengine.evidence.fields import Record, Unreadable
from policyengine.evidence.reading import Reading, Source

NAMESPACE = "http://cyclonedx.org/schema/bom/"
_EXTENSION = "http://cyclonedx.org/schema/ext/vulnerability/1.0"


class Element(Struct):
    """One element: its name without namespace (with `v:` in the extension for vulnerabilities), and what is in it."""

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
    extended = [each for holder, listed in builder.extended for each in _extended(holder, listed)]
    return cyclonedx.reading("xml", version, _bom(root, extended), source)


# Into the shape of the JSON -------------------------------------------------------------------------


def _bom(root: Element, extended: list[Record]) -> Record:
    metadata = root.only("metadata")
    return {
        "metadata": _metadata(metadata) if metadata else None,
        "components": _each(root, "components", "component", _component),
        "vulnerabilities": [*(_each(root, "vulnerabilities", "vulnerability", _vulnerability) or []), *extended],
    }


def _metadata(element: Element) -> Record:
    component, tools = element.only("component"), element.only("tools")
    listed: Any = None
    if tools:
        listed = [_texts(tool, "name", "version") for tool in tools.children if tool.name == "tool"]
        listed += _each(tools, "components", "component", _component) or []
        listed += _each(tools, "services", "service", lambda each: _texts(each, "name", "version")) or []
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
        elif each.name == "expression-detailed":  # since 1.7, with the texts of its licences
            found.append({"expression": each.attributes.get("expression"), "acknowledgement": word})
        elif each.name == "license":
            found.append({"license": _license(each, word)})
    return found


def _license(element: Element, word: str | None) -> Record:
    """A licence with the members that its element has. Of its text it is only kept that there is one."""
    stated: Record = {
        **_texts(element, "id", "name", "url"),
        "text": element.only("text") and {},
        "acknowledgement": word,
    }
    return {name: value for name, value in stated.items() if value is not None}


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


def _extended(holder: Element, listed: Element) -> Iterable[Record]:
    """The vulnerabilities that the extension lists, of the whole BOM or of the component that `holder` is."""
    for each in listed.children:
        ref = each.attributes.get("ref")
        if holder.name == "component" and ref is not None:
            ref = holder.attributes.setdefault("bom-ref", ref)
        source = each.only("v:source")
        yield {
            "id": each.value("v:id"),
            "description": each.value("v:description"),
            "source": {"name": source.attributes.get("name")} if source else None,
            "ratings": _each(each, "v:ratings", "v:rating", _extended_rating),
            "affects": [{"ref": ref}],
        }


def _extended_rating(element: Element) -> Record:
    score = element.only("v:score")
    return {"severity": element.value("v:severity"), "score": score.value("v:base") if score else None}


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
    licenses license expression expression-detailed id url text properties property vulnerabilities vulnerability
    references reference analysis state justification detail firstIssued lastUpdated affects target ref versions range
    status published updated ratings rating severity score source description services service
    v:vulnerabilities v:vulnerability v:id v:source v:description v:ratings v:rating v:score v:base v:severity
    """.split()  # noqa: SIM905 - a list of quoted words would be a page long
)


class _Builder:
    """One parse of one document."""

    def __init__(self, data: bytes) -> None:
        self.root = ""
        self.extended: list[tuple[Element, Element]] = []
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
        if namespace == _EXTENSION:
            local = f"v:{local}"
        elif namespace != self.root:
            local = ""
        if self._skipped or local not in _KEPT:
            self._skipped += 1
            return
        element = Element(local, attributes, [], [])
        if local == "v:vulnerabilities":
            self.extended.append((self._open[-1], element))
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
        if not self._skipped and self._open[-1].name != "text":
            self._open[-1].text.append(chunk)
