"""Which faults are made, that tests which mean something notice them, and that no fault is made that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyengine.language.policyset import PolicySet
from policyengine.testing.mutation import Mutation, Survivor, mutate
from policyengine.testing.widening import globs, subjects

SEEN = """rule nothing warn "t" forbid finding
test "seen" given image { repository: "r/a/c" } given scan {} expect no violation of nothing"""
CHOICE = "if finding.fix is present then LOW else CRITICAL end"


def mutation(text: str, pattern: str = "*", most: int = 2_000) -> Mutation:
    return mutate(PolicySet.parse(text, "p.policy"), pattern, most=most)


def faults(items: str) -> set[str]:
    """The faults that are made in `items`, which the only test of their policy does not notice."""
    return {each.what for each in mutation(f"policy p {items}\n{SEEN}").survivors}


# ---------------------------------------------------------------------------- which faults there are


@pytest.mark.parametrize(
    ("condition", "made"),
    [
        (
            "finding.severity >= HIGH",
            {"`>= HIGH` became `> HIGH`", "`HIGH` became `MEDIUM`"},  # `>= CRITICAL` is `> HIGH`
        ),
        ("finding.severity < LOW", {"`< LOW` became `<= LOW`", "`LOW` became `NONE`"}),
        (
            "finding.severity is MEDIUM",
            {"`is` became `is not`", "`MEDIUM` became `LOW`", "`MEDIUM` became `HIGH`"},
        ),
        ('finding.tool is not "a"', {"`is not` became `is`"}),
        ("not finding.suppressed", {"`not finding.suppressed` became `finding.suppressed`"}),
        (
            "finding.suppressed and finding.fix is present",
            {"`finding.suppressed` was dropped", "`finding.fix is present` was dropped"},
        ),
        (
            "finding.suppressed or finding.fix is present",
            {"`finding.suppressed` was dropped", "`finding.fix is present` was dropped"},
        ),
        (
            "finding.age > 14 days",
            {"`> 14 days` became `>= 14 days`", "`14 days` became `13 days`", "`14 days` became `15 days`"},
        ),
        (
            "finding.cvss >= 7.0",
            {"`>= 7.0` became `> 7.0`", "`7.0` became `6.9`", "`7.0` became `7.1`"},
        ),
        (
            'finding.id in { "CVE-2024-0001", "CVE-2024-0002" }',
            {'`"CVE-2024-0001"` was removed', '`"CVE-2024-0002"` was removed'},
        ),
        ('finding.id not in { "CVE-2024-0001" }', {"`not in` became `in`"}),
        (
            'finding.location matches "usr/*/lib"',
            {"`usr/*/lib` became `usr/**/lib`", "`usr/*/lib` became `usr/*`"},
        ),
        (
            "(finding.age otherwise 0 days) > 1 day",
            {
                "`otherwise 0 days` was dropped", "`> 1 day` became `>= 1 day`", "`1 day` became `0 days`",
                "`1 day` became `2 days`",
            },
        ),
        (
            f"finding.severity >= {CHOICE}",
            {
                "`LOW` and `CRITICAL` were swapped", "`LOW` became `NONE`", "`LOW` became `MEDIUM`",
                "`CRITICAL` became `HIGH`",
                f"`>= {CHOICE}` became `> {CHOICE}`",
            },
        ),
        (
            "some vex where vex covers finding and vex.status in { FIXED }",
            {
                "`some vex` became `every vex`", "`vex covers finding` was dropped",
                "`vex.status in { FIXED }` was dropped",
                "`where vex covers finding and vex.status in { FIXED }` was dropped",
            },
        ),
    ],
)  # fmt: skip
def test_faults_of_conditions(condition: str, made: set[str]) -> None:
    found = faults(f'rule r deny "t" forbid finding where {condition}')
    assert found == made | {"`deny` became `warn`", f"`where {condition}` was dropped"}


@pytest.mark.parametrize(
    ("clauses", "made"),
    [
        (
            'when image.tag is "a" require image is signed by x509("O=a, CN=b")',
            {
                '`when image.tag is "a"` was dropped', "`is` became `is not`", '`by x509("O=a, CN=b")` was dropped',
                "`O=a, CN=b` became `O=a`", "`O=a, CN=b` became `CN=b`",
            },
        ),
        (
            "forbid more than 1 finding unless finding.suppressed",
            {"`1` became `0`", "`1` became `2`", "`unless finding.suppressed` was dropped"},
        ),
        (
            'for each document in scans + sboms where document.kind is "scan" require document is signed by key("KEY")',
            {
                "`scans +` was dropped", "`+ sboms` was dropped", "`is` became `is not`",
                '`where document.kind is "scan"` was dropped', '`by key("KEY")` was dropped',
            },
        ),
        (
            'require every scan satisfies scan.tool is "trivy"',
            {"`every scan` became `some scan`", "`is` became `is not`"},
        ),
        (
            'require every scan where scan.tool is "trivy" satisfies scan.finished within 1 day',
            {
                "`every scan` became `some scan`", "`is` became `is not`", '`where scan.tool is "trivy"` was dropped',
                "`1 day` became `0 days`", "`1 day` became `2 days`",
            },
        ),
        ("require no finding where finding.suppressed", {
            "`no finding` became `some finding`", "`where finding.suppressed` was dropped",
        }),
        ("require at least 2 scan", {"`2` became `1`", "`2` became `3`"}),
        ("require count(scan in scans) <= 2", {"`<= 2` became `< 2`", "`2` became `3`"}),
    ],
)  # fmt: skip
def test_faults_of_clauses(clauses: str, made: set[str]) -> None:
    key = "sha256:" + "a" * 64
    found = {what.replace(key, "KEY") for what in faults(f'rule r deny "t" {clauses.replace("KEY", key)}')}
    assert found == made | {"`deny` became `warn`"}


@pytest.mark.parametrize(
    ("items", "made"),
    [
        (
            'applies to image where image.repository matches "r/a/**" except where image.repository matches "r/a/b"',
            {
                '`where image.repository matches "r/a/**"` was dropped', "`r/a/**` became `r/**`",
                '`except where image.repository matches "r/a/b"` was dropped',
            },
        ),
        ("accept unsigned scan", {"`accept unsigned scan` was dropped"}),
        ("assume severity UNKNOWN is LOW", {"`LOW` became `NONE`", "`LOW` became `MEDIUM`"}),
        (
            """rule r warn "t" forbid finding
               waive r for finding where finding.suppressed owner "o" reason "r" expires 2027-01-01""",
            {"`where finding.suppressed` was dropped"},
        ),
        (
            'param few: int = 3 environment dev { few = 5 } rule r warn "t" forbid more than few finding',
            {"`3` became `2`", "`3` became `4`", "`5` became `4`", "`5` became `6`"},
        ),
        (
            'let grace = 2 days rule r warn "t" forbid finding where (finding.age otherwise 0 days) > grace',
            {
                "`2 days` became `1 day`", "`2 days` became `3 days`", "`> grace` became `>= grace`",
                "`otherwise 0 days` was dropped", "`where (finding.age otherwise 0 days) > grace` was dropped",
            },
        ),
        (
            'define odd(p: package): bool = p.kind is FILE rule r warn "t" forbid package where odd(package)',
            {"`is` became `is not`", "`where odd(package)` was dropped"},
        ),
    ],
)  # fmt: skip
def test_faults_of_items(items: str, made: set[str]) -> None:
    assert faults(items) == made


def test_a_long_set_is_a_table() -> None:
    ids = ", ".join(f'"CVE-2024-{number:04}"' for number in range(1, 41))
    made = faults(f'rule r warn "t" forbid finding where finding.id in {{ {ids} }}')
    assert '`every member but `"CVE-2024-0001"` was removed' not in made
    assert 'every member but `"CVE-2024-0001"` was removed' in made
    assert len(made) == 2


# ---------------------------------------------------------------------------- what is none


@pytest.mark.parametrize(
    "items",
    [
        'let unused = { "CVE-2024-0001", "CVE-2024-0002" }',
        'rule r warn "t" require image.labels["a*"] is present',
        """rule r warn "t" forbid package
           where package.license requires any of { "AGPL-3.0-only" } + { "AGPL-3.0-or-later" }""",
    ],
)  # fmt: skip
def test_what_changes_nothing_is_no_fault(items: str) -> None:
    assert {what.partition(" ")[0] for what in faults(items)} <= {"`where"}


def test_what_does_not_compile_is_no_fault() -> None:
    items = 'rule r warn "t" forbid finding where finding.published - finding.published > 1 day'
    assert "`finding.published -` was dropped" not in faults(items)
    assert "`- finding.published` was dropped" not in faults(items)


def test_a_fault_is_tried_once_in_whatever_words() -> None:
    made = faults('rule r warn "t" forbid more than 3 finding where count(scan in scans) >= 2')
    assert made == {
        "`where count(scan in scans) >= 2` was dropped", "`>= 2` became `> 2`", "`2` became `1`",
        "`3` became `2`", "`3` became `4`",
    }  # fmt: skip


# ---------------------------------------------------------------------------- noticed or not

POLICY = """policy p
param grace: duration = 14 days
rule old deny "no old high finding"
  forbid finding where finding.severity >= HIGH and finding.age > grace
  unless some vex where vex covers finding and vex.status is NOT_AFFECTED
"""
PACKAGE = 'package: { name: "a", purl: "pkg:npm/a@1" }'
FINDING = f'id: "CVE-2024-0001", severity: HIGH, published: 2026-01-01, {PACKAGE}'
THOROUGH = f"""{POLICY}
test "at the end of its grace" at 2026-01-15T00:00:00Z given finding {{ {FINDING} }} expect allow
test "after it" at 2026-01-15T00:00:01Z given finding {{ {FINDING} }} expect deny by old
test "a medium one" at 2026-03-01T00:00:00Z
  given finding {{ id: "CVE-2024-0001", severity: MEDIUM, published: 2026-01-01 }} expect allow
test "excused" at 2026-03-01T00:00:00Z given finding {{ {FINDING} }}
  given vex {{ id: "CVE-2024-0001", status: NOT_AFFECTED, products: {{ "pkg:npm/a@1" }} }}
  given vex {{ id: "CVE-2024-0002", status: AFFECTED, products: {{ "pkg:npm/b@1" }} }} expect allow
test "not excused" at 2026-03-01T00:00:00Z given finding {{ {FINDING} }}
  given vex {{ id: "CVE-2024-0001", status: AFFECTED, products: {{ "pkg:npm/a@1" }} }} expect deny by old
test "excused for another" at 2026-03-01T00:00:00Z given finding {{ {FINDING} }}
  given vex {{ id: "CVE-2024-0001", status: NOT_AFFECTED, products: {{ "pkg:npm/b@1" }} }} expect deny by old
"""


def test_thorough_tests_notice_every_fault() -> None:
    found = mutation(THOROUGH)
    assert [each.what for each in found.survivors] == []
    assert (found.noticed, found.passed) == (found.tried, True)
    assert found.tried > 12


def test_a_survivor_says_where_what_and_how_to_notice_it() -> None:
    lines = [line for line in THOROUGH.splitlines() if "at the end of its grace" not in line]
    survivors = mutation("\n".join(lines)).survivors
    assert [(each.what, each.show) for each in survivors] == [
        ("`14 days` became `13 days`", "a case that `14 days` and `13 days` decide differently"),
        ("`finding.age > grace` was dropped", "a case where only `finding.age > grace` is false"),
        ("`> grace` became `>= grace`", "a case where `finding.age` is exactly `grace`"),
    ]
    assert [(s.span.path, s.span.line, s.span.column) for s in survivors] == [
        ("p.policy", 2, 25), ("p.policy", 4, 53), ("p.policy", 4, 53),
    ]  # fmt: skip


def test_only_the_tests_that_are_chosen_can_notice() -> None:
    assert len(mutation(THOROUGH, "a medium one").survivors) > len(mutation(THOROUGH).survivors)


def test_a_test_that_fails_anyway_notices_nothing() -> None:
    failing = 'test "wrong" given scan {} expect deny by old'
    found = mutation(f"{POLICY}\n{failing}")
    assert found.noticed == 0
    assert found.survivors


def test_a_policy_without_a_test_is_named() -> None:
    found = mutation(POLICY)
    assert (found.tried, found.untested, found.passed) == (0, ("p",), False)


def test_the_number_of_faults_is_bounded() -> None:
    found = mutation(THOROUGH, most=3)
    assert (found.tried, found.passed) == (3, False)
    assert found.untried > 9


def test_so_is_the_work_on_a_policy_of_many_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policyengine.testing.mutation.WORK", 30)
    rules = "".join(f'rule r{number} warn "t" forbid finding where finding.suppressed\n' for number in range(9))
    found = mutation(f"policy p {rules} {SEEN}")
    assert (found.tried, found.untried) == (3, 6)


def test_faults_of_waivers_libraries_and_tests_in_other_files(tmp_path: Path) -> None:
    (tmp_path / "p.policy").write_text(
        'policy p import l rule r deny "t" forbid finding where finding.id in l.never waive r for finding'
        ' where finding.suppressed owner "o" reason "r" expires 2027-01-01'
    )
    (tmp_path / "l.policy").write_text('library l let never = { "CVE-2024-0001", "CVE-2024-0002" }')
    (tmp_path / "unused.policy").write_text('library unused let never = { "CVE-2024-0001", "CVE-2024-0002" }')
    (tmp_path / "w.policy").write_text(
        'waivers for p waive r for finding where finding.tool is "a" owner "o" reason "r" expires 2027-01-01'
    )
    (tmp_path / "t.policy").write_text(
        'tests for p test "a" given finding { id: "CVE-2024-0001" } given finding { id: "CVE-2024-0003" }'
        " expect deny by r 1 times"
    )
    found = mutate(PolicySet.load(tmp_path))
    assert [(Path(each.span.path).name, each.what) for each in found.survivors] == [
        ("l.policy", '`"CVE-2024-0002"` was removed'),
    ]
    assert found.tried == 7  # two of the library, two of the rule, one and two of the waivers


def test_running_twice_gives_the_same() -> None:
    assert mutation(THOROUGH, "a*") == mutation(THOROUGH, "a*")


def test_survivors_are_in_the_order_of_the_text() -> None:
    found = mutation(THOROUGH, "excused").survivors
    assert isinstance(found[0], Survivor)
    places = [(each.span.line, each.span.column) for each in found]
    assert places == sorted(places)


# ---------------------------------------------------------------------------- wider patterns


@pytest.mark.parametrize(
    ("text", "wider"),
    [
        ("registry.example.com/prod/**", ["registry.example.com/**"]),
        ("registry.example.com/*", ["registry.example.com/**"]),
        ("a/*/b", ["a/**/b", "a/*"]),
        ("**/prod", ["**"]),
        ("app-?", []),
        ("acme/**", []),
        ("exact", []),
        ("https://github.com/acme/**", ["https://github.com/**"]),
        ("https://github.com/**", []),
        ("pkg:deb/debian/openssl@*", ["pkg:deb/debian/*"]),  # no slash in a version
        ("pkg:npm/@acme/*", ["pkg:npm/@acme/**", "pkg:npm/*"]),
    ],
)
def test_wider_globs(text: str, wider: list[str]) -> None:
    assert list(globs(text)) == wider


def test_wider_subjects() -> None:
    assert list(subjects("C=US, O=acme\\, inc, CN=x")) == ["O=acme\\, inc, CN=x", "C=US, CN=x", "C=US, O=acme\\, inc"]
    assert list(subjects("O=acme")) == []
