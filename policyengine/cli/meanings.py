"""What policies mean, for people and for programs: the set, each policy, each rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from policyengine.cli.sentences import as_json as tree
from policyengine.cli.sentences import show as show_tree
from policyengine.language.meaning import Demand, Pardon, PolicyMeaning, RuleMeaning, Value, documents
from policyengine.language.policyset import PolicySet
from policyengine.language.sentences import Sentence
from policyengine.reports.json import dump, given
from policyengine.reports.look import Page

SOURCES = {"environment": "from the environment", "given": "given", "required": "must be given", "constant": "constant"}


class Meant(Struct, frozen=True):
    """The policies of a set with the rules that were asked for, where this environment is chosen."""

    policies: PolicySet
    environment: str | None
    meanings: Sequence[PolicyMeaning]


# ---------------------------------------------------------------------------- for people


def text(page: Page, meant: Meant) -> str:
    """The set in a few lines, then each policy with its rules."""
    _set(page, meant)
    for meaning in meant.meanings:
        page.blank()
        _policy(page, meaning)
        for rule in meaning.rules:
            page.blank()
            _rule(page, rule, meant.environment)
    return page.text()


def _set(page: Page, meant: Meant) -> None:
    policies = meant.policies
    kinds = ", ".join(sorted(policies.kinds)) or "no document"
    page.line(("fetched  ", "bold"), kinds, *([", the image's configuration"] if policies.configuration else []))
    for artifact_type in sorted(policies.artifact_types):
        page.line("documents of the type ", artifact_type, indent=9)
    page.line(("digest   ", "bold"), (policies.digest, "dim"), wrap=False)


def _policy(page: Page, meaning: PolicyMeaning) -> None:
    page.line(("policy ", "bold"), (meaning.name, "bold"), f"  {meaning.description}" if meaning.description else "")
    if meaning.applies is None:
        page.line("applies to every image", indent=2)
    else:
        _clause(page, "applies to images for which this holds, or may hold", meaning.applies)
    _clause(page, "except where it is certain that", meaning.exception)
    if meaning.accepts:
        page.line(("accepts unsigned ", "yellow"), ", ".join(meaning.accepts), indent=2)
    if meaning.assumed:
        page.line(("assumes ", "yellow"), f"that an unknown severity is {meaning.assumed}", indent=2)
    if meaning.environments:
        page.line("environments: ", ", ".join(meaning.environments), indent=2)


def _rule(page: Page, rule: RuleMeaning, environment: str | None) -> None:
    changed = f" → {rule.effective} in {environment}" if rule.effective != rule.effect else ""
    page.line((rule.identifier, "bold"), "  ", (rule.effect, "red" if rule.effect == "deny" else "yellow"),
              (changed, "yellow"), f"  {rule.title}")  # fmt: skip
    page.line((f"{rule.span.path}:{rule.span.line}", "dim"), indent=2, wrap=False)
    others = {name: effect for name, effect in rule.effects.items() if name != environment}
    if others:
        page.line(", ".join(f"{effect} in {name}" for name, effect in others.items()), indent=2)
    _clause(page, "only where this holds, or may hold", rule.guard)
    _clause(page, f"for each {rule.outer} for which", rule.chosen)
    page.line(demanded(rule), indent=2)
    if rule.condition is not None:
        show_tree(page, rule.condition, 4)
    _clause(page, "unless it is certain that", rule.excuse)
    for waiver in rule.waivers:
        _waiver(page, waiver)
    for value in rule.values:
        _value(page, value)
    page.line(("demands ", "cyan"), *needs(rule.demand), indent=2, hang=4)
    _doubts(page, rule)


def demanded(rule: RuleMeaning) -> str:
    """What a rule demands, up to its condition."""
    outer = f"for each {rule.outer}, " if rule.outer and rule.chosen is None else ""
    such = "" if rule.condition is None else " for which"
    if rule.demanded == "require":
        return f"{outer}it requires that"
    if rule.limit:
        return f"{outer}it forbids more than {rule.limit} {rule.element}{such}"
    return f"{outer}it forbids every {rule.element}{such}"


def _clause(page: Page, words: str, sentence: Sentence | None) -> None:
    if sentence is not None:
        page.line(words, indent=2)
        show_tree(page, sentence, 4)


def _waiver(page: Page, waiver: Pardon) -> None:
    ticket = f", {waiver.ticket}" if waiver.ticket else ""
    until = f"waived until {waiver.expires.isoformat()} by {waiver.owner}{ticket}: {waiver.reason}"
    page.line((until, "cyan"), indent=2)
    show_tree(page, waiver.where, 4)


def _value(page: Page, value: Value) -> None:
    shown = f" = {value.value}" if value.value is not None else ""
    said = f"  ({SOURCES.get(value.source, value.source)}{f'; {value.description}' if value.description else ''})"
    page.line(("uses ", "cyan"), value.name, f": {value.type}", shown, (said, "dim"), indent=2, hang=4)


def needs(demand: Demand) -> Iterator[str]:
    """The documents that a demand fetches, and what it reads: `scan: finding (fix, severity)`."""
    fetched = documents(demand)
    if fetched:
        yield f"{', '.join(fetched)}: "
    read = (f"{record} ({', '.join(fields)})" if fields else record for record, fields in demand.items())
    yield "; ".join(read) or "nothing"


def _doubts(page: Page, rule: RuleMeaning) -> None:
    if not rule.doubts:
        page.line("never undetermined", indent=2)
        return
    page.line(("undetermined ", "yellow"), "where it matters that", indent=2)
    for doubt in rule.doubts:
        page.line(page.mark("none"), f" {doubt}", indent=4)


# ---------------------------------------------------------------------------- for programs


def document(meant: Meant) -> str:
    """The meaning as JSON."""
    policies = meant.policies
    fetched = {
        "kinds": sorted(policies.kinds),
        "configuration": policies.configuration,
        "artifactTypes": sorted(policies.artifact_types),
    }
    return dump(
        given(
            schemaVersion="1",
            policySet=given(digest=policies.digest, environment=meant.environment),
            fetched=fetched,
            policies=[_policy_json(meaning) for meaning in meant.meanings],
        )
    )


def _policy_json(meaning: PolicyMeaning) -> dict[str, Any]:
    return given(
        name=meaning.name,
        description=meaning.description or None,
        file=meaning.span.path,
        line=meaning.span.line,
        applies=tree(meaning.applies),
        exception=tree(meaning.exception),
        acceptsUnsigned=list(meaning.accepts),
        assumedSeverity=meaning.assumed or None,
        environments=list(meaning.environments),
        kinds=dict(meaning.kinds),
        evidence=list(meaning.documents),
        demands=_demand(meaning.demand),
        rules=[_rule_json(rule) for rule in meaning.rules],
    )


def _rule_json(rule: RuleMeaning) -> dict[str, Any]:
    return given(
        id=rule.identifier,
        title=rule.title,
        effect=rule.effect,
        effectiveEffect=rule.effective,
        environments=dict(rule.effects),
        file=rule.span.path,
        line=rule.span.line,
        when=tree(rule.guard),
        forEach=given(element=rule.outer, where=tree(rule.chosen)) if rule.outer else None,
        demand=rule.demanded,
        element=rule.element or None,
        moreThan=rule.limit or None,
        condition=tree(rule.condition),
        unless=tree(rule.excuse),
        waivers=[_waiver_json(waiver) for waiver in rule.waivers],
        uses=[_value_json(value) for value in rule.values],
        evidence=list(documents(rule.demand)),
        demands=_demand(rule.demand),
        undetermined=list(rule.doubts),
    )


def _waiver_json(waiver: Pardon) -> dict[str, Any]:
    return given(
        owner=waiver.owner,
        reason=waiver.reason,
        ticket=waiver.ticket,
        expires=waiver.expires.isoformat(),
        file=waiver.span.path,
        line=waiver.span.line,
        where=tree(waiver.where),
    )


def _value_json(value: Value) -> dict[str, Any]:
    shown = given(description=value.description or None, value=value.value)
    return {"name": value.name, "type": value.type, "source": value.source, **shown}


def _demand(demand: Demand) -> dict[str, list[str]]:
    return {record: list(fields) for record, fields in demand.items()}
