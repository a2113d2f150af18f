from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine.evidence.identities import IdentityPattern, identity, key, keyless, x509
from policyengine.evidence.model import Identity

RELEASE = Identity("x509", (("C", "US"), ("ST", "WA"), ("O", "acme"), ("CN", "release")))
ISSUER = "https://token.actions.githubusercontent.com"
WORKFLOW = Identity(
    "keyless", issuer=ISSUER, subject="https://github.com/acme/app/.github/workflows/ci.yml@refs/heads/main"
)
PRINT = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("O=acme, CN=release", True),
        ("CN=release,O=acme", True),
        ("c=US, o=acme", True),
        ("S=WA", True),
        ("2.5.4.10=acme", True),
        (" O = acme ", True),
        (r"O=acm\65", True),
        ("O=acme corp", False),
        ("O=acm", False),
        ("O=ACME", False),
        ("O=acme, CN=ci", False),
        ("O=acme, OU=x", False),
        ("CN=acme", False),
        (r"O=acme\ ", False),
    ],
)
def test_a_subject_has_all_attributes_whole(text: str, answer: bool) -> None:
    assert x509(text).matches(RELEASE) is answer


def test_types_are_one_whatever_they_are_called() -> None:
    named = Identity("x509", (("emailAddress", "a@example.com"), ("2.5.4.5", "7"), ("S", "WA")))
    assert x509("E=a@example.com, serialNumber=7, ST=WA").matches(named)


def test_one_of_several_values_of_a_type_is_enough() -> None:
    assert x509("OU=b").matches(Identity("x509", (("OU", "a"), ("OU", "b"))))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"O=a\, b", "a, b"),
        (r"O=a\+b", "a+b"),
        (r"O=a=b", "a=b"),
        (r"O=\#a", "#a"),
        (r"O=\ a\ ", " a "),
        (r"O=a\\", "a\\"),
        (r"O=a\\  ", "a\\"),
        (r"O=a\\\ ", "a\\ "),
        (r"O=Lu\C4\8Di\C4\87", "Lučić"),
        ("O=Lučić", "Lučić"),
        ("O=a#b", "a#b"),
    ],
)
def test_escapes_are_those_of_distinguished_names(text: str, value: str) -> None:
    assert x509(text).attributes == (("O", value),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not of the form `TYPE=value`"),
        ("release", "is not of the form `TYPE=value`"),
        ("O=acme,", "is not of the form `TYPE=value`"),
        ("O=", "without a value"),
        ("O=acme, CN= ", "without a value"),
        ("O=a, O=a", "names `O` twice"),
        ("O=a, o=b", "names `O` twice"),
        ("S=a, ST=b", "names `ST` twice"),
        ("O=a+CN=b", "joins two attributes"),
        ("O=#0401", "hexadecimal form"),
        ("O=a;CN=b", "must be escaped"),
        ('O="a"', "must be escaped"),
        (r"O=a\x", "is no escape"),
        ("O=a\\", "in the middle of an escape"),
        (r"O=\FF", "not UTF-8"),
        ("ON=acme", "`ON` in `ON=acme` is not an attribute of a certificate's subject, did you mean `CN`?"),
        ("Organisation=acme", "is not an attribute"),
        ("1.2.=acme", "is not an attribute"),
        ("=acme", "is not an attribute"),
        ("X\x1b[2J=a", "is not an attribute"),
    ],
)
def test_what_is_no_distinguished_name_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError) as raised:
        x509(text)
    assert words in str(raised.value)
    assert str(raised.value).isprintable()


def test_keyless_identities_have_one_issuer_and_a_subject_like_a_glob() -> None:
    ours = keyless(ISSUER, "https://github.com/acme/*/.github/workflows/ci.yml@refs/heads/main")
    assert ours.matches(WORKFLOW)
    assert not keyless(ISSUER, "https://github.com/acme/*").matches(WORKFLOW)
    assert not keyless(f"{ISSUER}/", "**").matches(WORKFLOW)
    assert not keyless("**", "**").matches(WORKFLOW)
    evil = Identity("keyless", issuer=ISSUER, subject=f"https://github.com/evil/x?{WORKFLOW.subject}")
    assert not ours.matches(evil)
    with pytest.raises(ValueError, match="not a regular expression"):
        keyless(ISSUER, "https://github.com/acme/.*$")
    with pytest.raises(ValueError, match="not an issuer"):
        keyless(" ", "**")


def test_keys_are_known_by_their_fingerprint() -> None:
    assert key(PRINT.upper()).matches(Identity("key", fingerprint=PRINT))
    assert not key(PRINT).matches(Identity("key", fingerprint="sha256:" + "cd" * 32))
    for text in ("", "sha256:ab", "ab" * 32, "sha512:" + "ab" * 64, PRINT + "\n0"):
        with pytest.raises(ValueError, match="not a fingerprint"):
            key(text)


def test_one_kind_is_never_another() -> None:
    identities = (RELEASE, WORKFLOW, Identity("key", fingerprint=PRINT))
    patterns = (x509("O=acme"), keyless(ISSUER, "**"), key(PRINT))
    for index, pattern in enumerate(patterns):
        assert [pattern.matches(signer) for signer in identities] == [place == index for place in range(3)]


def test_an_empty_pattern_matches_nobody() -> None:
    for kind in ("x509", "keyless", "key"):
        assert not IdentityPattern(kind).matches(Identity(kind))


def test_the_identity_of_a_pattern_is_matched_by_it() -> None:
    for pattern in (x509("O=acme, CN=release"), keyless(ISSUER, "https://example.com/a"), key(PRINT)):
        assert pattern.matches(identity(pattern))


def test_patterns_are_values() -> None:
    assert len({x509("O=a, CN=b"), x509("cn=b,o=a"), keyless("i", "s*"), keyless("i", "s*"), key(PRINT)}) == 3
    assert str(x509("CN=b, o=a")) == 'x509("CN=b, O=a")'
    assert str(keyless("i", "s*")) == 'keyless(issuer: "i", subject: "s*")'
    assert str(key(PRINT)) == f'key("{PRINT}")'
    assert pickle.loads(pickle.dumps(keyless(ISSUER, "**"))).matches(WORKFLOW)


VALUES = st.text(alphabet='ab ,+"\\<>;=#é', min_size=1, max_size=6)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(["CN", "O", "OU", "C"]), VALUES, min_size=1))
def test_escaped_values_come_back_as_they_were(attributes: dict[str, str]) -> None:
    def escaped(value: str) -> str:
        return "".join(f"\\{sign}" if sign in ' ,+"\\<>;=#' else sign for sign in value)

    pattern = x509(", ".join(f"{name}={escaped(value)}" for name, value in attributes.items()))
    assert dict(pattern.attributes) == attributes
    assert pattern.matches(Identity("x509", tuple(attributes.items())))
    assert not pattern.matches(Identity("x509", tuple((name, f"{value}x") for name, value in attributes.items())))


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet='OCN=,+\\"# a;\n', max_size=20))
def test_any_text_is_an_identity_or_a_sentence(text: str) -> None:
    message = ""
    try:
        x509(text)
    except ValueError as error:
        message = str(error)
    else:
        assert x509(text).attributes
    assert message.isprintable()
