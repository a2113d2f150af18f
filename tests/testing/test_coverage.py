"""What an author learns from coverage: which outcomes no test shows, and none that cannot be shown."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from policyengine.language.policyset import PolicySet
from policyengine.testing.coverage import Coverage, PartCoverage, measure

FULL = ("true", "false", "unknown")
KNOWN = ("true", "false")


def coverage(text: str, pattern: str = "*") -> Coverage:
    return measure(PolicySet.parse(text, "p.policy"), pattern)


def wanted(condition: str, items: str = "") -> dict[str, tuple[str, ...]]:
    """The conditions in `condition`, which a rule requires, with the outcomes that are asked for."""
    (part, *functions) = coverage(f'policy p\n{items}\nrule r deny "t"\n  require {condition}\n').parts
    return {each.text: each.wanted for each in (*part.conditions, *(c for f in functions for c in f.conditions))}


def part(found: Coverage, name: str) -> PartCoverage:
    return next(each for each in found.parts if each.name == name)


# ---------------------------------------------------------------------------- what was seen

POLICY = """policy p
param limit: int = 0
applies to image where image.repository matches "registry.example.com/**"
  except where image.repository matches "registry.example.com/sandbox/**"
define fixable(f: finding): bool = f.fix is present and f.severity >= HIGH
rule high deny "no fixable high finding"
  when not (image.tag is "debug")
  forbid finding where fixable(finding)
  unless finding.id in { "CVE-2024-0009" }
rule lows warn "few low findings"
  forbid more than limit finding where finding.severity is LOW
waive high for finding where finding.id is "CVE-2024-0008"
  owner "o@example.com" reason "not reachable" expires 2026-06-30
"""
IMAGE = 'given image { repository: "registry.example.com/app" }'


def test_nothing_is_shown_without_a_test() -> None:
    found = coverage(POLICY)
    assert (found.shown, found.percent) == (0, 0.0)
    assert found.wanted > 10
    assert [each.name for each in found.parts] == [
        "p: applies to", "p.high", "p.lows", "p: waive high", "p.fixable",
    ]  # fmt: skip


def test_every_place_of_a_condition_counts() -> None:
    texts = {each.name: [c.text for c in each.conditions] for each in coverage(POLICY).parts}
    assert texts == {
        "p: applies to": [
            'image.repository matches "registry.example.com/**"',
            'image.repository matches "registry.example.com/sandbox/**"',
        ],
        "p.high": ['(image.tag is "debug")', "fixable(finding)", 'finding.id in { "CVE-2024-0009" }'],
        "p.lows": ["finding.severity is LOW"],
        "p: waive high": ['finding.id is "CVE-2024-0008"'],
        "p.fixable": ["f.fix is present", "f.severity >= HIGH"],
    }


def test_what_tests_show_is_counted_over_all_of_them() -> None:
    text = f"""{POLICY}
    test "fires" {IMAGE} given finding {{ id: "CVE-2024-0001", severity: HIGH, fix: "1" }} expect deny by high
    test "waived" {IMAGE} given finding {{ id: "CVE-2024-0008", severity: HIGH, fix: "1" }} expect waived high
    test "unknown" {IMAGE} given finding {{ id: "CVE-2024-0002", fix: "1" }} expect undetermined by high
    """
    found = coverage(text)
    high = part(found, "p.high")
    assert high.states == ("violated", "undetermined", "waived")
    assert {c.text: c.missing for c in high.conditions} == {
        '(image.tag is "debug")': KNOWN,
        "fixable(finding)": ("false",),
        'finding.id in { "CVE-2024-0009" }': ("true",),
    }
    assert part(found, "p: waive high").complete
    assert part(found, "p.lows").states == ("passed", "undetermined")
    assert part(found, "p.fixable").conditions[0].missing == ("false",)


def test_only_the_tests_that_are_chosen_count() -> None:
    text = f'{POLICY} test "a" {IMAGE} given scan {{}} expect allow test "b" expect deny'
    assert part(coverage(text, "b"), "p.high").states == ()
    assert part(coverage(text, "a"), "p.high").states == ("passed",)


def test_an_image_out_of_scope_says_nothing_of_the_rules() -> None:
    found = coverage(f'{POLICY} test "elsewhere" given image {{ repository: "other/app" }} expect deny')
    assert part(found, "p: applies to").conditions[0].seen == ("false",)
    assert part(found, "p.high").states == ()


def test_a_guard_that_is_false_leaves_a_rule_not_applicable() -> None:
    image = 'given image { repository: "registry.example.com/app", tag: "debug" }'
    found = coverage(f'{POLICY} test "debug" {image} given scan {{}} expect allow')
    assert part(found, "p.high").states == ("not-applicable",)


def test_a_test_that_cannot_be_staged_shows_nothing() -> None:
    assert coverage(f'{POLICY} test "a" {IMAGE} given file "nowhere" as scan expect allow').shown == 0


def test_a_layout_is_seen_through_the_real_path(tmp_path: Path, shared: Path) -> None:
    from policyengine.verification.trust import Trust

    fixtures = shared / "fixtures"
    trust = Trust.load(fixtures / "notation/trustpolicy.json", fixtures / "notation/truststore")
    policy = tmp_path / "p.policy"
    policy.write_text(f"""policy p
      rule signed deny "t" require image is signed
      test "a" at 2026-11-22T20:00:00Z given image {{ repository: "registry.example.com/app" }}
        given layout "{fixtures / "layouts/good-cose"}" expect allow""")
    found = measure(PolicySet.load(policy), trust=trust)
    assert part(found, "p.signed").conditions[0].seen == ("true",)


def test_a_function_of_a_library_counts_once_for_all_policies(tmp_path: Path) -> None:
    (tmp_path / "l.policy").write_text("library l define old(f: finding): bool = f.age > 1 day")
    for name in ("p", "q"):
        (tmp_path / f"{name}.policy").write_text(
            f'policy {name} import l rule r deny "t" forbid finding where l.old(finding)'
            f' test "{name}" given finding {{ id: "CVE-2024-000{1 + (name == "q")}" }} expect undetermined by r'
        )
    found = measure(PolicySet.load(tmp_path))
    assert [each.name for each in found.parts] == ["p.r", "l.old", "q.r"]
    assert part(found, "l.old").conditions[0].seen == ("unknown",)


# ---------------------------------------------------------------------------- percentages


def test_percentages_are_of_outcomes_and_never_rounded_up() -> None:
    text = """policy p rule r deny "t" forbid finding where finding.severity >= HIGH
    test "a" given finding { id: "CVE-2024-0001" } given finding { id: "CVE-2024-0002", severity: HIGH } expect deny"""
    found = coverage(text)
    assert (found.shown, found.wanted, found.percent) == (2, 3, 66.6)
    assert found.reaches(Fraction(200, 3))
    assert not found.reaches(Fraction(667, 10))


def test_a_policy_without_conditions_is_covered() -> None:
    found = coverage('policy p rule r deny "t" forbid finding test "a" given scan {} expect allow')
    assert (found.wanted, found.percent, found.reaches(Fraction(100))) == (0, 100.0, True)


# ---------------------------------------------------------------------------- what is asked for


@pytest.mark.parametrize(
    ("condition", "outcomes"),
    [
        ('image.repository matches "registry/**"', KNOWN),
        ('image.tag is "latest"', FULL),
        ("image is signed", FULL),
        ("image is signed by x509(\"O=a\")", FULL),
        ("image.tag is missing", KNOWN),
        ("image.tag is present", KNOWN),
        ('image.digest is missing', ("false",)),
        ('image.labels["team"] is "a"', FULL),
        ('(image.tag otherwise "none") is "latest"', KNOWN),
        ("image.created within 1 day", FULL),
    ],
)  # fmt: skip
def test_what_is_asked_of_the_image(condition: str, outcomes: tuple[str, ...]) -> None:
    assert list(wanted(condition).values()) == [outcomes]


@pytest.mark.parametrize(
    ("condition", "outcomes"),
    [
        ("finding.severity >= HIGH", FULL),
        ("finding.severity > CRITICAL", ("false", "unknown")),
        ("NONE <= finding.severity", ("true", "unknown")),
        ("finding.severity is UNKNOWN", ("unknown",)),
        ("finding.category is VULNERABILITY", KNOWN),
        ('finding.id in { "CVE-2024-0001" }', KNOWN),
        ("finding.suppressed", KNOWN),
        ("not finding.suppressed", KNOWN),
        ("finding.age > 14 days", FULL),
        ("finding.fix is present", KNOWN),
        ('finding.package.name is "a"', FULL),
        ('finding.tool is not "trivy"', KNOWN),
        ("finding is missing", ("false",)),
        ("1 is 1", ()),
    ],
)
def test_what_is_asked_of_a_finding(condition: str, outcomes: tuple[str, ...]) -> None:
    found = wanted(f"every finding satisfies {condition}")
    assert list(found.values()) == [FULL, outcomes]


def test_an_assumed_severity_is_never_unknown() -> None:
    found = wanted("every finding satisfies finding.severity >= HIGH", "assume severity UNKNOWN is HIGH")
    assert found["finding.severity >= HIGH"] == KNOWN


@pytest.mark.parametrize(
    ("condition", "outcomes"),
    [
        ("some scan", ("true", "unknown")),  # without a scan it is not known whether there should be one
        ("no scan", ("false", "unknown")),
        ("some finding", FULL),
        ("some signature in image.signatures", FULL),
        ("at least 1 scan", FULL),
        ("count(scan in scans) > 1", FULL),
    ],
)
def test_what_is_asked_of_quantifiers(condition: str, outcomes: tuple[str, ...]) -> None:
    assert list(wanted(condition).values()) == [outcomes]


def test_what_is_inside_a_document_that_can_be_read_is_known() -> None:
    found = wanted("every scan in scans satisfies no finding in scan.findings where finding.suppressed")
    assert list(found.values()) == [FULL, KNOWN, KNOWN]


def test_a_usable_document_is_signed_by_somebody() -> None:
    require = "every scan in scans satisfies scan is signed"
    assert wanted(require)["scan is signed"] == ("true",)
    assert wanted(require, "accept unsigned scan")["scan is signed"] == KNOWN
    assert wanted(f'{require} by x509("O=a")')['scan is signed by x509("O=a")'] == KNOWN


def test_parameters_are_known_and_both_ways() -> None:
    assert wanted("strict or limit > 3", "param strict: bool = true param limit: int = 3") == {
        "strict": KNOWN, "limit > 3": KNOWN,
    }  # fmt: skip


def test_the_branches_of_a_choice_are_conditions() -> None:
    found = wanted('every finding satisfies if finding.suppressed then true else finding.fix is "1" end')
    assert list(found.values())[1:] == [KNOWN, (), FULL]


def test_an_argument_is_as_unknown_as_what_is_given_for_it() -> None:
    items = """define lib(p: package): bool = p.kind is LIBRARY
               define deb(p: package): bool = p.ecosystem is present and p.ecosystem is "deb" """
    sure = wanted("every package satisfies lib(package)", items)
    assert (sure["lib(package)"], sure["p.kind is LIBRARY"]) == (KNOWN, KNOWN)
    unsure = wanted("every finding satisfies lib(finding.package)", items)
    assert (unsure["lib(finding.package)"], unsure["p.kind is LIBRARY"]) == (FULL, FULL)
    guarded = wanted("every package satisfies deb(package)", items)
    assert (guarded["deb(package)"], guarded['p.ecosystem is "deb"']) == (KNOWN, FULL)


def test_functions_that_call_each_other_cost_no_more_than_they_are() -> None:
    chain = "define f0(p: package): bool = p.version is present\n" + "".join(
        f"define f{n}(p: package): bool = f{n - 1}(p) and (f{n - 1}(p) or f{n - 1}(p))\n" for n in range(1, 8)
    )
    assert wanted("every package satisfies f7(package)", chain)["f7(package)"] == KNOWN
