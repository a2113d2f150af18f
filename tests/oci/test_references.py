"""References: what people write, and what attackers try. What other projects test is in `test_reference_tables`."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine.errors import InvalidReference
from policyengine.oci import Reference

DIGEST = "sha256:" + "a" * 64


def accepted(text: str) -> bool:
    try:
        Reference.parse(text)
    except InvalidReference:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("nginx", "docker.io/library/nginx"),
        ("acme/app:1", "docker.io/acme/app:1"),
        ("index.docker.io/nginx", "docker.io/library/nginx"),
        ("registry.example.com/prod/order-api:1.2", "registry.example.com/prod/order-api:1.2"),
        (f"localhost:5000/a@{DIGEST}", f"localhost:5000/a@{DIGEST}"),
        (f"[::1]:5000/a/b:t@{DIGEST}", f"[::1]:5000/a/b:t@{DIGEST}"),
        ("REGISTRY.Example.com/prod/app:V1", "registry.example.com/prod/app:V1"),
        ("test.com:5000", "docker.io/library/test.com:5000"),
    ],
)
def test_one_canonical_form(text: str, canonical: str) -> None:
    assert str(Reference.parse(text)) == canonical


def test_parts_and_name() -> None:
    reference = Reference.parse(f"registry.example.com/prod/order-api:1@{DIGEST}")
    assert (reference.registry, reference.repository) == ("registry.example.com", "prod/order-api")
    assert (reference.tag, reference.digest) == ("1", DIGEST)
    assert reference.name == "registry.example.com/prod/order-api"
    assert reference.target == DIGEST, "the digest decides, the tag is only shown"


def test_neither_tag_nor_digest_is_no_target() -> None:
    with pytest.raises(InvalidReference, match="neither a tag nor a digest") as caught:
        _ = Reference.parse("registry.example.com/app").target
    assert "registry.example.com/app@sha256:" in caught.value.help


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("app\n", "character"),
        ("app\0", "character"),
        ("a b/app", "character"),
        ("ａpp:1", "character"),
        ("registry.example.com/../app", "not a repository"),
        ("registry.example.com/a%2fb", "not a repository"),
        ("https://registry.example.com/app:1", 'leave out "https://"'),
        ("oci://registry.example.com/app:1", 'leave out "oci://"'),
        ("registry.example.com/Prod/app", "lower case"),
        ("registry.example.com:99999/app", "not a port"),
        ("registry.example.com:0/app", "not a port"),
        ("registry.example.com/app:", "not a tag"),
        ("registry.example.com/app:a/b", "not a repository"),
        ("registry.example.com/app:" + "t" * 129, "not a tag"),
        ("registry.example.com/app@", "not a digest"),
        ("registry.example.com/app@sha256:abc", "64 lower-case"),
        ("registry.example.com/app@sha256:" + "A" * 64, "64 lower-case"),
        ("registry.example.com/app@sha512:" + "a" * 64, "128 lower-case"),
        ("registry.example.com/app@md5:" + "a" * 32, "not supported"),
        ("registry.example.com/app@blake3:" + "a" * 64, "not supported"),
        (f"registry.example.com/app@{DIGEST}@{DIGEST}", "not a digest"),
        (DIGEST, "without a repository"),
        ("a" * 64, "image id"),
        ("PROD/app", "capitals"),
        ("a/" * 200 + "a", "longer than 255"),
        ("a" * 300, "longer than 255"),
    ],
)
def test_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidReference, match=reason) as caught:
        Reference.parse(text)
    assert caught.value.exit_code == 2
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 300


def test_the_error_survives_pickling() -> None:
    with pytest.raises(InvalidReference) as caught:
        Reference.parse("registry.example.com/App")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.message, again.help) == (caught.value.message, caught.value.help)


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
COMPONENT = st.from_regex(r"[a-z0-9]{1,6}((\.|_|__|-{1,3})[a-z0-9]{1,6}){0,2}", fullmatch=True)
NAMED = LABEL.filter(lambda label: not label.isdigit() and not label.startswith("0x"))
HOST = st.one_of(
    st.just("localhost"),
    st.builds("{}.{}".format, LABEL, NAMED),
    st.builds("{}:{}".format, NAMED, st.integers(1, 65535).filter(lambda port: port != 443)),
)
REFERENCES = st.builds(
    Reference,
    registry=HOST,
    repository=st.lists(COMPONENT, min_size=2, max_size=4).map("/".join),
    tag=st.none() | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True),
    digest=st.none() | st.binary(min_size=32, max_size=32).map(lambda raw: "sha256:" + raw.hex()),
)


@settings(max_examples=100)
@given(REFERENCES)
def test_the_written_form_reads_back(reference: Reference) -> None:
    assert Reference.parse(str(reference)) == reference


@settings(max_examples=100)
@given(st.text(max_size=60) | st.text("aA0.:/@-_[]%\\ \n", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    if accepted(text):
        reference = Reference.parse(text)
        assert Reference.parse(str(reference)) == reference
        assert ".." not in reference.repository.split("/")
