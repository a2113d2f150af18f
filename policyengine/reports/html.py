"""One self-contained page for managers and auditors: no script, nothing from elsewhere, prints well, light and dark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policyengine import __version__
from policyengine.decision.combine import worst
from policyengine.decision.model import Decision, DocumentResult, RuleResult, SignatureResult, WaiverResult
from policyengine.reports.evidence import MARKS, SIGNATURE_MARKS, by
from policyengine.reports.formats import Report
from policyengine.reports.graph import graph
from policyengine.reports.instant import rfc3339
from policyengine.reports.look import SYMBOLS
from policyengine.reports.markup import element, escaped
from policyengine.reports.safe import orderless
from policyengine.reports.svg import Picture
from policyengine.reports.wording import WORDS, counts, covered_by, helps, pinned, sentence

STYLE = """
:root {
  --ink: #1f2328; --paper: #fff; --soft: #59636e; --line: #d1d9e0;
  --allow: #1a7f37; --deny: #cf222e; --warn: #9a6700; --waived: #0969da;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6edf3; --paper: #0d1117; --soft: #9198a1; --line: #3d444d;
    --allow: #3fb950; --deny: #f85149; --warn: #d29922; --waived: #4493f8;
  }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
section { margin-bottom: 3rem; }
code { font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
ul { margin: .3rem 0; padding-left: 1.2rem; }
table { border-collapse: collapse; width: 100%; }
td, th { border-top: 1px solid var(--line); padding: .4rem .6rem .4rem 0; text-align: left; vertical-align: top; }
th { color: var(--soft); font-weight: normal; }
.soft, .none { color: var(--soft); }
.allow { color: var(--allow); }
.deny { color: var(--deny); }
.warn, .error, .undetermined { color: var(--warn); }
.waived { color: var(--waived); }
.verdict { border-left: .4rem solid; padding-left: 1rem; }
.verdict p { color: var(--ink); margin: .3rem 0; }
.picture { overflow-x: auto; }
svg { max-width: 100%; height: auto; }
svg text { fill: var(--ink); font: 13px ui-monospace, monospace; }
svg .about { fill: var(--soft); font-size: 12px; }
.box { fill: none; stroke: currentColor; stroke-width: 1.5; }
.edge { fill: none; stroke: var(--line); stroke-width: 1.5; }
@media print {
  body { margin: 0; max-width: none; }
  section { break-after: page; }
  table, tr, li { break-inside: avoid; }
}
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def render(report: Report) -> str:
    """The page, with a section for each image."""
    word = worst(decision.decision for decision in report.decisions)
    head = element("meta", charset="utf-8")
    head += element("meta", http_equiv="Content-Security-Policy", content=POLICY)
    head += element("meta", name="viewport", content="width=device-width, initial-scale=1")
    head += element("title", escaped(f"{WORDS[word]} - policyengine")) + element("style", STYLE)
    sections = "\n".join(element("section", "\n".join(_section(each))) for each in report.decisions)
    foot = element("p", f"policyengine {escaped(__version__)}", class_="soft")
    body = element("body", f"{sections}\n{foot}")
    page = element("html", f"{element('head', head)}\n{body}", lang="en")
    return orderless(f"<!doctype html>\n{page}\n")


def _section(decision: Decision) -> Iterator[str]:
    yield _verdict(decision)
    if decision.platforms:
        places = [(_mark(p.decision), escaped(p.platform), _code(p.digest)) for p in decision.platforms]
        yield _heading("Platforms") + _table(("", "Platform", "Digest"), places)
    if decision.rules:
        rows = [_rule(decision, rule) for rule in decision.rules]
        yield _heading("Rules") + _table(("", "Rule", "What was found"), rows)
    if decision.waivers:
        rows = [_waiver(waiver) for waiver in decision.waivers]
        yield _heading("Waivers") + _table(("Rule", "State", "Until", "Owner", "Reason"), rows)
    yield from _evidence(decision)


def _verdict(decision: Decision) -> str:
    word = decision.decision
    title = element("h1", escaped(WORDS[word]), class_=word)
    about = [counts(decision.rules), f"at {rfc3339(decision.at)}", *_circumstances(decision)]
    facts = element("p", " · ".join(escaped(part) for part in about if part), class_="soft")
    reasons = "".join(element("p", escaped(reason.message)) for reason in decision.reasons)
    return element("div", title + element("p", _code(pinned(decision))) + reasons + facts, class_=f"verdict {word}")


def _circumstances(decision: Decision) -> Iterator[str]:
    policies = decision.policy_set
    yield f"policies {', '.join(policies.policies)} ({policies.digest})"
    if policies.environment:
        yield f"environment {policies.environment}"
    if decision.subject.platform:
        yield decision.subject.platform


def _rule(decision: Decision, rule: RuleResult) -> tuple[str, ...]:
    marks = {"passed": "allow", "waived": "waived", "undetermined": "undetermined", "not-applicable": "none"}
    changed = f" ({rule.effect} → {rule.effective_effect})" if rule.effect != rule.effective_effect else ""
    name = f"{_code(rule.identifier)}<br>{escaped(rule.title + changed)}"
    place = element("div", _code(f"{rule.path}:{rule.line}"), class_="soft")
    found = [
        escaped(sentence(rule, violation))
        + element("span", escaped(f" {covered_by(decision.waivers, violation)}"), class_="waived")
        for violation in rule.violations
    ]
    listed = element("ul", "".join(element("li", text) for text in found)) if found else escaped(rule.status)
    advice = "".join(element("p", escaped(text), class_="soft") for text in helps(rule)) if rule.uncovered else ""
    return _mark(marks.get(rule.status, rule.effective_effect)), name + place, listed + advice


def _waiver(waiver: WaiverResult) -> tuple[str, ...]:
    reason = waiver.reason + (f" ({waiver.ticket})" if waiver.ticket else "")
    return tuple(map(escaped, (waiver.rule, waiver.state, waiver.expires.isoformat(), waiver.owner, reason)))


def _evidence(decision: Decision) -> Iterator[str]:
    """The picture, and the tables behind it."""
    if decision.evidence or decision.signatures:
        picture = element("div", Picture(graph(decision)).text(), class_="picture")
        yield _heading("Artifacts") + picture
    if decision.evidence:
        rows = [_document(document) for document in decision.evidence]
        yield _heading("Evidence") + _table(("", "Document", "Status", "Digest"), rows)
    if decision.signatures:
        signed = [_signature(signature) for signature in decision.signatures]
        yield _heading("Signatures") + _table(("", "Signature", "Of", "Checks"), signed)


def _document(document: DocumentResult) -> tuple[str, ...]:
    what = " ".join(part for part in (document.kind or document.artifact_type, document.tool, document.format) if part)
    status = f"{document.status}: {document.reason}" if document.reason else document.status
    warnings = "".join(element("div", escaped(warning), class_="warn") for warning in document.warnings)
    return _mark(MARKS.get(document.status, "none")), escaped(what), escaped(status), _code(document.digest) + warnings


def _signature(signature: SignatureResult) -> tuple[str, ...]:
    checks = ", ".join(f"{name} {result}" for name, result in signature.checks.items())
    mark = _mark(SIGNATURE_MARKS.get(signature.status, "none"))
    return (
        mark,
        escaped(by(signature)) + element("div", _code(signature.digest)),
        _code(signature.subject),
        escaped(checks),
    )


def _heading(text: str) -> str:
    return element("h2", escaped(text)) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are markup already."""
    top = element("tr", "".join(element("th", escaped(cell)) for cell in head))
    return element("table", "\n".join([top, *(element("tr", "".join(element("td", c) for c in row)) for row in rows)]))


def _mark(name: str) -> str:
    return element("span", escaped(SYMBOLS[name][0]), class_=name)


def _code(text: str) -> str:
    return element("code", escaped(text))
