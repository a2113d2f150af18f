"""What an XML document is, by its root element: no more of it is parsed than that."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import Struct

from policyengine.errors import EvidenceError

if TYPE_CHECKING:
    from xml.parsers import expat


class Root(Struct, frozen=True):
    """Namespace and name of the root element; `doctype` says that a document type is declared before it."""

    namespace: str
    name: str
    doctype: bool


class _Done(Exception):
    """The root element has been seen."""


def parse(parser: expat.XMLParserType, data: bytes) -> None:
    """Run `parser` over `data`. Raises `EvidenceError`, with the place, where it is broken or in a strange encoding."""
    from xml.parsers import expat

    try:
        parser.Parse(data, True)
    except expat.ExpatError as fault:
        message = f"the XML is broken: {expat.errors.messages[fault.code]}"
        raise EvidenceError(message, line=fault.lineno, column=fault.offset + 1) from None
    except (LookupError, ValueError):
        raise EvidenceError("the XML names an encoding that is not read", "", 1, 1, 0) from None


def _refuse(*_: object) -> None:
    raise EvidenceError("the XML declares a document type with entities, which evidence has no use for")


def root(data: bytes) -> Root:
    """The root of the XML text `data`. Raises `EvidenceError`, with the place, where it is broken before that."""
    from xml.parsers import expat

    found: list[str] = []
    declared: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        del attributes
        found.append(name)
        raise _Done

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = lambda *_: declared.append("")
    parser.EntityDeclHandler = _refuse
    parser.StartElementHandler = start
    with suppress(_Done):
        parse(parser, data)
    namespace, _, name = found[0].rpartition(" ")
    return Root(namespace, name, bool(declared))
