"""What the checker refuses, where it says so, and what it advises."""

from __future__ import annotations

import pytest

from policyengine.language import checked
from tests.language.problems import RULE, errors, found, program, warnings

CONDITIONS = [
    # a condition of `forbid finding where …`, and the words that the answer must contain
    ("finding.severty >= HIGH", ("severty", "did you mean `severity`")),
    ("finding.severity >= CRITCAL", ("CRITCAL", "did you mean CRITICAL")),
    ('finding.severity >= "HIGH"', ("severity", "without quotes")),
    ("finding.severity >= 7", ("severity", "int")),
    ("finding.fix", ("bool", "is present")),
    ("finding.age > 14", ("duration", "14 days")),
    ("finding.age > 14 fortnights", ("fortnights", "weeks")),
    ('finding.id >= "CVE-2024-0001"', ("does not compare", "vulnerability")),
    ('finding.id in { "CVE-24-1" }', ("CVE-24-1",)),
    ("finding.id in {  }", ("empty",)),
    ("finding.package is finding.package", ("does not compare", "package")),
    ('finding.package.license permitted by { "MTI" }', ("MTI", "MIT")),
    ('finding.package.purl is "pkg:npm"', ("pkg:npm",)),
    ("image.labels is present", ("by its key",)),
    ('finding["id"] is "x"', ("key",)),
    ("findng.id is present", ("findng", "finding")),
    ("finding.published < now", ("now", "within")),
    ("image is singed", ("singed", "did you mean `signed`")),
    ("finding.fix is presnt", ("presnt", "did you mean `present`")),
    ("scan.tool is present", ("scans",)),
    ("finding is signed", ("never signed",)),
    ('image is signed by "CN=release"', ("x509",)),
    ("count(finding) > true", ("int",)),
    ("(count(findings2 in findings) otherwise 1) > 1", ("missing",)),
    ("some f in finding.id where true", ("collection",)),
    ("unknown(finding)", ("no function", "unknown")),
    ('x509("O=a") is present', ("field",)),
    ("finding.published > 2026-03-01T12:00:00", ("not an instant", "offset")),
    ("finding.published > 2026-03-01T12:00Z", ("not an instant", "seconds")),
    ("finding.published within 5", ("duration",)),
    ("finding.severity is HIGH and finding.fix is present or finding.suppressed", ("parenthes",)),
    ("not some f in findings where f.suppressed and f.fix is present", ("parenthes",)),
    ("finding.severity is HIGH and some f in findings where f.suppressed or f.fix is present", ("parenthes",)),
    ("finding.published > 2026-02-30", ("2026-02-30",)),
    ('finding.title matches "a|b"', ("glob",)),
    ("findings is present", ("collection", "some")),
    ("image.size < 5 days", ("duration",)),
    ('finding.cvss >= 7.5 and finding.title + "x" is "y"', ("combine",)),
    ('finding.title matches { "a*" }', ("`matches any of`",)),
    ('finding.title matches any of "a*"', ("`{ … }`",)),
    ('finding.age > "14 days"', ("without quotes", "14 days")),
    ('finding.package.purl matches "pkg:npm/x@<2"', ("range", "compare the package")),
    ('finding.package.purl matches any of { "pkg:npm/*", "pkg:npm/x@>= 2" }', ("range", "compare the package")),
    ('finding.package.purl matches "npm/*"', ("`npm/*`", "`pkg:`")),
    ('finding.aliases is { "CVE-2024-0001" }', ("`in`",)),
    ("some x in findings + packages", ("combine",)),
    ('image is signed by x509(" ")', ("nobody",)),
    ("image is signed by x509(finding.title)", ("set of identity",)),
    ('image.labls["team"] is "a"', ("labls", "did you mean `labels`")),
    ("some scans where\n scan.tool is present", ("did you mean `scan`",)),
]


@pytest.mark.parametrize(("condition", "words"), CONDITIONS, ids=[condition for condition, _ in CONDITIONS])
def test_refuses_a_condition_at_its_line_with_the_way_out(condition: str, words: tuple[str, ...]) -> None:
    said = errors(f'policy p\nrule a deny "t"\n  forbid finding where {condition}\n')

    assert {line for line, _ in said} == {3}
    text = " ".join(said for _, said in said)
    assert [word for word in words if word.lower() not in text.lower()] == []


ACCEPTED = [
    "finding.severity is HIGH and (finding.fix is present or finding.suppressed)",
    "LOW <= finding.severity",
    'finding.package.purl matches any of { "**/openssl@*", "PKG:npm/*", "p?g:npm/*", "pkg:*" }',
    "finding.cvss >= 7",
    "finding.published > 2026-01-01",
    "finding.published > 2026-01-01t12:00:00.5z",
    "finding.published + 3 days > 2026-01-01T00:00:00+02:00",
    "finding.published - finding.published > 1 day",
    "finding.published > 2026-03-01 - 3 days",
    "finding.published - 2026-03-01 > 3 days",
    "finding.published + finding.age > 2026-03-01",
    '"CVE-2024-0001" in finding.aliases',
    'finding.id not in { "CVE-2024-0001", "GHSA-ccff-gghh-jjmm" }',
    "(finding.age otherwise 0 days) > 30 days",
    "finding.category in { SECRET, MISCONFIGURATION }",
    'finding.package.license permitted by { "MIT" } + { "Apache-2.0" }',
    'finding.package matches any of { "pkg:npm/x@<2" }',
    "some v in vexes where v covers finding and v.status is FIXED",
    "count(f in findings where f.severity is HIGH) + 1 > 3",
    "if finding.fix is present then finding.severity >= LOW else finding.suppressed end",
    'image.labels["team"] is "payments"',
    'image is not signed by { x509("CN=a"), key("sha256:%s") }' % ("0" * 64),
    "at most 2 f in findings where f.suppressed",
    "finding.suppressed is true",
    'finding.tool in [ "trivy", "grype" ]',
]


@pytest.mark.parametrize("condition", ACCEPTED)
def test_accepts(condition: str) -> None:
    assert errors(f'policy p\nrule a deny "t"\n  forbid finding where {condition}\n') == []


ITEMS = [
    # the items of a policy besides a good rule, the line of the error, and words of the answer
    ('let a = { "MIT" }\nlet a = { "MIT" }', 3, ("a second time",)),
    ("let finding = 1", 2, ("already means",)),
    ("param limit: float = 1", 2, ("float", "decimal")),
    ('param limit: int = "five"', 2, ("int",)),
    ("environment e { limit = 1 }", 2, ("limit",)),
    ("environment e { downgrade b to warn }", 2, ("`b`",)),
    ("environment e { downgrade a to deny }", 2, ("warn",)),
    ("define f(n: int): bool = f(n - 1)", 2, ("calls itself",)),
    ("define f(n: int): bool = n", 2, ("bool",)),
    ("let a = b\nlet b = a", 2, ("itself",)),
    ("let a = image.size", 2, ("constant", "define")),
    ("assume severity UNKNOWN is UNKNOWN", 2, ("known severity",)),
    ("assume severity HIGH is LOW", 2, ("UNKNOWN",)),
    ("accept unsigned scans", 2, ("scans", "scan")),
    ('evidence scan from "a/b" { x: int }', 2, ("scan",)),
    ('evidence e from "a b" { x: int }', 2, ("a b", "artifact type")),
    ('evidence e from "a/b" { x: int }\nevidence f from "a/b" { y: int }', 3, ("`e`", "one kind")),
    ('evidence e from "a/b" { x: float }', 2, ("float", "decimal")),
    ('evidence e from "a/b" { x: int at "a..b" }', 2, ("path",)),
    ('applies to scan where scan.tool is "trivy"', 2, ("image",)),
    ("import nowhere", 2, ("nowhere",)),
    ("import std.licenses as findings", 2, ("already means", "as")),
    ("let CRITICAL = LOW", 2, ("already means",)),
    ("param s: scan", 2, ("as a parameter",)),
    ("param s: list of finding", 2, ("as a parameter",)),
    ('rule all deny "t" forbid package\nenvironment e { downgrade all to warn }', 3, ("every rule",)),
    ('waive a for image where image is signed owner "o" reason "r" expires 2026-12-31T00:00:00Z', 2, ("a time",)),
    ('waive a for image where image is signed owner "o" reason "r" expires 2026-02-30', 2, ("2026-02-30",)),
    ('param n: int = 1\ntest "t" with n = 1 with n = 2 expect deny', 3, ("twice",)),
    ("import std.licences", 2, ("std.licences", "std.licenses")),
    ("import std.licenses\nlet x = licenses.permisive", 3, ("permisive", "permissive")),
    ('waive b for image where image is signed owner "o" reason "r" expires 2026-12-31', 2, ("`b`",)),
    ('waive a for finding where finding.fix is present owner "o" reason "r" expires 2026-12-31', 2, ("image",)),
    ('waive a for image where image is signed owner "o" reason "r"', 2, ("expires",)),
    ('waive a for image where image is signed owner "" reason "r" expires 2026-12-31', 2, ("empty",)),
    ('waive a for image where image is signed reason "r" owner "o" expires 2026-12-31', 2, ("too late",)),
    ('rule b block "t"\n  require image is signed', 2, ("block", "deny")),
    ('rule b deny "t"\n  message "m"', 2, ("require",)),
    ('rule b deny "t"\n  require image is signed\n  require image is signed', 4, ("second",)),
    ('rule b deny "t"\n  require image is signed\n  when image is signed', 4, ("order",)),
    ('rule a deny "t"\n  require image is signed', 4, ("second rule",)),
    ('rule b deny "t"\n  forbid finding\n  message "{finding.idd}"', 4, ("idd", "id")),
    ('rule b deny "t"\n  forbid finding\n  message "{count}"', 4, ("count",)),
    ('rule b deny "t"\n  forbid finding\n  message "{finding.id"', 4, ("other half",)),
    ('rule b deny "t"\n  forbid finding\n  message "{image.labels[team]}"', 4, ("not a field", "key in quotes")),
    ('rule b deny "t"\n  forbid finding\n  message "{image.labels[\\"a\\"].b}"', 4, ("not a field",)),
    ('rule b deny "t"\n  forbid finding\n  message "{image.labels}"', 4, ("by its key",)),
    ('rule b deny "t"\n  forbid finding\n  message "{image[\\"tag\\"]}"', 4, ("looked up",)),
    ('rule b deny "t"\n  forbid finding\n  message "{finding.labels[\\"a\\"]}"', 4, ("no field", "labels")),
    ('rule b deny "t"\n  forbid finding\n  message "{labels[\\"a\\"]}"', 4, ("looked up",)),
    ('rule b deny "t"\n  forbid more than 1 finding\n  message "{count[\\"a\\"]}"', 4, ("looked up",)),
    ('rule b deny "t"\n  forbid more than 1 finding\n  message "{finding.id}"', 4, ("finding",)),
    ('test "t"\n  given finding { id: "CVE-2024-0001" }', 2, ("expect",)),
    ('test "t"\n  given finding { sevrity: HIGH }\n  expect deny', 3, ("sevrity", "severity")),
    ('test "t"\n  given findng { }\n  expect deny', 3, ("findng", "finding")),
    ('test "t"\n  given finding { age: 3 days }\n  expect deny', 3, ("age",)),
    ('test "t"\n  given finding { id: "CVE-1" }\n  expect deny', 3, ("CVE-1",)),
    ('test "t"\n  given package { license: "anything at all" }\n  given no sbm\n  expect deny', 4, ("sbm", "sbom")),
    ('test "t"\n  given finding { "id": "CVE-2024-0001" }\n  expect deny', 3, ("without quotes", "write `id`")),
    ('test "t"\n  given finding { "idd": "CVE-2024-0001" }\n  expect deny', 3, ("`idd`", "`id`")),
    ('test "t"\n  given image { labels: { a: "1", "a": "2" } }\n  expect deny', 3, ("`a`", "twice")),
    ('test "t"\n  given image { labels: { "a.b": 1 } }\n  expect deny', 3, ("text",)),
    ('rule b deny "t"\n  require { "a": 1 } is 1', 3, ("record", "test")),
    ('test "t"\n  expect deny by b', 3, ("`b`",)),
    ('test "t"\n  in environment e\n  expect deny', 3, ("`e`",)),
    ('test "t"\n  with x = 1\n  expect deny', 3, ("`x`",)),
    ('test "t"\n  expect deny\n  at 2026-01-01', 4, ("too late",)),
    ('test "t"\n  given signature { }\n  expect deny', 3, ("on image",)),
]  # fmt: skip


DECLARED = 'evidence report from "a/b" { n: int  d: decimal  b: bool  t: time  on: date  o: int optional  x: text }\n'

COMPLETE = "n: 1, d: 1, b: true, t: 2026-01-01, on: 2026-01-01"


@pytest.mark.parametrize("left_out", ["n", "d", "b", "t", "on"])
def test_what_has_no_default_must_be_given(left_out: str) -> None:
    given = ", ".join(part for part in COMPLETE.split(", ") if not part.startswith(f"{left_out}:"))
    text = f'policy p\n{DECLARED}{RULE}  require image is signed\ntest "t"\n  given report {{ %s }}\n  expect deny'

    ((line, said),) = errors(text % given)

    assert (line, said.startswith(f"E116 the report that is given has no `{left_out}`, which")) == (6, True)
    assert errors(text % COMPLETE) == []
    ((_, said),) = errors(text % f"{given}, {left_out}x: 1")
    assert said.startswith("E102")  # and what follows from it is not reported as well


def test_all_that_must_be_given_is_reported_at_once() -> None:
    ((_, said),) = errors(
        f'policy p\n{DECLARED}{RULE}  require image is signed\ntest "t" given report {{}} expect deny'
    )
    assert "`n`, `d`, `b`, `t`, `on`" in said


def test_when_a_document_was_attached_is_given_for_declared_kinds_only() -> None:
    text = f'policy p\n{DECLARED}{RULE}  require image is signed\ntest "t"\n  given %s\n  expect deny'

    assert errors(text % f"report {{ {COMPLETE}, created: 2026-01-01 }}") == []
    assert errors(text % f"report {{ {COMPLETE}, created: 1 }}")[0][1].startswith("E103")
    assert errors(text % "scan { created: 2026-01-01 }")[0][1].startswith("E102")


@pytest.mark.parametrize(("items", "line", "words"), ITEMS, ids=[items for items, _, _ in ITEMS])
def test_refuses_an_item(items: str, line: int, words: tuple[str, ...]) -> None:
    said = errors(f'policy p\n{items}\nrule a deny "t"\n  require image is signed\n')
    text = " ".join(words for _, words in said)

    assert line in {line for line, _ in said}
    assert [word for word in words if word.lower() not in text.lower()] == []
    assert len({line for line, _ in said}) == 1


def test_says_every_mistake_of_every_file_in_one_run() -> None:
    first = 'policy p\nrule a deny "t"\n  require image is singed\nrule b deny "t"\n  require image.sizes > 1\n'
    second = 'policy q\nrule a deny "t"\n  forbid finding where finding.severity >= HIHG\n'

    diagnostics = found(first, second)

    assert [(d.span.path, d.span.line) for d in diagnostics] == [("0.policy", 3), ("0.policy", 5), ("1.policy", 3)]


def test_what_follows_from_an_error_is_no_error_of_its_own() -> None:
    text = (
        'policy p\nlet ids = { "CVE-24-1" }\nrule broken deny "never closed\n'
        'rule a deny "t"\n  forbid finding where finding.id in ids\n'
        'waive broken for image where image is signed owner "o" reason "r" expires 2026-12-31\n'
        'test "t" expect no violation of broken\n'
    )

    assert [line for line, _ in errors(text)] == [2, 3]


def test_what_a_misspelt_name_would_use_is_not_called_unused() -> None:
    text = 'policy p\nlet release = x509("CN=a")\nrule a deny "t"\n  require image is signed by relase\n'

    assert [line for line, _ in errors(text)] == [4]
    assert warnings(text) == []


def test_a_misspelt_name_is_answered_with_that_of_an_item_that_cannot_be_read() -> None:
    text = 'policy p\nlet release = x509("CN=a"\nrule a deny "t"\n  require image is signed by relase\n'

    assert errors(text)[1] == (4, "E101 there is no `relase` did you mean `release`? release")


def test_a_policy_without_a_rule_checks_nothing() -> None:
    assert [line for line, _ in errors("policy p\nlet a = 1\n")] == [1]


def test_what_cannot_be_read_may_have_been_the_rule() -> None:
    assert [line for line, _ in errors("policy p\n!!! what is this\n")] == [2]


def test_a_constant_takes_its_type_from_its_first_use_and_keeps_it() -> None:
    head = 'policy p\nlet ids = { "CVE-2024-0001" }\nrule a deny "t"\n  forbid finding where finding.id in ids\n'

    assert errors(head) == []
    assert [line for line, _ in errors(head + 'rule b deny "t"\n  forbid finding where finding.tool in ids\n')] == [6]


@pytest.mark.parametrize("library", ["", "limits."])
def test_times_go_with_what_a_name_stands_for(library: str) -> None:
    names = "param start: time = 2026-01-01\nparam grace: duration = 3 days\n"
    own, others = ("", f"library limits\n{names}") if library else (names, "library limits\n")
    uses = f"image.created - {library}start > 1 day and image.created - {library}grace > {library}start"

    assert errors(f'policy p\n{own}import limits\nrule a deny "t"\n  require {uses}\n', others) == []


def test_literals_have_one_normal_form() -> None:
    condition = 'finding.id in { "cve-2024-0001" } and finding.age > 2 weeks'
    text = f'policy p\nrule a deny "t"\n  forbid finding where {condition}\n'

    where = program(text).policies[0].rules[0].forbid
    assert where is not None
    assert isinstance(where.where, checked.And)
    membership, age = where.where.parts
    assert isinstance(membership, checked.In)
    assert isinstance(membership.members, checked.Constant)
    assert membership.members.value == ("CVE-2024-0001",)
    assert isinstance(age, checked.Compare)
    assert isinstance(age.right, checked.Constant)
    assert age.right.value == 14 * 86400


def test_files_of_tests_and_waivers_belong_to_their_policy() -> None:
    policy = 'policy p\nrule a deny "t"\n  forbid finding\n'
    waivers = (
        'waivers for p\nwaive a for finding where finding.fix is missing owner "o" reason "r" expires 2026-12-31\n'
    )
    tests = 'tests for p\ntest "t" expect deny\n'

    assert errors(policy, waivers, tests) == []
    assert [line for line, _ in errors(policy, waivers.replace("for p", "for q"))] == [1]
    assert [line for line, _ in errors(policy, 'tests for p\nlet a = 1\ntest "t" expect deny\n')] == [2]


def test_names_are_unique_in_a_set() -> None:
    policy = 'policy p\nrule a deny "t"\n  forbid finding\n'

    assert [(d.span.path, d.span.line) for d in found(policy, policy)] == [("1.policy", 1)]


def test_a_cycle_of_imports_is_reported_once() -> None:
    one = "library one\nimport two\nlet a = two.b\n"
    two = "library two\nimport one\nlet b = 1\n"
    policy = 'policy p\nimport one\nrule a deny "t"\n  forbid more than one.a finding\n'

    assert len([d for d in found(one, two, policy) if d.code == "E105"]) == 1


def test_demand_names_what_is_read_and_nothing_else() -> None:
    text = (
        'policy p\nrule a deny "t"\n  forbid finding where finding.severity >= HIGH and finding.package.name is "x"\n'
    )

    assert program(text).policies[0].demand == {
        "finding": frozenset({"severity", "package"}),
        "package": frozenset({"name"}),
    }


@pytest.mark.parametrize(
    ("items", "line", "code"),
    [
        ("let unused = 1", 2, "W201"),
        ("param unused: int = 1", 2, "W201"),
        ("import std.licenses", 2, "W201"),
        ('rule b deny "t"\n  forbid more than -1 finding', 3, "W205"),
        ('rule b deny "t"\n  forbid finding where finding.severity is UNKNOWN', 3, "W206"),
        ('rule b deny "t"\n  forbid package where package matches "pkg:deb/debian/x@=5.6.0"', 3, "W204"),
        ('rule b deny "t"\n  forbid finding where finding.suppressed and not finding.suppressed', 3, "W203"),
        ('rule b deny "t"\n  forbid finding where finding.severity is LOW and finding.severity is HIGH', 3, "W203"),
        ('rule b deny "t"\n  forbid finding where finding.fix is present or finding.fix is missing', 3, "W203"),
        ('rule b deny "t"\n  require image is signed or true', 3, "W203"),
        ('rule b deny "t"\n  require image is signed\n  unless not (true and false)', 4, "W203"),
        ('rule b deny "t"\n  forbid finding where false', 3, "W203"),
        ('rule b deny "t"\n  forbid package where package.purl is "pkg:deb/debian/x@1-1"', 3, "W207"),
        ('applies to image where image.repository matches "registry.example.com:443/**"', 2, "W210"),
        ('rule b deny "t"\n  require image.repository in { "a.com/x", "docker.io/nginx" }', 3, "W210"),
        ('rule b deny "t"\n  require image.registry is "Registry.Example.com"', 3, "W210"),
        ('rule b deny "t"\n  forbid package where package.purl in { "pkg:npm/x@1", "pkg:npm/y" }', 3, "W207"),
        (
            'rule b deny "t" forbid package where f(package)\ndefine f(p: package): bool =\n p.purl is "pkg:npm/y"',
            4,
            "W207",
        ),
    ],
)
def test_warns(items: str, line: int, code: str) -> None:
    assert warnings(f'policy p\n{items}\nrule a deny "t"\n  require image is signed\n') == [(line, code)]


EVERY = "every signature in image.signatures satisfies signature.timestamped"


@pytest.mark.parametrize(
    ("rules", "lines"),
    [
        (f'rule a deny "t"\n  require {EVERY}', [3]),
        (f'rule a deny "t"\n  require image is signed and {EVERY}', []),
        (f'rule a deny "t"\n  require {EVERY}\nrule b deny "t"\n  require some signature', []),
        (f'rule a deny "t"\n  require {EVERY}\nrule b warn "t"\n  require image is signed', [3]),
        (f'rule a deny "t"\n  require {EVERY}\nrule b deny "t"\n  for each s in scans\n  require s is signed', [3]),
        ('rule a deny "t"\n  require every scan satisfies scan.tool is "trivy"', []),
    ],
)
def test_warns_of_what_holds_where_nobody_signed(rules: str, lines: list[int]) -> None:
    assert warnings(f"policy p\n{rules}\n") == [(line, "W202") for line in lines]


@pytest.mark.parametrize(
    "condition",
    [
        'finding.id is "CVE-2024-0001" and finding.id is "CVE-2024-0002"',
        "finding.severity is LOW or finding.severity is HIGH",
        "finding.severity is HIGH and finding.fix is present",
        'package.purl in { "pkg:npm/x@1", "pkg:deb/debian/x@1-1?arch=amd64" }',
        'package matches any of { "pkg:deb/debian/x@=5.6.0-1", "pkg:deb/debian/y@>=5.6.0,<5.6.2" }',
    ],
)
def test_does_not_warn_of_what_may_be(condition: str) -> None:
    element = condition.partition(".")[0].partition(" ")[0]
    assert warnings(f'policy p\nrule a deny "t"\n  forbid {element} where {condition}\n') == []
