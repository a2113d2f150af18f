"""One self-contained page for managers and auditors: no script, nothing from elsewhere, prints well, light and dark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from policyengine import __version__
from policyengine.decision.combine import worst
from policyengine.decision.model import Decision, DocumentResult, RuleResult, SignatureResult, Violation, WaiverResult
from policyengine.reports.evidence import MARKS, SIGNATURE_MARKS, by, short
from policyengine.reports.formats import Report
from policyengine.reports.graph import graph
from policyengine.reports.instant import rfc3339
from policyengine.reports.look import SYMBOLS
from policyengine.reports.markup import element, escaped
from policyengine.reports.safe import orderless
from policyengine.reports.svg import Picture
from policyengine.reports.wording import WORDS, counts, covered_by, helps, pinned, sentence, weight

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
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0; }
p { overflow-wrap: anywhere; }
.date { white-space: nowrap; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
section { margin-bottom: 3rem; }
code { font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
ul { margin: 0; padding-left: 1.2rem; }
summary { cursor: pointer; color: var(--soft); }
p.help { border-left: .2rem solid var(--line); margin: .4rem 0 0; padding-left: .6rem; }
table { border-collapse: collapse; width: 100%; }
td, th { border-top: 1px solid var(--line); padding: .4rem .8rem .4rem 0; text-align: left; vertical-align: top; }
td:first-child, th:first-child { width: 1.6rem; padding-right: 0; }
td:nth-child(2), th:nth-child(2) { width: 34%; }
td { overflow-wrap: anywhere; }
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
  section:last-of-type { break-after: auto; }
  table, tr, li, svg { break-inside: avoid; }
  table:has(details), tr:has(details) { break-inside: auto; }
  h2 { break-after: avoid; }
  summary { display: none; }
  details::details-content { content-visibility: visible; display: block; }
}
"""
SHOWN = 25
"""Violations of a rule that are shown unfolded."""
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
        rows = [_rule(decision, rule) for rule in sorted(decision.rules, key=weight)]
        yield _heading("Rules") + _table(("", "Rule", "What was found"), rows)
    if decision.waivers:
        rows = [_waiver(waiver) for waiver in decision.waivers]
        yield _heading("Waivers") + _table(("", "Rule", "State", "Until", "Owner", "Reason"), rows)
    yield from _evidence(decision)


def _verdict(decision: Decision) -> str:
    word = decision.decision
    title = element("h1", escaped(WORDS[word]), class_=word)
    about = [counts(decision.rules), f"at {rfc3339(decision.at)}", *_circumstances(decision)]
    facts = element("p", " · ".join(escaped(part) for part in about if part), class_="soft")
    reasons = "".join(element("p", escaped(reason.message)) for reason in decision.reasons)
    reasons += "".join(element("p", escaped(f"warning: {each}"), class_="warn") for each in decision.warnings)
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
    listed = _list(decision, rule) if rule.violations else escaped(rule.status.replace("-", " "))
    texts = helps(rule) if rule.uncovered else []
    advice = "".join(element("p", escaped(text), class_="soft help") for text in texts)
    return _mark(marks.get(rule.status, rule.effective_effect)), name + place, listed + advice


def _list(decision: Decision, rule: RuleResult) -> str:
    """Every violation; behind the first ones the rest waits to be unfolded, and is printed all the same."""
    found = [_violation(decision, rule, violation) for violation in rule.violations]
    shown = element("ul", "".join(found[:SHOWN]))
    rest = element("summary", f"and {len(found) - SHOWN} more") + element("ul", "".join(found[SHOWN:]))
    return shown + (element("details", rest) if len(found) > SHOWN else "")


def _violation(decision: Decision, rule: RuleResult, violation: Violation) -> str:
    waiver = covered_by(decision.waivers, violation)
    excuse = element("div", escaped(waiver), class_="waived") if waiver else ""
    return element("li", escaped(sentence(rule, violation)) + excuse)


def _waiver(waiver: WaiverResult) -> tuple[str, ...]:
    reason = waiver.reason + (f" ({waiver.ticket})" if waiver.ticket else "")
    state = f"{waiver.state}, covers {waiver.covers}" if waiver.state == "used" else waiver.state
    mark = _mark("waived" if waiver.state == "used" else "warn")
    until = element("span", waiver.expires.isoformat(), class_="date")
    return mark, _code(waiver.rule), escaped(state), until, escaped(waiver.owner), escaped(reason)


def _evidence(decision: Decision) -> Iterator[str]:
    """The picture, and the tables behind it."""
    if decision.evidence or decision.signatures:
        picture = element("div", Picture(graph(decision)).text(), class_="picture")
        yield _heading("Artifacts") + picture
    known = {signature.digest: signature for signature in decision.signatures}
    if decision.evidence:
        rows = [_document(document, known) for document in decision.evidence]
        yield _heading("Evidence") + _table(("", "Document", "What became of it", "Signed"), rows)
    if decision.signatures:
        names = {document.digest: document.kind or document.artifact_type for document in decision.evidence}
        signed = [_signature(signature, names) for signature in decision.signatures]
        yield _heading("Signatures") + _table(("", "Signature", "Of", "Checks"), signed)


def _document(document: DocumentResult, known: Mapping[str, SignatureResult]) -> tuple[str, ...]:
    what = " ".join(part for part in (document.kind or document.artifact_type, document.tool, document.format) if part)
    status = f"{document.status}: {document.reason}" if document.reason else document.status
    warnings = "".join(element("div", escaped(warning), class_="warn") for warning in document.warnings)
    signed = [by(known[digest]) for digest in document.signatures if digest in known] or ["not signed"]
    cell = escaped(what + _on(document.platform)) + element("div", _code(document.digest), class_="soft")
    who = "".join(element("div", escaped(text)) for text in dict.fromkeys(signed))
    return _mark(MARKS.get(document.status, "none")), cell, escaped(status) + warnings, who


def _signature(signature: SignatureResult, names: Mapping[str, str]) -> tuple[str, ...]:
    mark = _mark(SIGNATURE_MARKS.get(signature.status, "none"))
    cell = escaped(by(signature) + _on(signature.platform)) + element("div", _code(signature.digest), class_="soft")
    subject = escaped(names.get(signature.subject, "the image")) + element("div", _code(short(signature.subject)))
    checks = (f"{name} {result}" for name, result in signature.checks.items())
    return mark, cell, subject, "".join(element("div", escaped(check)) for check in checks)


def _on(platform: str | None) -> str:
    return f" [{platform}]" if platform else ""


def _heading(text: str) -> str:
    return element("h2", escaped(text)) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are markup already."""
    top = element("thead", element("tr", "".join(element("th", escaped(cell)) for cell in head)))
    lines = "\n".join(element("tr", "".join(element("td", cell) for cell in row)) for row in rows)
    return element("table", f"{top}\n{element('tbody', lines)}")


def _mark(name: str) -> str:
    return element("span", escaped(SYMBOLS[name][0]), class_=name)


def _code(text: str) -> str:
    return element("code", escaped(text))
