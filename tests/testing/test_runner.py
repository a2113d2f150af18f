"""What an author of tests sees: which pass, which fail, and what a failure says."""

from pathlib import Path

import pytest

from policyengine.language.policyset import PolicySet
from policyengine.testing.runner import Outcome, run_tests

RULES = """
policy p
evidence coverage from "application/vnd.acme.coverage+json" { percent: decimal at "totals.percent"  by: text optional }
param limit: int = 0
environment lenient { limit = 5 }
environment quiet   { downgrade high to warn }
rule high deny "no high finding"
  forbid finding where finding.severity >= HIGH
  message "{finding.id} by {finding.tool} in {finding.package.purl}"
rule lows warn "few low findings"
  forbid more than limit finding where finding.severity is LOW
waive high for finding where finding.id is "CVE-2024-0009"
  owner "o@example.com" reason "not reachable" expires 2026-06-30
"""


def outcomes(tests: str, rules: str = RULES, pattern: str = "*") -> list[Outcome]:
    return list(run_tests(PolicySet.parse(f"{rules}\n{tests}", "p.policy"), pattern))


def passes(tests: str, rules: str = RULES) -> bool:
    found = outcomes(tests, rules)
    assert found
    assert [outcome.reason for outcome in found if not outcome.passed] == []
    return True


def failure(test: str, rules: str = RULES) -> str:
    (found,) = outcomes(test, rules)
    assert found.reason is not None
    return found.reason


@pytest.mark.parametrize("folder", ["ok", "failing"])
def test_conformance(shared: Path, folder: str) -> None:
    files = sorted((shared / "conformance" / folder).glob("*.policy"))
    assert files
    for file in files:
        found = list(run_tests(PolicySet.load(file)))
        assert found, file.name
        wrong = [each for each in found if each.passed != (folder == "ok")]
        assert not wrong, f"{file.name}: {[(each.test.name, each.reason) for each in wrong]}"


# ---------------------------------------------------------------------------- what is given


def test_a_finding_alone_brings_a_usable_scan() -> None:
    assert passes("""
      test "a" given finding { id: "CVE-2024-0001", severity: LOW } expect allow expect no violation of high
      test "b" given finding { id: "CVE-2024-0001", severity: HIGH }
        expect deny by high containing "CVE-2024-0001 by test in <no purl>" 1 times
    """)


def test_findings_belong_to_the_scan_given_before_them() -> None:
    assert passes("""
      test "to the last one" given scan { tool: "trivy" } given scan { tool: "grype" }
        given finding { id: "CVE-2024-0001", severity: HIGH } expect deny by high containing "by grype"
      test "their own tool" given scan { tool: "trivy" }
        given finding { id: "CVE-2024-0001", severity: HIGH, tool: "x" }
        expect deny by high containing "by x"
      test "an unsigned scan takes its findings with it" given scan { unsigned: true }
        given finding { id: "CVE-2024-0001", severity: HIGH } expect undetermined by high containing "no usable scan"
    """)


def test_what_is_left_out_has_the_defaults_of_the_reference() -> None:
    rules = """
    policy p
    rule severity deny "t"  forbid finding where finding.severity is HIGH
    rule category deny "t"  require every finding satisfies finding.category is VULNERABILITY
    rule kind deny "t"      require every package satisfies package.kind is LIBRARY
    rule named deny "t"     require every package satisfies package.name is "test"
    rule plain deny "t"     forbid finding where finding.suppressed
    rule missing deny "t"   require every finding satisfies finding.fix is missing and finding.package is missing
    rule signers deny "t"   require every scan in scans satisfies scan is signed
    rule named-signer deny "t" require every scan in scans satisfies scan is signed by x509("O=acme")
    rule stamps deny "t"    forbid signature in image.signatures where signature.timestamped
    """
    assert passes("""
      test "defaults" given finding { id: "CVE-2024-0001" } given package {} given signature on image {}
        expect undetermined by severity
        expect no violation of category  expect no violation of kind  expect no violation of named
        expect no violation of plain  expect no violation of missing  expect no violation of signers
        expect deny by named-signer  expect no violation of stamps
    """, rules)  # fmt: skip


def test_every_document_and_signature_has_a_digest_of_its_own() -> None:
    rules = """
    policy p
    rule same deny "t" for each scan in scans require no other in scans where other.digest is not scan.digest
    """
    assert passes('test "two" given scan { tool: "a" } given scan { tool: "b" } expect deny by same 2 times', rules)


def test_licences_come_from_what_a_document_would_say() -> None:
    rules = """
    policy p
    rule mit deny "t" forbid package where not package.license permitted by { "MIT" }
    """
    assert passes("""
      test "declared" given package { license_declared: "MIT" } expect allow
      test "concluded wins" given package { license_declared: "MIT", license_concluded: "GPL-3.0-only" }
        expect deny by mit
      test "no assertion is none" given package { license_declared: "MIT", license_concluded: "NOASSERTION" }
        expect allow
      test "said outright" given package { license: "MIT", license_concluded: "GPL-3.0-only" } expect allow
      test "nothing" given package {} expect undetermined by mit
    """, rules)  # fmt: skip


def test_absent_unsigned_and_unreachable_are_three_things() -> None:
    assert passes("""
      test "absent" expect deny expect undetermined by high containing "none is attached"
      test "said so" given no scan expect undetermined by high containing "none is attached"
      test "unsigned" given scan { unsigned: true } expect deny
        expect undetermined by high containing "not signed by a trusted identity"
      test "unreachable" given unreachable scan expect error containing "registry" expect undetermined by high
      test "unreachable beside a definite violation" given unreachable scan
        given finding { id: "CVE-2024-0001", severity: HIGH } expect deny
    """)


def test_the_image_and_its_signatures() -> None:
    rules = """
    policy p
    applies to image where image.repository matches "registry.example.com/prod/**"
    rule signed deny "t" require image is signed by { x509("O=acme, CN=release"), key("sha256:%s") }
    rule team deny "t" require image.labels["team"] is "payments"
    """ % ("a" * 64)
    given = 'given image { repository: "registry.example.com/prod/app", labels: { team: "payments" } }'
    assert passes(f"""
      test "x509" {given} given signature on image {{ identity: x509("C=US, O=acme, CN=release") }} expect allow
      test "key" {given} given signature on image {{ identity: key("sha256:{"a" * 64}") }} expect allow
      test "nested" {given}
        given image {{ signatures: [ {{ identity: x509("O=acme, CN=release") }} ] }} expect allow
      test "other" {given} given signature on image {{ identity: x509("O=acme") }} expect deny by signed
      test "nobody" {given} expect deny by signed
      test "no answer" {given} given unreachable signature expect error
      test "elsewhere" given image {{ repository: "registry.example.com/dev/app" }}
        expect deny containing "no policy applies"
        expect no violation of signed
    """, rules)  # fmt: skip


def test_documents_of_a_declared_kind() -> None:
    rules = RULES + '\nrule covered deny "t" require some coverage where coverage.percent >= 80.5'
    assert passes("""
      test "given" given coverage { percent: 80.5 } given scan {} expect allow
      test "low" given coverage { percent: 80.4 } given scan {} expect deny by covered
      test "none" given no coverage given scan {} expect undetermined by covered containing "no usable coverage"
      test "unsigned" given coverage { percent: 99.0, unsigned: true } given scan {} expect undetermined by covered
      test "unreachable" given unreachable coverage given scan {} expect error expect undetermined by covered
    """, rules)  # fmt: skip


def test_a_document_of_a_declared_kind_has_defaults_only_where_they_prove_nothing() -> None:
    rules = """
    policy p
    evidence review from "application/vnd.acme.review+json" {
      by: text  of: digest  in: purl  under: license  for: vulnerability  worst: severity  at: time optional
    }
    rule by deny "t"      require every review satisfies review.by is "test"
    rule apart deny "t"   require every review satisfies no other in reviews where other.of is review.of
                          and other.digest is not review.digest
    rule own deny "t"     forbid review where review.of is review.digest
    rule in deny "t"      require every review satisfies review.in matches "pkg:generic/test"
    rule under deny "t"   require every review satisfies review.under permitted by { "MIT" }
    rule not-under deny "t" forbid review where review.under requires any of { "GPL-3.0-only" }
    rule for deny "t"     require every review satisfies review.for is "CVE-2024-0001"
    rule worst deny "t"   forbid review where review.worst >= HIGH
    rule at deny "t"      require every review satisfies review.at is missing
    """
    assert passes("""
      test "defaults" given review {} given review { created: 2026-01-01 }
        expect no violation of by  expect no violation of apart  expect no violation of own  expect no violation of in
        expect undetermined by under  expect undetermined by not-under  expect deny by for
        expect undetermined by worst  expect no violation of at
    """, rules)  # fmt: skip


def test_the_newest_document_of_a_declared_kind_replaces_the_others() -> None:
    rules = RULES + '\nrule covered deny "t" require every coverage satisfies coverage.percent >= 80.5'
    low, high = "given coverage { percent: 10.0%s }", "given coverage { percent: 90.0%s }"
    assert passes(f"""
      test "a newer one" {low % ", created: 2025-12-30"} {high % ", created: 2025-12-31T00:00:00Z"} given scan {{}}
        expect allow
      test "in any order" {high % ", created: 2025-12-31"} {low % ", created: 2025-12-30T23:59:59Z"} given scan {{}}
        expect allow
      test "an older one" {low % ", created: 2025-12-31"} {high % ", created: 2025-12-30"} given scan {{}}
        expect deny by covered 1 times
      test "at once" {low % ", created: 2025-12-30"} {high % ", created: 2025-12-30"} expect deny by covered 1 times
      test "without a time" {low % ""} {high % ", created: 2025-12-31"} expect deny by covered 1 times
      test "a newer one that nobody signed" {low % ", created: 2025-12-30"}
        {high % ", created: 2025-12-31, unsigned: true"} expect deny by covered 1 times
    """, rules)  # fmt: skip


def test_a_declared_field_called_created_is_that_field() -> None:
    rules = """
    policy p
    evidence base from "application/vnd.acme.base+json" { created: time  name: text }
    rule one deny "t" require every base satisfies base.name is "new"
    rule fresh deny "t" require some base where base.created within 1 day
    """
    assert passes("""
      test "both stay" given base { created: 2025-12-31T12:00:00Z, name: "new" } given base { created: 2020-01-01 }
        expect deny by one 1 times expect no violation of fresh
    """, rules)  # fmt: skip


def test_keys_of_labels_annotations_and_metadata_may_be_any_text() -> None:
    rules = """
    policy p
    rule source deny "t"
      require image.labels["org.opencontainers.image.source"] is "https://git.example.com/a"
        and image.labels["team"] is "payments" and image.annotations["a \\"b\\" {c}"] is "d"
    rule built deny "t" require some signature in image.signatures where signature.metadata["com.example/build"] is "7"
    """
    source = '"org.opencontainers.image.source": "https://git.example.com/a"'
    signed = 'given signature on image { metadata: { "com.example/build": "7" } }'
    assert passes(f"""
      test "all" given image {{
        labels: {{ {source}, "team": "payments" }}, annotations: {{ "a \\"b\\" {{c}}": "d" }} }} {signed}
        expect allow
      test "none" given image {{ labels: {{ {source} }} }} expect undetermined by source expect deny by built
      test "another" given image {{ labels: {{ {source}, team: "x" }} }} expect deny by source
    """, rules)  # fmt: skip


def test_provenances_and_vex_statements() -> None:
    rules = """
    policy p
    rule built deny "t" require some provenance where provenance.builder matches "https://build.example.com/*"
      and provenance.started within 1 day
    rule fixed deny "t" forbid finding where finding.severity is HIGH
      unless some vex where vex covers finding and vex.status is NOT_AFFECTED
    """
    finding = """given finding { id: "CVE-2024-0001", severity: HIGH,
      package: { name: "curl", purl: "pkg:deb/debian/curl@8.0" } }"""
    products = 'products: { "pkg:deb/debian/curl@8.0" }'
    assert passes(f"""
      test "ours" given provenance {{ builder: "https://build.example.com/1", started: 2025-12-31T12:00:00Z }}
        expect no violation of built
      test "theirs" given provenance {{ builder: "https://evil.example.com/1", started: 2025-12-31T12:00:00Z }}
        expect deny by built
      test "no time" given provenance {{ builder: "https://build.example.com/1" }} expect undetermined by built
      test "excused" {finding} given vex {{ id: "CVE-2024-0001", status: NOT_AFFECTED, {products} }}
        expect no violation of fixed
      test "by nobody" {finding}
        given vex {{ id: "CVE-2024-0001", status: NOT_AFFECTED, {products}, unsigned: true }}
        expect deny by fixed
      test "no status" {finding} given vex {{ id: "CVE-2024-0001", {products} }} expect deny by fixed
    """, rules)  # fmt: skip


def test_files_are_read_by_the_real_readers(tmp_path: Path, shared: Path) -> None:
    documents = shared / "fixtures" / "documents" / "vulnerable"
    (tmp_path / "broken.json").write_text('{"version": "2.1.0", "runs": [')
    (tmp_path / "coverage.json").write_text('{"totals": {"percent": 91.25}}')
    policy = tmp_path / "p.policy"
    policy.write_text(f"""{RULES}
      rule covered deny "t" when image.tag is "measured" require some coverage where coverage.percent >= 90
      test "scan" given file "{documents / "trivy.sarif.json"}" as scan expect deny by high 5 times
      test "broken" given file "broken.json" as scan expect undetermined by high containing "cannot be read"
      test "declared" given image {{ tag: "measured" }} given file "coverage.json" as coverage
        given scan {{}} expect allow
      test "another kind" given file "{documents / "sbom.spdx.json"}" as scan expect deny
      test "not there" given file "nowhere.json" as scan expect deny
    """)
    found = {each.test.name: each.reason for each in run_tests(PolicySet.load(policy))}
    assert [name for name, reason in found.items() if reason is None] == ["scan", "broken", "declared"]
    assert "is no scan" in str(found["another kind"])
    assert "nowhere.json" in str(found["not there"])


def test_a_layout_is_fetched_and_verified(tmp_path: Path, shared: Path) -> None:
    from policyengine.verification.trust import Trust

    fixtures = shared / "fixtures"
    trust = Trust.load(fixtures / "notation/trustpolicy.json", fixtures / "notation/truststore")
    policy = tmp_path / "p.policy"
    policy.write_text(f"""policy p
      applies to image where image.repository matches "registry.example.com/**"
      rule signed deny "t" require image is signed
      test "signed" at 2026-11-22T20:00:00Z given image {{ repository: "registry.example.com/app" }}
        given layout "{fixtures / "layouts/good-cose"}" expect allow
      test "unsigned" at 2026-11-22T20:00:00Z given image {{ repository: "registry.example.com/app" }}
        given layout "{fixtures / "layouts/unsigned-image"}" expect deny by signed
      test "elsewhere" given layout "{fixtures / "layouts/good-cose"}" expect deny containing "no policy applies"
      test "beside" given layout "{fixtures / "layouts/good-cose"}" given scan {{}} expect allow
      test "nowhere" given layout "nowhere" expect allow
    """)
    found = {each.test.name: each.reason for each in run_tests(PolicySet.load(policy), trust=trust)}
    assert [name for name, reason in found.items() if reason is None] == ["signed", "unsigned", "elsewhere"]
    assert "beside `given layout`" in str(found["beside"])
    nobody = {each.test.name: each.passed for each in run_tests(PolicySet.load(policy))}
    assert nobody["signed"] is False


def test_a_test_that_contradicts_itself_fails() -> None:
    assert "says `given no scan`" in failure('test "a" given finding { id: "CVE-2024-0001" } given no scan expect deny')
    assert "says `given no signature`" in failure(
        'test "a" given signature on image {} given no signature given scan {} expect allow'
    )


# ---------------------------------------------------------------------------- what is expected


def test_environment_parameters_and_instant() -> None:
    assert passes("""
      test "environment" in environment lenient given finding { id: "CVE-2024-0001", severity: LOW }
        expect no violation of lows
      test "parameter beats it" in environment lenient with limit = 0
        given finding { id: "CVE-2024-0001", severity: LOW }
        expect warn by lows
      test "downgraded" in environment quiet given finding { id: "CVE-2024-0001", severity: HIGH }
        expect allow expect warn by high
      test "waived" given finding { id: "CVE-2024-0009", severity: HIGH } expect allow expect waived high
      test "no longer" at 2026-07-01T00:00:00Z given finding { id: "CVE-2024-0009", severity: HIGH } expect deny by high
    """)


@pytest.mark.parametrize(
    ("expected", "reason"),
    [
        ("allow", "expected `allow`, but the decision is deny: high denies: CVE-2024-0001 by test"),
        ("error", "expected `error`, but the decision is deny"),
        ('deny containing "elsewhere"', 'expected `deny containing "elsewhere"`, but nothing says so'),
        ("deny by lows", "expected `deny by lows`, but lows holds"),
        ("warn by high", "expected `warn by high`, but high denies"),
        ("undetermined by high", "expected `undetermined by high`, but high denies"),
        ("deny by high 2 times", "expected `deny by high 2 times`, but high denies"),
        ('deny by high containing "no high finding"', "but high denies"),
        ("no violation of high", "expected `no violation of high`, but high denies"),
        ("waived high", "expected `waived high`, but high denies"),
    ],
)
def test_a_failure_says_what_was_expected_and_what_came(expected: str, reason: str) -> None:
    assert reason in failure(f'test "a" given finding {{ id: "CVE-2024-0001", severity: HIGH }} expect {expected}')


def test_every_failed_expectation_is_named_with_its_line() -> None:
    (found,) = outcomes('test "a" given scan {}\n  expect deny\n  expect allow\n  expect waived high')
    lines = [line for line, _ in found.failures]
    assert lines[1] - lines[0] == 2
    assert len(found.failures) == 2


def test_a_long_list_of_violations_is_cut() -> None:
    many = " ".join(f'given finding {{ id: "CVE-2024-{number:04}", severity: HIGH }}' for number in range(1, 30))
    text = failure(f'test "a" {many} expect allow')
    assert "and 26 more" in text
    assert len(text) < 1000


def test_an_undetermined_waived_or_warning_rule_is_told_apart() -> None:
    unknown = failure('test "a" given finding { id: "CVE-2024-0001" } expect no violation of high')
    assert "(undetermined: " in unknown
    waived = failure('test "a" given finding { id: "CVE-2024-0009", severity: HIGH } expect deny by high')
    assert "high is waived: CVE-2024-0009" in waived


# ---------------------------------------------------------------------------- which are run


def test_names_are_globs_with_or_without_the_policy() -> None:
    tests = 'test "one" given scan {} expect allow test "two" given scan {} expect allow'
    assert [each.test.name for each in outcomes(tests)] == ["one", "two"]
    assert [each.test.name for each in outcomes(tests, pattern="t*")] == ["two"]
    assert [each.test.name for each in outcomes(tests, pattern="p/o*")] == ["one"]
    assert outcomes(tests, pattern="q/*") == []


def test_a_test_is_about_its_own_policy_alone(tmp_path: Path) -> None:
    (tmp_path / "p.policy").write_text(RULES + 'test "a" given scan {} expect allow')
    (tmp_path / "q.policy").write_text('policy q rule never deny "t" require image is signed by x509("O=x")')
    assert [each.passed for each in run_tests(PolicySet.load(tmp_path))] == [True]


def test_running_twice_gives_the_same() -> None:
    policies = PolicySet.parse(RULES + 'test "a" given scan {} expect deny', "p.policy")
    assert list(run_tests(policies)) == list(run_tests(policies))
