"""What messages print; they cannot fail (language reference, principle 7)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from policyengine.evidence.model import Collection, Image, Severity
from policyengine.language.view import View
from tests.language.samples import (
    MANY,
    finding,
    package,
    policy,
    result,
    rule,
    scan,
    signature,
    view,
    violations,
)

LOW, MEDIUM = Severity.LOW, Severity.MEDIUM


def message(template: str, seen: View, clauses: str = "forbid finding") -> str:
    (violation,) = violations(f'{clauses}\n  message "{template}"', seen)
    return violation.message


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{finding.id}", "CVE-2024-0001"),
        ("{finding.aliases}", "GHSA-2222-3333-4444, GHSA-3333-4444-5555"),
        ("{finding.severity}", "HIGH"),
        ("{finding.fix} {finding.cvss}", "<no fix> <no cvss>"),
        ("{finding.package.purl}", "pkg:npm/a@1.0.0"),
        ("{finding.package.license}", "see LICENSE"),
        ("{finding.package.supplier}", "<no supplier>"),
        ("{finding.age}", "1 day 2 hours"),
        ("{finding.published}", "2026-02-27T22:00:00Z"),
        ("{finding.suppressed}", "false"),
        ("{finding.package}", "pkg:npm/a@1.0.0"),
        ("{{finding}}", "{finding}"),
    ],
)
def test_a_message_prints_what_the_evidence_states(template: str, expected: str) -> None:
    ids = ("CVE-2024-0001", "GHSA-3333-4444-5555", "GHSA-2222-3333-4444")
    known = finding(*ids, age=timedelta(hours=26), package=package(license="see LICENSE"))

    assert message(template, view(findings=[known])) == expected


def test_a_message_prints_what_is_kept_by_a_key() -> None:
    labels = {"team": "payments", "org.opencontainers.image.source": "https://git.example.com/a", "x": "\x1b[2J"}
    seen = view(image=Image("sha256:i", labels=labels, signatures=Collection((signature(),))))

    def said(template: str) -> str:
        return message(template, seen, "require image is not signed")

    assert said('{image.labels[\\"team\\"]}, { image.labels[\\"org.opencontainers.image.source\\"] }') == (
        "payments, https://git.example.com/a"
    )
    assert said('by {image.labels[\\"owner\\"]}{image.annotations[\\"\\"]}') == "by <no owner><no >"
    assert message('{signature.metadata[\\"build\\"]}', seen, "forbid signature") == "<no build>"


def test_a_message_prints_parameters_as_written() -> None:
    subject = policy(
        'param grace: duration = 14 days\nparam pinned: identity = x509("O=acme, CN=ci")\n'
        'param bad: set of vulnerability = { "CVE-2024-0002", "CVE-2024-0001" }\n'
        'rule r deny "t" forbid finding message "{grace} {bad}"'
    )

    (violation,) = result(subject, view(findings=[finding()])).violations

    assert violation.message == "14 days CVE-2024-0001, CVE-2024-0002"


def test_without_a_message_the_title_and_the_element_speak() -> None:
    assert [v.message for v in violations("forbid finding", view(findings=[finding()]))] == ["the title: CVE-2024-0001"]
    assert [v.message for v in violations("require image is signed", view())] == ["the title"]
    (gap,) = violations("forbid finding", view(findings=Collection((), (MANY,))))
    assert gap.message == "the title: no usable scan: none is attached"


def test_a_text_of_a_megabyte_is_cut() -> None:
    assert len(message("{finding.title}", view(findings=[finding(title="x" * 1_000_000)]))) < 1100


def test_help_is_the_rules_unless_it_names_the_element() -> None:
    seen = view(findings=[finding(fix="2")])

    plain = result(rule('forbid finding\n  help "upgrade"'), seen)
    telling = result(rule('forbid finding\n  help "upgrade to {finding.fix}"'), seen)

    assert (plain.help, plain.violations[0].help) == ("upgrade", None)
    assert (telling.help, telling.violations[0].help) == ("upgrade to <fix>", "upgrade to 2")


def test_violations_rest_on_the_documents_of_their_elements() -> None:
    seen = view(
        findings=[finding(document="sha256:f")], packages=[package(document="sha256:p")], scans=[scan()],
        image=Image("sha256:i", signatures=Collection((signature(),))),
    )  # fmt: skip

    assert [v.evidence for v in violations("forbid finding", seen)] == [("sha256:f",)]
    assert [v.evidence for v in violations("forbid package", seen)] == [("sha256:p",)]
    assert [v.evidence for v in violations("forbid scan", seen)] == [("sha256:s",)]
    assert [v.evidence for v in violations("forbid signature", seen)] == [("sha256:g",)]
    assert [v.evidence for v in violations("require no scan", seen)] == [()]


def test_elements_of_a_plain_set_are_elements_too() -> None:
    subject = policy(
        'let tools = { "trivy", "grype" }\n'
        'rule r deny "t" for each tool in tools require some scan where scan.tool is tool message "{tool} is missing"'
    )

    found = result(subject, view(scans=[scan()]))

    assert [(v.element, v.message) for v in found.violations] == [("grype", "grype is missing")]
