"""What `read` does: bytes to a reading, and the reading for people or programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct

from policyengine import limits
from policyengine.cli import envelope, listing
from policyengine.cli.envelope import Asked
from policyengine.cli.output import Output, outputs, put
from policyengine.cli.terminal import Terminal
from policyengine.errors import EvidenceError, UsageError
from policyengine.evidence import formats
from policyengine.evidence.model import Finding, Package
from policyengine.evidence.problems import quoted
from policyengine.evidence.reading import Reading, Source, summarise
from policyengine.oci import digest_of
from policyengine.reports.json import dump
from policyengine.reports.look import Page

STDIN = "-"
UNREADABLE = 1


class Options(Struct, frozen=True, kw_only=True):
    """The options of `read`, as click reads them."""

    files: tuple[str, ...]
    kind: str | None = None
    listed: bool = False
    outputs: tuple[str, ...] = ()
    asked: Asked = Asked()


def run(terminal: Terminal, options: Options) -> int:
    """Read every file; 0, or 1 where one of them cannot be read."""
    wanted = outputs(options.outputs, ("table", "json"))
    if not options.files:
        raise UsageError("no file was named", "name an evidence document, or - for standard input")
    if options.files.count(STDIN) > 1:
        raise UsageError("standard input can be read once only", "name the other documents as files")
    read, code = [], 0
    for name in options.files:
        data = _bytes(name)
        if options.kind is None and envelope.is_meant(data, options.asked):
            return _signature(terminal, options, data, wanted)
        try:
            read.append((name, _reading(data, options.kind)))
        except EvidenceError as error:
            terminal.error(_placed(name, error))
            code = UNREADABLE
    for output in wanted if read else ():
        put(terminal, output, _document(read, options) if output.format == "json" else _text(terminal, read, options))
    return code


def _signature(terminal: Terminal, options: Options, data: bytes, wanted: tuple[Output, ...]) -> int:
    if len(options.files) > 1:
        raise UsageError("a signature is read by itself", "name one file")
    return envelope.run(terminal, options.files[0], data, options.asked, wanted)


def _bytes(name: str) -> bytes:
    """The bytes of a file or of standard input, no more than a document may have; raises `UsageError`."""
    try:
        if name == STDIN:
            return _bounded(sys.stdin.buffer, name)
        with Path(name).open("rb") as file:
            return _bounded(file, name)
    except OSError as error:
        reason = (error.strerror or "input error").lower()
        raise UsageError(f"cannot read {quoted(name)}: {reason}") from None


def _bounded(file: BinaryIO, name: str) -> bytes:
    data = file.read(limits.DOCUMENT_BYTES + 1)
    if len(data) > limits.DOCUMENT_BYTES:
        raise _placed(name, EvidenceError(f"it has more than {limits.DOCUMENT_BYTES} bytes"))
    return data


def _reading(data: bytes, kind: str | None) -> Reading:
    reading = formats.read(data, Source(digest_of(data)))
    if kind is not None and reading.kind != kind:
        raise EvidenceError(f"it is {reading.format}, which is no {kind}")
    return reading


def _placed(name: str, error: EvidenceError) -> EvidenceError:
    """`error` with the file and the place in it."""
    places = [name, *(str(place) for place in (error.line, error.column) if place is not None)]
    beyond = f" (byte {error.offset})" if error.offset is not None and error.line is None else ""
    return EvidenceError(f"{':'.join(places)}: {error.message}{beyond}", error.help)


# ---------------------------------------------------------------------------- for programs


def _document(read: list[tuple[str, Reading]], options: Options) -> str:
    documents = [_described(name, reading, options.listed) for name, reading in read]
    return dump(documents[0] if len(options.files) == 1 else {"schemaVersion": "1", "documents": documents})


def _described(name: str, reading: Reading, listed: bool) -> dict[str, Any]:
    summary = {"schemaVersion": "1", "file": name, **summarise(reading)}
    if not listed:
        return summary
    entries = [*listing.inside(reading)]
    names = listing.licenses_used((each for each in entries if isinstance(each, Package)), reading.license_names)
    return {**summary, "list": [_entry(each) for each in entries], **({"licenseNames": names} if names else {})}


def _entry(each: Finding | Package) -> dict[str, Any]:
    if isinstance(each, Package):
        fields: dict[str, Any] = {
            "name": each.name,
            "version": each.version,
            "purl": each.purl,
            "license": each.license,
        }
    else:
        fields = {
            "id": each.ids[0],
            "aliases": list(each.ids[1:]),
            "severity": each.severity.name if each.severity is not None else "UNKNOWN",
            "category": each.category,
            "package": str(each.package) if each.package else None,
            "fix": each.fix,
            "location": each.location,
            "suppressed": each.suppressed,
        }
    return {key: value for key, value in fields.items() if value is not None}


# ---------------------------------------------------------------------------- for people


def _text(terminal: Terminal, read: list[tuple[str, Reading]], options: Options) -> str:
    page = Page(terminal.look())
    for name, reading in read:
        _show(page, name, summarise(reading))
        if options.listed:
            listing.show(page, reading)
        page.blank()
    return page.text()


def _show(page: Page, name: str, summary: dict[str, Any]) -> None:
    """A reading in three lines: what it is, when and by what it was made, what is in it."""
    page.line((summary["kind"], "bold"), f"  {name}", wrap=False)
    tool = " ".join(summary[key] for key in ("tool", "toolVersion") if key in summary)
    time = next((f"{key} {summary[key]}" for key in ("finished", "created") if key in summary), "no time stated")
    page.line(" · ".join(part for part in (summary["format"], tool or "no tool stated", time) if part), indent=2)
    counted = " · ".join(_counts(summary))
    if counted:
        page.line(counted, indent=2)
    for warning in summary["warnings"]:
        page.line(("warning: ", "yellow"), warning, indent=2)


def _counts(summary: dict[str, Any]) -> Iterator[str]:
    if "findings" in summary:
        severities = ", ".join(f"{number} {name}" for name, number in summary["bySeverity"].items())
        yield f"{summary['findings']} findings" + (f": {severities}" if severities else "")
        yield f"{summary['fixable']} fixable"
        if summary["suppressed"]:
            yield f"{summary['suppressed']} suppressed"
    if "packages" in summary:
        yield f"{summary['packages']} packages"
        yield f"{summary['withPurl']} with a package URL"
        yield f"{summary['withLicense']} with a licence"
    if "statements" in summary:
        yield f"{summary['statements']} statements"
    yield from _facts(summary.get("facts", {}))


def _facts(facts: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """What a report of tests or coverage says, by the paths at which a policy finds it."""
    for key, value in facts.items():
        if isinstance(value, dict):
            yield from _facts(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key} {value}"
