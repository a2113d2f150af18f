"""References: what people write, what attackers try, and the tables of the distribution project."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine.errors import InvalidReference
from policyengine.oci import Reference

DIGEST = "sha256:" + "a" * 64


def table(shared: Path, test: str, name: str) -> list[Any]:
    tables = json.loads((shared / "data/registry/reference_distribution.json").read_text())["tables"]
    cases: list[Any]
    (cases,) = [t["cases"] for t in tables if (t["test"], t["table"]) == (test, name)]
    assert cases
    return cases


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


TOO_LONG = 255 - len("docker.io/")
CAPITALS = ("LOCALDOMAIN/", "Docker/", "DOCKER/", "Foo/", "FOO/")
"""Hosts that only their capitals mark as hosts: we refuse them, since the canonical form would be another name."""


def test_distribution_grammar(shared: Path) -> None:
    for case in table(shared, "TestReferenceParse", "tests"):
        text = case["input"]
        if "@sha512:" in text or len(case.get("repository", "")) > TOO_LONG:
            continue  # their tests register sha256 only, and they bound the path without its host
        assert accepted(text) == ("err" not in case), text
        if "err" not in case:
            reference = Reference.parse(text)
            assert (reference.tag or "", reference.digest or "") == (case.get("tag", ""), case.get("digest", ""))


def test_distribution_names(shared: Path) -> None:
    for text in table(shared, "TestValidateReferenceName", "validRepoNames"):
        assert accepted(text) == (not text.startswith(CAPITALS)), text
    for text in table(shared, "TestValidateReferenceName", "invalidRepoNames"):
        assert not accepted(text), text
    for text in table(shared, "TestValidateRemoteName", "validRepositoryNames"):
        assert accepted(text), text
    for text in table(shared, "TestValidateRemoteName", "invalidRepositoryNames"):
        assert not accepted(text), text


def test_distribution_normalisation(shared: Path) -> None:
    for case in table(shared, "TestParseRepositoryInfo", "tests"):
        for form in ("FamiliarName", "FullName", "AmbiguousName"):
            if case[form] and not case[form].startswith(CAPITALS):
                reference = Reference.parse(case[form])
                assert (reference.registry, reference.repository) == (case["Domain"], case["RemoteName"])
    for case in table(shared, "TestNormalizedSplitHostname", "tests"):
        reference = Reference.parse(case["input"])
        assert (reference.registry, reference.repository) == (case["domain"], case["path"])
    for case in table(shared, "TestParseDockerRef", "tests"):
        reference = Reference.parse(case["input"])
        pinned = f"@{reference.digest}" if reference.digest else f":{reference.tag or 'latest'}"
        assert reference.name + pinned == case["expected"]


def test_distribution_regular_expressions(shared: Path) -> None:
    for case in table(shared, "TestDomainRegexp", "tests"):
        text = case["input"]
        port = text.rpartition(":")[2]
        plausible = "." in text or ":" in text or text == "localhost"
        if plausible and not (port.isdigit() and int(port) > 65535):
            assert accepted(f"{text}/app") == case["match"], text
    for case in table(shared, "TestReferenceRegexp", "tests"):
        assert accepted(case["input"]) == case["match"], case["input"]


# Other tools: every row, with where and why we differ


def others(shared: Path, *names: str) -> list[Any]:
    tables = json.loads((shared / "data/registry/reference_others.json").read_text())["tables"]
    cases = [case for table in tables if {table["test"], table["table"]} & set(names) for case in table["cases"]]
    assert cases
    return cases


def test_what_oras_takes(shared: Path) -> None:
    registries = ("localhost", "registry.example.com", "localhost:5000", "127.0.0.1:5000", "[::1]:5000")
    for case in others(shared, "TestParseReferenceGoodies"):
        if isinstance(case, dict):
            for registry in registries:  # they drop an empty tag, which distribution refuses as we do
                assert accepted(f"{registry}/{case['image']}") == (":@" not in case["image"]), case


def test_what_oras_refuses(shared: Path) -> None:
    familiar = {"localhost", "hello-world:linux"}  # they know no names without a registry
    for case in others(shared, "TestParseReferenceUglies"):
        assert accepted(case["raw"]) == (case["raw"] in familiar), case
    for case in others(shared, "TestReference_Validate"):
        parts = case["reference"]
        mark = "@" if ":" in parts.get("Reference", "") else ":"
        text = f"{parts['Registry']}/{parts['Repository']}" + mark * ("Reference" in parts) + parts.get("Reference", "")
        assert accepted(text) != case["wantErr"], case


def test_what_regclient_reads(shared: Path) -> None:
    for case in others(shared, "TestNew"):
        text = case["ref"]
        if text == "localhost:5000":
            expected = True  # a tag, as distribution has it
        elif "://" in text or case.get("wantE") or text.startswith(("example./", "example.:")):
            expected = False
        else:
            expected = case["registry"] == case["registry"].lower()  # see CAPITALS
        assert accepted(text) == expected, case
        if expected and "registry" in case:
            reference = Reference.parse(text)
            assert (reference.registry, reference.repository) == (case["registry"], case["repository"])
            assert (reference.tag or "latest" * (not reference.digest), reference.digest or "") == (
                case["tag"],
                case["digest"],
            )


def test_what_regclient_takes_for_a_registry(shared: Path) -> None:
    for case in others(shared, "TestNewHost"):
        host = case["host"]
        if "://" in host or not ("." in host or ":" in host or host == "localhost"):
            continue  # other schemes of theirs, and names that are none of a host in a reference
        empty_label = host.partition(":")[0].endswith(".")
        assert accepted(f"{host}/app") == (not case.get("wantE") and not empty_label), case


def test_what_go_containerregistry_takes(shared: Path) -> None:
    names = ("RepositoryNames", "TagNames", "DigestNames", "TagDigestNames")
    for kind in names:
        for text in others(shared, f"goodStrictValidation{kind}", f"goodWeakValidation{kind}"):
            assert accepted(text), text
    for kind in ("RepositoryNames", "TagNames", "DigestNames"):
        for text in others(shared, f"bad{kind}"):
            assert not accepted(text), text
    for text in others(shared, "goodStrictValidationRegistryNames"):
        assert accepted(f"{text}/app"), text
    for text in others(shared, "badRegistryNames"):
        assert not accepted(f"{text}/app"), text


def test_what_cue_labs_reads(shared: Path) -> None:
    for case in others(shared, "parseReferenceTests"):
        wanted = case.get("wantRef")
        assert accepted(case["input"]) == (wanted is not None) or len(case["input"]) > TOO_LONG, case
        if wanted and accepted(case["input"]):
            reference = Reference.parse(case["input"])
            library = "library/" * ("Host" not in wanted and "/" not in wanted["Repository"])
            assert reference.repository == library + wanted["Repository"]
            assert (reference.tag or "", reference.digest or "") == (wanted.get("Tag", ""), wanted.get("Digest", ""))
            if "::" not in wanted.get("Host", ""):
                assert reference.registry == wanted.get("Host", "docker.io")
    for case in others(shared, "isValidHostTests"):
        assert accepted(f"{case['host']}/app") == (case["want"] or case["host"] in ("localhost", "foo")), case
    for case in others(shared, "isValidRepositoryTests"):
        assert accepted(f"registry.example.com/{case['repo']}") == case["want"], case
    for case in others(shared, "isValidTagTests"):
        assert accepted(f"registry.example.com/app:{case['tag']}") == case["want"], case
