"""Distinguished names in trust policies, and which subject they match."""

from __future__ import annotations

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from policyengine.verification import identities
from tests.verification import signing


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C=US,ST=WA,O=a", {"C": "US", "ST": "WA", "O": "a"}),
        (" C=US,  S=WA,O =a ", {"C": "US", "ST": "WA", "O": "a"}),
        ("O=Acme\\, Inc\\; x\\\\y", {"O": "Acme, Inc; x\\y"}),
        ("O=\\#acme", {"O": "#acme"}),
        ("O=a#b=c", {"O": "a#b=c"}),
        ("O=\\ a\\ , CN=b", {"O": " a ", "CN": "b"}),
        ("O=a\\ \\  , CN=b", {"O": "a  ", "CN": "b"}),
        ("O=a\\\\ ", {"O": "a\\"}),
        ("O=\\c3\\A4", {"O": "ä"}),
        ("O=ä 日本", {"O": "ä 日本"}),
        ('O=\\"a\\"\\+\\<\\>', {"O": '"a"+<>'}),
        ("2.5.4.3=x", {"CN": "x"}),
        ("1.2.3.4=x", {"1.2.3.4": "x"}),
        ("SERIALNUMBER=42", {"SERIALNUMBER": "42"}),
    ],
)
def test_names(text: str, expected: dict[str, str]) -> None:
    assert dict(identities.parse_name(text)) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no attribute"),
        ("C=US,", "has no attribute"),
        (",C=US", "has no attribute"),
        ("C", "has no attribute"),
        ("=US", "has no attribute"),
        ("c=US", 'writes "c" where "C"'),
        ("C=US+ST=WA", "several values"),
        ("C=US;ST=WA", "not escaped"),
        ('C="US"', "not escaped"),
        ("C=<US>", "not escaped"),
        ("C=U\\zz", "an escape that does not exist"),
        ("C=US\\", "an escape that does not exist"),
        ("C=US, C=DE", "has C twice"),
        ("ST=WA, S=WA", "has ST twice"),
        ("CN=a, 2.5.4.3=b", "has CN twice"),
        ("O=#0c0161", 'begins with "#"'),
        ("O=", "is empty"),
        ("O=  ", "is empty"),
        ("O=\\ff", "is not UTF-8"),
        ("O=a\x00b", "stray character"),
    ],
)
def test_names_that_are_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        identities.parse_name(text)
    assert reason in str(caught.value)


@given(
    st.dictionaries(st.sampled_from(["C", "ST", "O", "OU", "CN", "L"]), st.text(min_size=1, max_size=20), min_size=1)
)
def test_what_rfc_4514_writes_is_read(values: dict[str, str]) -> None:
    plain = {kind: value for kind, value in values.items() if "\x00" not in value and kind != "C"} | {"C": "US"}
    subject = signing.name(*[(kind, value[:60]) for kind, value in plain.items() if len(value[:60].encode()) <= 64])
    text = subject.rfc4514_string()
    expected = {attribute.rfc4514_attribute_name: attribute.value for attribute in subject}
    assert dict(identities.parse_name(text)) == expected


@pytest.mark.parametrize("text", ["", "x", "x509.subject", "x509.subject:", "x509.subject: ", ":x", " : x"])
def test_what_is_no_identity(text: str) -> None:
    with pytest.raises(ValueError):
        identities.parse(text)


@pytest.mark.parametrize("missing", ["C", "ST", "O"])
def test_country_state_and_organisation_are_required(missing: str) -> None:
    parts = [f"{name}=x" for name in ("C", "ST", "O") if name != missing]
    with pytest.raises(ValueError, match=f"lacks {missing}"):
        identities.parse("x509.subject: " + ", ".join(parts))


def test_overlap_is_a_certificate_that_both_could_match() -> None:
    def overlap(one: str, two: str) -> bool:
        first, second = (identities.parse(f"x509.subject: C=US, ST=WA, O=a{each}") for each in (one, two))
        assert first.overlaps(second) == second.overlaps(first)
        return first.overlaps(second)

    assert overlap("", "")
    assert overlap("", ", OU=b")
    assert overlap(", OU=b", ", CN=c")
    assert not overlap(", OU=b", ", OU=c")
    assert not overlap(", OU=b, CN=x", ", OU=c, CN=x")
    assert not overlap("", "b")


SUBJECTS = st.dictionaries(st.sampled_from(["C", "ST", "O", "OU", "CN"]), st.sampled_from(["a", "A", "a "]), min_size=1)


@given(SUBJECTS, SUBJECTS)
def test_a_match_is_a_subset_with_equal_values(wanted: dict[str, str], subject: dict[str, str]) -> None:
    identity = identities.TrustedIdentity("", identities.SUBJECT, tuple(wanted.items()))
    assert identity.matches(tuple(subject.items())) == (wanted.items() <= subject.items())


def test_identities_of_plugins_match_nothing() -> None:
    identity = identities.parse("arn:aws:signer:x")
    assert not identity.matches(())
    assert not identity.matches((("CN", "x"),))


def test_a_subject_is_unambiguous_with_one_value_for_each_type() -> None:
    assert identities.unambiguous([[("C", "US")], [("CN", "x")]]) == (("C", "US"), ("CN", "x"))
    assert identities.unambiguous([[("C", "US"), ("CN", "x")]]) is None
    assert identities.unambiguous([[("CN", "x")], [("CN", "x")]]) is None
    assert identities.unambiguous([[]]) is None
    assert identities.unambiguous([]) == ()


def test_names_of_types_are_those_of_rfc_4514() -> None:
    for attribute in signing.subject("x"):
        assert identities.TYPES[attribute.oid.dotted_string] == attribute.rfc4514_attribute_name
    assert x509.NameOID.SERIAL_NUMBER.dotted_string in identities.TYPES
