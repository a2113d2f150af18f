"""What rules mean, before any evidence."""

from __future__ import annotations

from datetime import date

from policyengine.language.meaning import Meanings, PolicyMeaning, RuleMeaning, Value
from policyengine.language.sentences import Sentence
from tests.language.samples import policy

TEXT = """
param grace: duration = 14 days "how long"
param owner: text
param limit: int = 5
environment staging { grace = 30 days downgrade fixable to warn }
environment dev { downgrade all to warn }
applies to image where image.repository matches "a/**" except where image.repository matches "a/b/**"
accept unsigned vex
assume severity UNKNOWN is HIGH
evidence coverage from "application/vnd.acme.coverage" { percent: decimal }
let never = { "CVE-2024-0001" }
define old(f: finding, d: duration): bool = f.age > d and f.id in never
rule fixable deny "no fixable finding"
  when image.tag is "v1"
  for each scan in scans where scan.tool is "trivy"
  forbid finding in scan.findings where old(finding, grace) and not (finding.suppressed or finding.fix is missing)
  unless some vex where vex covers finding and vex.status is FIXED
  message "{finding.title}"
rule backlog warn "few" forbid more than limit finding where finding.severity is LOW
rule covered deny "tested" require every coverage satisfies coverage.percent >= 80
rule owned deny "owned" require image.labels["owner"] is owner
waive fixable for finding where finding.id is "CVE-2024-0002"
  owner "me" reason "because" ticket "T-1" expires 2026-12-31
"""


def meaning(environment: str | None = None, **given: object) -> PolicyMeaning:
    values = {f"p.{name}": value for name, value in given.items()}
    return Meanings(policy(TEXT), None, environment, values).policy_meaning()


def rule(name: str, environment: str | None = None, **given: object) -> RuleMeaning:
    return next(each for each in meaning(environment, **given).rules if each.identifier == f"p.{name}")


def lines(sentence: Sentence | None, depth: int = 0) -> list[str]:
    """A tree as indented lines."""
    if sentence is None:
        return []
    label = f"{sentence.label}: " if sentence.label else ""
    below = [line for part in sentence.parts for line in lines(part, depth + 1)]
    return [f"{'  ' * depth}{label}{sentence.text}", *below]


def test_a_policy_says_to_what_it_applies_and_what_it_takes_for_granted() -> None:
    found = meaning()

    assert lines(found.applies) == ['image.repository matches "a/**"']
    assert lines(found.exception) == ['image.repository matches "a/b/**"']
    assert (found.accepts, found.assumed, found.environments) == (("vex",), "HIGH", ("staging", "dev"))
    assert found.kinds == {"coverage": "application/vnd.acme.coverage"}
    assert {"scan", "vex", "coverage"} <= set(found.documents)


def test_a_condition_is_a_tree_with_the_functions_opened() -> None:
    found = rule("fixable")

    assert lines(found.guard) == ['image.tag is "v1"']
    assert (found.outer, lines(found.chosen)) == ("scan", ['scan.tool is "trivy"'])
    assert (found.demanded, found.element) == ("forbid", "finding in scan.findings")
    assert lines(found.condition) == [
        "all of these hold",
        "  old(finding, grace)",
        "    all of these hold",
        "      finding.age > grace",
        '      finding.id in { "CVE-2024-0001" }',
        "  none of these holds",
        "    finding.suppressed",
        "    finding.fix is missing",
    ]
    assert lines(found.excuse) == ["some vex where all of these hold", "  vex covers finding", "  vex.status is FIXED"]


def test_effects_are_told_for_each_environment_that_changes_them() -> None:
    assert rule("fixable").effects == {"staging": "warn", "dev": "warn"}
    assert rule("covered").effects == {"dev": "warn"}
    assert rule("backlog").effects == {}
    assert [rule("fixable", name).effective for name in (None, "staging", "dev")] == ["deny", "warn", "warn"]


def test_parameters_have_the_value_that_holds_here() -> None:
    def value(environment: str | None, **given: object) -> tuple[str | None, str]:
        (found,) = rule("fixable", environment, **given).values
        assert (found.name, found.type, found.description) == ("grace", "duration", "how long")
        return found.value, found.source

    assert value(None) == ("14 days", "default")
    assert value("dev") == ("14 days", "default")
    assert value("staging") == ("30 days", "environment")
    assert value("staging", grace=86400) == ("1 day", "given")


def test_a_parameter_that_must_be_given_is_said_to_be() -> None:
    assert rule("owned").values == (Value("owner", "text", None, "required"),)
    assert rule("owned", owner="me").values == (Value("owner", "text", '"me"', "given"),)


def test_a_rule_that_counts_names_its_limit() -> None:
    found = rule("backlog")

    assert (found.limit, found.element, lines(found.condition)) == ("limit", "finding", ["finding.severity is LOW"])
    assert [value.name for value in found.values] == ["limit"]


def test_demands_include_those_of_functions_messages_and_waivers() -> None:
    demand = rule("fixable").demand

    assert demand["finding"] == ("age", "aliases", "fix", "id", "package", "suppressed", "title")
    assert demand["scan"] == ("findings", "tool")
    assert demand["vex"] == ("id", "products", "status")
    assert "coverage" not in demand
    assert rule("covered").demand == {"coverage": ("percent",)}


def test_waivers_are_told_with_their_owner_and_last_day() -> None:
    (waiver,) = rule("fixable").waivers

    assert (waiver.owner, waiver.reason, waiver.ticket) == ("me", "because", "T-1")
    assert waiver.expires == date(2026, 12, 31)
    assert lines(waiver.where) == ['finding.id is "CVE-2024-0002"']
    assert rule("backlog").waivers == ()


def test_only_the_wanted_rules_are_told() -> None:
    found = Meanings(policy(TEXT)).policy_meaning(lambda rule: rule.name == "owned")

    assert [each.identifier for each in found.rules] == ["p.owned"]


def test_functions_that_call_others_twice_do_not_multiply() -> None:
    calls = "\n".join(
        f"define f{n}(x: finding): bool = f{n - 1}(x) or (f{n - 1}(x) and x.suppressed)" for n in range(1, 12)
    )
    subject = policy(
        f'define f0(x: finding): bool = x.suppressed\n{calls}\nrule r deny "t" forbid finding where f11(finding)'
    )

    (found,) = Meanings(subject).policy_meaning().rules

    assert len(lines(found.condition)) < 1000
