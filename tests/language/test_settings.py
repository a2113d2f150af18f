"""Parameters as a command line writes them."""

from __future__ import annotations

from typing import Any

import pytest

from policyengine.errors import UsageError
from policyengine.language.policyset import PolicySet

POLICY = PolicySet.parse("""policy p
param release: identity = x509("O=x")
param signers: set of identity = { x509("O=x") }
param trail: list of identity = [ x509("O=x") ]
param ids: set of vulnerability = { "CVE-2024-0001" }
param grace: duration = 1 day
rule r deny "t"
  require image is signed by { release } + signers and image is signed by trail
rule s deny "t"
  forbid finding where finding.id in ids and finding.age > grace
""")
KEY = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('release=x509("O=acme, CN=release")', {"p.release": ("x509", "O=acme, CN=release")}),
        (f'p.release=key("{KEY}")', {"p.release": ("key", KEY)}),
        (
            'release=keyless(issuer: "https://i.example.com", subject: "https://github.com/acme/*")',
            {"p.release": ("keyless", "https://i.example.com", "https://github.com/acme/*")},
        ),
        ('signers=x509("O=a, CN=b")', {"p.signers": (("x509", "O=a, CN=b"),)}),
        (f'signers=x509("O=a"), key("{KEY}")', {"p.signers": (("x509", "O=a"), ("key", KEY))}),
        ('signers={ x509("O=a"), x509("O=a"), }', {"p.signers": (("x509", "O=a"),)}),
        ('trail=[ x509("O=a"), x509("O=b") ]', {"p.trail": (("x509", "O=a"), ("x509", "O=b"))}),
        ("ids=CVE-2024-0001, cve-2024-0002", {"p.ids": ("CVE-2024-0001", "CVE-2024-0002")}),
        ("grace=14 days", {"p.grace": 14 * 86400}),
    ],
)
def test_values(text: str, value: dict[str, Any]) -> None:
    assert POLICY.parameters([text]) == value


@pytest.mark.parametrize(
    "value",
    ["", "O=acme", 'x509("O=a', 'x509("nonsense")', '"O=a"', 'x509("O=a"), x509("O=b")', 'x509("O=a") let x = 1',
     'x509("O=a")\nrule q deny "t" require image is signed', "{ }", "y", "x509(value)"],
)  # fmt: skip
def test_what_is_no_identity_is_refused_with_the_right_form(value: str) -> None:
    with pytest.raises(UsageError, match="is not an identity, which `release` is") as caught:
        POLICY.parameters([f"release={value}"])
    assert 'x509("O=acme, CN=release")' in caught.value.help
    with pytest.raises(UsageError):
        POLICY.parameters([f"signers={{ {value or ' '} }} let z = {{ 1"])


@pytest.mark.parametrize("value", ["1_4 days", "\u0661 day", "1.5 days", " 1 day", "1e3 days", "+1 day"])
def test_a_duration_is_written_with_the_digits_of_the_language(value: str) -> None:
    with pytest.raises(UsageError, match="is not a duration"):
        POLICY.parameters([f"grace={value}"])
