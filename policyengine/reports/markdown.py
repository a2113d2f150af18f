"""Markdown for comments and job summaries: the verdict, the rules, the evidence.

All text from outside stands in code spans, where nothing is a link, a mention, an image or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from policyengine.decision.model import Decision, DocumentResult, RuleResult, SignatureResult
from policyengine.reports.evidence import MARKS, SIGNATURE_MARKS, by, image_signatures, short
from policyengine.reports.formats import Report
from policyengine.reports.look import SYMBOLS
from policyengine.reports.mermaid import flowchart
from policyengine.reports.safe import orderless, printable
from policyengine.reports.wording import WORDS, counts, covered_by, helps, pinned, plural, sentence

LONGEST = 60_000
"""Characters; a comment on GitHub may have 65,536."""
SHOWN = 10
TEXT = 300
ICONS = {"allow": "✅", "deny": "❌", "error": "⚠️"}


def render(report: Report) -> str:
    """A section for each image; what would be too long for a comment is left out, and said to be."""
    blocks = [block for decision in report.decisions for block in _blocks(decision)]
    text, length = [], 0
    for number, block in enumerate(blocks):
        length += len(block) + 2
        if length > LONGEST:
            text.append(f"_{plural(len(blocks) - number, 'more section')}: see the full report._")
            break
        text.append(block)
    return orderless("\n\n".join(text) + "\n")


def _blocks(decision: Decision) -> Iterator[str]:
    """The parts of a section, each of which can be left out."""
    yield f"## {ICONS[decision.decision]} {WORDS[decision.decision]} {code(pinned(decision))}"
    yield " · ".join(part for part in (counts(decision.rules), *_circumstances(decision)) if part)
    if decision.reasons:
        yield "\n".join(f"- {code(reason.message)}" for reason in decision.reasons)
    if decision.warnings:
        yield "\n".join(f"- warning: {code(warning)}" for warning in decision.warnings[:SHOWN])
    if decision.platforms:
        yield _table(
            ("", "platform", "digest"),
            [(_mark(p.decision), code(p.platform), code(p.digest)) for p in decision.platforms],
        )
    concerned = [rule for rule in decision.rules if rule.status not in ("passed", "not-applicable")]
    if concerned:
        yield _table(("", "rule", "", "where"), [_row(rule) for rule in concerned])
    for rule in concerned:
        yield _details(decision, rule)
    rows = _evidence(decision)
    if rows:
        table = _table(("", "evidence", "digest", "signed"), rows)
        yield f"<details><summary>Evidence</summary>\n\n{table}\n\n</details>"
        yield f"<details><summary>Artifacts</summary>\n\n```mermaid\n{flowchart([decision])}```\n\n</details>"


def _circumstances(decision: Decision) -> Iterator[str]:
    policies = decision.policy_set
    if policies.policies:
        yield f"policies {', '.join(map(code, policies.policies))}"
    if policies.environment:
        yield f"environment {code(policies.environment)}"


def _row(rule: RuleResult) -> tuple[str, ...]:
    effect = (
        rule.effective_effect if rule.effect == rule.effective_effect else f"{rule.effect} → {rule.effective_effect}"
    )
    mark = (
        "waived"
        if rule.status == "waived"
        else "undetermined"
        if rule.status == "undetermined"
        else rule.effective_effect
    )
    return (
        _mark(mark),
        f"{code(rule.identifier)} {code(rule.title)}",
        f"{rule.status} ({effect})",
        code(f"{rule.path}:{rule.line}"),
    )


def _details(decision: Decision, rule: RuleResult) -> str:
    lines = [f"- {code(sentence(rule, violation))}" for violation in rule.violations[:SHOWN]]
    lines += [f"- and {len(rule.violations) - SHOWN} more"] if len(rule.violations) > SHOWN else []
    waivers = dict.fromkeys(covered_by(decision.waivers, violation) for violation in rule.violations)
    lines += [f"- {code(waiver)}" for waiver in waivers if waiver]
    lines += [f"\n{code(text)}" for text in helps(rule)]
    number = plural(len(rule.violations), "violation")
    return "\n".join([f"<details><summary>{_html(rule.identifier)}: {number}</summary>\n", *lines, "\n</details>"])


def _evidence(decision: Decision) -> list[tuple[str, ...]]:
    known = {signature.digest: signature for signature in decision.signatures}
    rows = [_signature(signature) for signature in image_signatures(decision)]
    return rows + [_document(document, known) for document in decision.evidence if document.status != "irrelevant"]


def _signature(signature: SignatureResult) -> tuple[str, ...]:
    mark = _mark(SIGNATURE_MARKS.get(signature.status, "none"))
    return mark, "signature", code(short(signature.digest)), code(by(signature))


def _document(document: DocumentResult, known: Mapping[str, SignatureResult]) -> tuple[str, ...]:
    what = " ".join(part for part in (document.kind or document.artifact_type, document.tool) if part)
    status = "" if document.status == "used" else f" {document.status}: {document.reason or ''}"
    signed = ", ".join(by(known[digest]) for digest in document.signatures if digest in known) or "not signed"
    return (
        _mark(MARKS.get(document.status, "none")),
        code(f"{what}{status}"),
        code(short(document.digest)),
        code(signed),
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _mark(name: str) -> str:
    return SYMBOLS[name][0]


def code(text: str) -> str:
    """`text` in a code span, whose fence is longer than any run of backticks in it."""
    shown = printable(text, TEXT)
    if not shown:
        return ""
    fence = "`" * (max(map(len, re.findall("`+", shown)), default=0) + 1)
    space = " " if "`" in (shown[0], shown[-1]) or shown.isspace() else ""
    return f"{fence}{space}{shown}{space}{fence}"


def _html(text: str) -> str:
    """Text between tags."""
    return printable(text, TEXT).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
