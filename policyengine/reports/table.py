"""The verdict for people: first the word, then why, then what it rests on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from policyengine.decision.model import Decision, RuleResult, WaiverResult
from policyengine.reports.evidence import show_evidence
from policyengine.reports.formats import Report
from policyengine.reports.instant import rfc3339
from policyengine.reports.look import Page, cells
from policyengine.reports.wording import WORDS, counts, helps, pinned, plural, said, weight

COLOURS = {"allow": "bold green", "deny": "bold red", "error": "bold yellow"}
SHOWN = 5
"""Violations shown per rule unless all are asked for: enough to see the pattern, few enough for one screen."""


def render(report: Report) -> str:
    """The decisions one after the other, with a count of them where there are several."""
    page = Page(report.look)
    for decision in report.decisions:
        _decision(page, decision)
        page.blank()
    if len(report.decisions) > 1:
        _total(page, report.decisions)
    return page.text()


def _decision(page: Page, decision: Decision) -> None:
    _verdict(page, decision)
    if page.look.quiet:
        return
    _platforms(page, decision)
    for rule in sorted(decision.rules, key=weight):
        _rule(page, rule)
    _quiet_rules(page, decision.rules)
    _warnings(page, decision)
    _waivers(page, decision.waivers)
    show_evidence(page, decision)


# ---------------------------------------------------------------------------- the verdict


def _verdict(page: Page, decision: Decision) -> None:
    word = decision.decision
    page.line(page.mark(word), " ", (WORDS[word], COLOURS[word]), "  ", (pinned(decision), "bold"), wrap=False)
    if page.look.quiet:
        return
    page.line((" · ".join(_circumstances(page, decision)), "dim"), indent=2)
    for reason in decision.reasons:
        again = "; trying again may help" if reason.retry else ""
        page.line(page.mark(word), " ", reason.message, again, indent=2)


def _circumstances(page: Page, decision: Decision) -> Iterator[str]:
    """How the rules went, under which policies, for which platform, and when if that was chosen."""
    counted = counts(decision.rules)
    policies = decision.policy_set
    if counted:
        yield counted
    if policies.policies:
        yield f"{'policy' if len(policies.policies) == 1 else 'policies'} {', '.join(policies.policies)}"
    if policies.environment:
        yield f"environment {policies.environment}"
    if decision.subject.platform:
        yield decision.subject.platform
    if page.look.instant:
        yield f"at {rfc3339(decision.at)}"


def _platforms(page: Page, decision: Decision) -> None:
    if not decision.platforms:
        return
    page.blank()
    names = cells(platform.platform for platform in decision.platforms)
    for platform, name in zip(decision.platforms, names, strict=True):
        page.line(page.mark(platform.decision), f" {name}  ", (platform.digest, "dim"), indent=2)


# ---------------------------------------------------------------------------- the rules


def _rule(page: Page, rule: RuleResult) -> None:
    """A rule that does not hold: what it says, each violation, the help and the place."""
    if not rule.uncovered:
        return
    page.blank()
    mark = "undetermined" if rule.status == "undetermined" else rule.effective_effect
    changed = f"  ({rule.effect} → {rule.effective_effect})" if rule.effect != rule.effective_effect else ""
    page.line(page.mark(mark), " ", (rule.identifier, "bold"), f"  {rule.title}", (changed, "yellow"), indent=2, hang=4)
    _violations(page, rule)
    for help_text in helps(rule, SHOWN):
        page.line(("help: ", "cyan"), help_text, indent=6)
    page.line((f"{rule.path}:{rule.line}", "dim"), indent=6)


def _violations(page: Page, rule: RuleResult) -> None:
    texts = Counter(said(rule, violation) for violation in rule.uncovered)
    shown = list(texts.items()) if page.look.everything else list(texts.items())[:SHOWN]
    for (text, missing), times in shown:
        again = f"  ({times} times)" if times > 1 else ""
        if text:
            page.line(text, (again, "dim"), indent=6)
        if missing:
            page.line(("not known: ", "yellow"), missing, indent=8 if text else 6)
    if len(shown) < len(texts):
        page.line((f"… and {len(texts) - len(shown)} more (--all shows every one)", "dim"), indent=6)


def _quiet_rules(page: Page, rules: Sequence[RuleResult]) -> None:
    """The rules that hold: by name when asked, otherwise not at all; what is waived is always named."""
    quiet = [rule for rule in rules if not rule.uncovered and (page.look.verbose or rule.status == "waived")]
    if not quiet:
        return
    page.blank()
    for rule in quiet:
        mark = {"passed": "allow", "waived": "waived"}.get(rule.status, "none")
        note = "" if rule.status == "passed" else f"  ({rule.status.replace('-', ' ')})"
        page.line(page.mark(mark), " ", (rule.identifier, "bold"), f"  {rule.title}", (note, "dim"), indent=2, hang=4)


# ---------------------------------------------------------------------------- beside the rules


def _warnings(page: Page, decision: Decision) -> None:
    """The warnings, without those that stand beside their document."""
    beside = tuple(warning for document in decision.evidence for warning in document.warnings)
    warnings = [warning for warning in decision.warnings if not (beside and warning.endswith(beside))]
    if warnings:
        page.blank()
    for warning in warnings:
        page.line(page.mark("warn"), " ", ("warning: ", "yellow"), warning, indent=2)


def _waivers(page: Page, waivers: Sequence[WaiverResult]) -> None:
    if waivers:
        page.blank()
        page.line(("waivers", "bold"), indent=2)
    for waiver in waivers:
        details = [waiver.owner, *([waiver.ticket] if waiver.ticket else []), waiver.reason]
        mark = page.mark("waived" if waiver.state == "used" else "warn")
        page.line(mark, " ", (waiver.rule, "bold"), f"  {_state(waiver)} · {' · '.join(details)}", indent=2, hang=4)


def _state(waiver: WaiverResult) -> str:
    if waiver.state == "expired":
        return f"expired: its last day was {waiver.expires.isoformat()}"
    covered = plural(waiver.covers, "violation") if waiver.state == "used" else "nothing: unused"
    return f"covers {covered}, until {waiver.expires.isoformat()}"


def _total(page: Page, decisions: Sequence[Decision]) -> None:
    count = Counter(decision.decision for decision in decisions)
    words = {"allow": "allowed", "deny": "denied", "error": "could not be decided"}
    page.line(
        (f"{plural(len(decisions), 'image')}: ", "bold"), ", ".join(f"{count[k]} {words[k]}" for k in words if count[k])
    )
