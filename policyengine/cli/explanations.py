"""Why a decision is what it is, for people and for programs: each violation down to the values that it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from policyengine.cli.sentences import as_json as tree
from policyengine.cli.sentences import show as show_tree
from policyengine.decision.model import Decision, DocumentResult, Violation
from policyengine.language.explaining import CaseExplanation, Pardon, PolicyExplanation, RuleExplanation
from policyengine.language.schema import COLLECTIONS
from policyengine.language.sentences import Sentence
from policyengine.reports.evidence import short
from policyengine.reports.instant import rfc3339
from policyengine.reports.json import dump, given
from policyengine.reports.look import Page
from policyengine.reports.wording import WORDS, pinned

MARKS = {"passed": "allow", "undetermined": "undetermined", "waived": "waived"}
PARDONS = {
    "covers": "covers it", "expired": "has expired", "other": "does not cover it",
    "undetermined": "covers definite violations only",
}  # fmt: skip
PLURALS = {record: collection for collection, record in COLLECTIONS.items()}


class ImageExplanation(Struct, frozen=True):
    """One image, by its digest and platform: what each policy says of it."""

    digest: str
    platform: str | None
    policies: tuple[PolicyExplanation, ...]


class Explanation(Struct, frozen=True):
    """A decision, and why; of an index every platform. `whole` shows rules that hold as fully as the others.

    `differences` says where an earlier decision was another; `None` where there is none to compare.
    """

    decision: Decision
    images: tuple[ImageExplanation, ...]
    whole: bool = False
    differences: tuple[str, ...] | None = None


# ---------------------------------------------------------------------------- for people


def text(page: Page, explanations: Sequence[Explanation]) -> str:
    """The verdicts, each with its rules."""
    for explanation in explanations:
        page.blank()
        _verdict(page, explanation)
        for image in explanation.images:
            if len(explanation.images) > 1:
                page.blank()
                page.line((f"{image.platform or ''}  {image.digest}".strip(), "bold"), wrap=False)
            for policy in image.policies:
                _policy(page, policy, explanation)
    return page.text()


def _verdict(page: Page, explanation: Explanation) -> None:
    decision = explanation.decision
    word = decision.decision
    page.line(page.mark(word), " ", (WORDS[word], "bold"), "  ", pinned(decision), wrap=False)
    page.line((f"at {rfc3339(decision.at)}  {decision.policy_set.digest}", "dim"), indent=2, wrap=False)
    for reason in decision.reasons:
        page.line(page.mark(word), " ", reason.message, indent=2)
    if explanation.differences is None:
        return
    if not explanation.differences:
        page.line(page.mark("allow"), " the decision in the file is the same", indent=2)
    for difference in explanation.differences:
        page.line(page.mark("deny"), " ", ("not as in the file: ", "red"), difference, indent=2)


def _policy(page: Page, policy: PolicyExplanation, explanation: Explanation) -> None:
    page.blank()
    page.line(("policy ", "bold"), (policy.name, "bold"), "" if policy.applies else "  does not apply to this image")
    for words, sentence in (("applies to", policy.scope), ("except where", policy.exception)):
        if sentence is not None:
            page.line(words, indent=2)
            show_tree(page, sentence, 4)
    for rule in policy.rules:
        if explanation.whole or rule.violations:
            page.blank()
            _rule(page, rule, explanation.decision)
    held = [rule for rule in policy.rules if not (explanation.whole or rule.violations)]
    if held:
        page.blank()
    for rule in held:
        _headline(page, rule)


def _headline(page: Page, rule: RuleExplanation) -> None:
    """The rule and what became of it."""
    result = rule.result
    mark = result.effective_effect if result.status == "violated" else MARKS.get(result.status, "none")
    changed = f" ({result.effect} → {result.effective_effect})" if result.effect != result.effective_effect else ""
    status = result.status.replace("-", " ")
    page.line(page.mark(mark), " ", (result.identifier, "bold"), f"  {status}{changed}  {result.title}",
              (_looked(rule), "dim"), indent=2, hang=4)  # fmt: skip


def _looked(rule: RuleExplanation) -> str:
    """How many elements a rule looked at: `2 scans or sboms`."""
    if not rule.element or rule.result.status == "not-applicable":
        return ""
    names = rule.element.split("|")
    words = names if rule.looked == 1 else [PLURALS.get(name, f"{name}s") for name in names]
    return f"  {rule.looked} {' or '.join(words)} looked at"


def _rule(page: Page, rule: RuleExplanation, decision: Decision) -> None:
    _headline(page, rule)
    page.line((f"{rule.span.path}:{rule.span.line}", "dim"), indent=4, wrap=False)
    _part(page, "when", rule.guard, 4)
    if rule.condition is not None:
        show_tree(page, rule.condition, 4)
    for case in rule.cases:
        _case(page, case, rule, decision)
    if len(rule.cases) < rule.violations:
        more = rule.violations - len(rule.cases)
        page.line((f"… and {more} more (--all shows every one)", "dim"), indent=4)


def _case(page: Page, case: CaseExplanation, rule: RuleExplanation, decision: Decision) -> None:
    violation = case.violation
    page.blank()
    mark = rule.result.effective_effect if violation.state == "violated" else "undetermined"
    mark = mark if violation.waiver is None else "waived"
    page.line(page.mark(mark), " ", violation.message, indent=4, hang=4)
    for document in _sources(violation, decision):
        page.line((f"from {_document(document)}", "dim"), indent=6)
    if case.condition is None and violation.missing:
        page.line(("not known: ", "yellow"), violation.missing, indent=6)
    _part(page, "one for which", case.chosen, 6)
    if case.condition is not None:
        show_tree(page, case.condition, 6)
    _part(page, "unless", case.excuse, 6)
    for pardon in case.pardons:
        _pardon(page, pardon)
    for number, change in enumerate(case.changes):
        page.line(("would pass if " if number == 0 else "           or  ", "cyan"), change, indent=6, hang=14)


def _part(page: Page, words: str, sentence: Sentence | None, indent: int) -> None:
    if sentence is not None:
        page.line(words, indent=indent)
        show_tree(page, sentence, indent + 2)


def _pardon(page: Page, pardon: Pardon) -> None:
    page.line((f"the waiver of {pardon.owner} {PARDONS[pardon.state]}", "cyan"), indent=6)
    show_tree(page, pardon.where, 8)


def _sources(violation: Violation, decision: Decision) -> Iterator[DocumentResult]:
    found = {document.digest: document for document in decision.evidence}
    yield from (found[digest] for digest in violation.evidence if digest in found)


def _document(document: DocumentResult) -> str:
    parts = (document.kind or document.artifact_type, document.tool or "", document.format or "")
    return " ".join((*(part for part in parts if part), short(document.digest)))


# ---------------------------------------------------------------------------- for programs


def document(explanations: Sequence[Explanation]) -> str:
    """The explanations as JSON: one document, or all of them under `decisions`."""
    documents = [_explanation(explanation) for explanation in explanations]
    return dump(documents[0] if len(documents) == 1 else {"schemaVersion": "1", "decisions": documents})


def _explanation(explanation: Explanation) -> dict[str, Any]:
    decision, differences = explanation.decision, explanation.differences
    same = None if differences is None else {"same": not differences, "differences": list(differences)}
    return given(
        schemaVersion="1",
        decision=decision.decision,
        subject=given(reference=decision.subject.reference, digest=decision.subject.digest),
        at=rfc3339(decision.at),
        policySet=given(digest=decision.policy_set.digest, environment=decision.policy_set.environment),
        reasons=[given(code=r.code, message=r.message, retry=r.retry) for r in decision.reasons],
        replay=same,
        images=[_image(image) for image in explanation.images],
    )


def _image(image: ImageExplanation) -> dict[str, Any]:
    return given(
        digest=image.digest, platform=image.platform, policies=[_policy_json(policy) for policy in image.policies]
    )


def _policy_json(policy: PolicyExplanation) -> dict[str, Any]:
    return given(
        name=policy.name,
        applies=policy.applies,
        scope=tree(policy.scope),
        exception=tree(policy.exception),
        rules=[_rule_json(rule) for rule in policy.rules],
    )


def _rule_json(rule: RuleExplanation) -> dict[str, Any]:
    result = rule.result
    return given(
        id=result.identifier,
        title=result.title,
        effect=result.effect,
        effectiveEffect=result.effective_effect,
        status=result.status,
        file=rule.span.path,
        line=rule.span.line,
        element=rule.element or None,
        looked=rule.looked if rule.element else None,
        when=tree(rule.guard),
        condition=tree(rule.condition),
        count=rule.violations,
        violations=[_case_json(case) for case in rule.cases],
    )


def _case_json(case: CaseExplanation) -> dict[str, Any]:
    violation = case.violation
    return {"message": violation.message, "element": violation.element, "state": violation.state} | given(
        missing=violation.missing,
        evidence=list(violation.evidence),
        where=tree(case.chosen),
        condition=tree(case.condition),
        unless=tree(case.excuse),
        waivers=[_pardon_json(pardon) for pardon in case.pardons] or None,
        wouldPassIf=list(case.changes),
    )


def _pardon_json(pardon: Pardon) -> dict[str, Any]:
    return {"owner": pardon.owner, "state": pardon.state, "where": tree(pardon.where)}
