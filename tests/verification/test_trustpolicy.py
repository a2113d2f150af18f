"""Every rule that makes a trust policy valid, and where the error points."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyengine.errors import TrustError
from policyengine.verification import trustpolicy
from policyengine.verification.trustpolicy import StoreName, TrustPolicy
from tests.verification.signing import policy, statement

FILE = Path("trustpolicy.json")
SKIP = {"signatureVerification": {"level": "skip"}, "trustStores": None, "trustedIdentities": None}


def parsed(document: Any) -> TrustPolicy:
    return trustpolicy.parse(json.dumps(document).encode(), FILE)


def verification(**members: Any) -> dict[str, Any]:
    return {"signatureVerification": {"level": "strict", **members}}


def named(name: str, scope: str, **changes: Any) -> dict[str, Any]:
    return statement(name=name, registryScopes=[scope], **changes)


GOOD: dict[str, Any] = {
    "one statement": policy(),
    "two": policy(statement(), named("q", "registry.example.com/q")),
    "global beside exact": policy(statement(), named("q", "*")),
    "skip": policy(statement(**SKIP)),
    "skip with empty lists": policy(statement(**SKIP | {"trustStores": [], "trustedIdentities": []})),
    "a port": policy(statement(registryScopes=["localhost:5000/a"])),
    "a short host": policy(statement(registryScopes=["library/registry"])),
    "separators": policy(statement(registryScopes=["a-b.c/d.e/f_g/h__i/j---k"])),
    "several stores": policy(statement(trustStores=["ca:a", "signingAuthority:b", "tsa:c", "ca:d_e.f-g"])),
    "a store twice": policy(statement(trustStores=["ca:a", "ca:a"])),
    "an override": policy(statement(**verification(override={"expiry": "log", "revocation": "skip"}))),
    "an empty override": policy(statement(**verification(override={}))),
    "always": policy(statement(**verification(verifyTimestamp="always"))),
    "after expiry": policy(statement(**verification(verifyTimestamp="afterCertExpiry"))),
    "identities": policy(
        statement(trustedIdentities=["x509.subject: C=US, ST=WA, O=a", "x509.subject: C=US, ST=WA, O=b", "arn:aws:x"])
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_valid(name: str) -> None:
    assert parsed(GOOD[name]).statements


X = "x509.subject: C=US, ST=WA, O=a"
BAD: dict[str, tuple[Any, str]] = {
    "no object": ([], "the document is not an object"),
    "no version": ({"trustPolicies": [statement()]}, 'lacks the member "version"'),
    "version 1.1": (policy() | {"version": "1.1"}, 'the version is not "1.0"'),
    "version a number": (policy() | {"version": 1.0}, 'the version is not "1.0"'),
    "no statements": ({"version": "1.0"}, 'lacks the member "trustPolicies"'),
    "an empty list": ({"version": "1.0", "trustPolicies": []}, "at least one entry"),
    "null": ({"version": "1.0", "trustPolicies": None}, "at least one entry"),
    "an unknown member": (policy() | {"trustPolicy": 1}, 'no member "trustPolicy"'),
    "a statement that is a text": (policy() | {"trustPolicies": ["x"]}, "trustPolicies[0] is not an object"),
    "an unknown member of a statement": (policy(statement(overide=1)), 'no member "overide"'),
    "a member in another case": (policy(statement(trustStores=None, TRUSTSTORES=["ca:s"])), 'no member "TRUSTSTORES"'),
    "a blob's member": (policy(statement(globalPolicy=True)), 'no member "globalPolicy"'),
    "no name": (policy(statement(name=None)), 'lacks the member "name"'),
    "an empty name": (policy(statement(name="")), "at least one character"),
    "a name twice": (policy(statement(), named("prod", "*")), 'name "prod" is used twice'),
    "no scope": (policy(statement(registryScopes=[])), "at least one entry"),
    "scopes a text": (policy(statement(registryScopes="*")), "is not a list"),
    "a scope twice": (policy(statement(), named("q", "registry.example.com/prod/app")), "is used twice"),
    "a scope twice by case": (policy(statement(), named("q", "Registry.example.com/prod/app")), "is used twice"),
    "two globals": (policy(named("a", "*"), named("b", "*")), 'registry scope "*" is used twice'),
    "global and more": (policy(statement(registryScopes=["*", "a.b/c"])), "stands alone"),
    "no verification": (policy(statement(signatureVerification=None)), 'lacks the member "signatureVerification"'),
    "a level alone": (policy(statement(signatureVerification="strict")), "is not an object"),
    "no level": (policy(statement(signatureVerification={})), 'lacks the member "level"'),
    "an unknown level": (policy(statement(signatureVerification={"level": "Strict"})), 'is "Strict", not one of'),
    "custom": (policy(statement(signatureVerification={"level": "custom"})), "not one of"),
    "timestamps never": (policy(statement(**verification(verifyTimestamp="never"))), "not one of"),
    "timestamps empty": (policy(statement(**verification(verifyTimestamp=""))), "not one of"),
    "timestamps null": (policy(statement(**verification(verifyTimestamp=None))), "not a text"),
    "integrity logged": (policy(statement(**verification(override={"integrity": "log"}))), "integrity is always"),
    "integrity enforced": (policy(statement(**verification(override={"integrity": "enforce"}))), "integrity is always"),
    "authenticity skipped": (policy(statement(**verification(override={"authenticity": "skip"}))), "not one of"),
    "timestamp skipped": (policy(statement(**verification(override={"authenticTimestamp": "skip"}))), "not one of"),
    "expiry skipped": (policy(statement(**verification(override={"expiry": "skip"}))), "not one of"),
    "an unknown check": (policy(statement(**verification(override={"foo": "log"}))), 'no member "foo"'),
    "an unknown action": (policy(statement(**verification(override={"expiry": "warn"}))), "not one of"),
    "an override that is a list": (policy(statement(**verification(override=[]))), "is not an object"),
    "skip with an override": (
        policy(statement(**SKIP | {"signatureVerification": {"level": "skip", "override": {"expiry": "log"}}})),
        "cannot be customised",
    ),
    "skip everywhere": (policy(statement(**SKIP, registryScopes=["*"])), "level skip cannot be used with"),
    "skip with stores": (policy(statement(**SKIP | {"trustStores": ["ca:s"]})), "does not belong there"),
    "skip with identities": (policy(statement(**SKIP | {"trustedIdentities": ["*"]})), "does not belong there"),
    "no stores": (policy(statement(trustStores=None)), 'lacks the member "trustStores"'),
    "empty stores": (policy(statement(trustStores=[])), "at least one entry"),
    "no identities": (policy(statement(trustedIdentities=None)), 'lacks the member "trustedIdentities"'),
    "empty identities": (policy(statement(trustedIdentities=[])), "at least one entry"),
    "an empty identity": (policy(statement(trustedIdentities=[""])), "at least one character"),
    "all and some": (policy(statement(trustedIdentities=["*", X])), "stands alone"),
    "all twice": (policy(statement(trustedIdentities=["*", "*"])), "stands alone"),
    "overlap": (policy(statement(trustedIdentities=[X, X + ", OU=b"])), "overlap"),
    "overlap by different attributes": (policy(statement(trustedIdentities=[X + ", OU=a", X + ", CN=b"])), "overlap"),
    "an identity twice": (policy(statement(trustedIdentities=["arn:a", "arn:a"])), "overlap"),
    "an identity without organisation": (policy(statement(trustedIdentities=["x509.subject: C=US, ST=WA"])), "lacks O"),
}
for _scope in (
    *(
        "",
        "a.b",
        "a.b/",
        "/a",
        "a.b/*",
        "a.b/c*",
        "*.b/c",
        "a.b/c:tag",
        "a.b/c@sha256:ab",
        "a.b/C",
        "a.b/c\n",
        "a.b/c ",
    ),
    *(
        " a.b/c",
        "a..b/c",
        "-a.b/c",
        "a.b-/c",
        "a.b:x/c",
        "a.b//c",
        "a.b/c/",
        "a.b/-c",
        "a.b/c..d",
        "a.b/c___d",
        "https://a.b/c",
    ),
    *("a_b.c/d", "a.b/ä", "а.b/c"),
):
    BAD[f"the scope {_scope!r}"] = (
        policy(statement(registryScopes=[_scope])),
        "registryScopes" if not _scope else "is not a repo",
    )
for _store in (
    "s",
    "xx:s",
    "ca:",
    ":s",
    "CA:s",
    "ca:a/b",
    "ca:.",
    "ca:..",
    "ca:a b",
    "ca:a\n",
    "ca:ä",
    " ca:s",
    "ca:a:b",
):
    BAD[f"the store {_store!r}"] = policy(statement(trustStores=[_store])), "trust store"


@pytest.mark.parametrize("name", BAD)
def test_invalid(name: str) -> None:
    document, reason = BAD[name]
    with pytest.raises(TrustError) as caught:
        parsed(document)
    assert reason in caught.value.message
    assert caught.value.message.startswith("invalid trust policy: ")
    assert "trustpolicy.json, line " in caught.value.message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "the text is empty"),
        (b"{", "ends too early"),
        (json.dumps(policy()).encode() + b"{}", "trailing characters"),
        (b'{"version":"1.0","version":"1.0"}', 'the same key occurs twice in one object: "version"'),
        (b"[" * 100_000, "nested deeper"),
        (b"\xff\xfe{\x00}\x00", "UTF-8"),
    ],
)
def test_text_that_is_not_strict_json(text: bytes, reason: str) -> None:
    with pytest.raises(TrustError) as caught:
        trustpolicy.parse(text, FILE)
    assert reason in caught.value.message


def test_the_place_of_a_fault_is_said_with_a_suggestion() -> None:
    text = json.dumps(policy(statement(), named("q", "*", **verification(overide={}))), indent=2)
    with pytest.raises(TrustError) as caught:
        trustpolicy.parse(text.encode(), FILE)
    line, column = caught.value.message.rpartition("line ")[2].rstrip(")").split(", column ")
    pointed = text.splitlines()[int(line) - 1]
    assert '"overide": {}' in pointed
    assert pointed[int(column) - 1 :] == "{}"
    assert caught.value.help == 'did you mean "override"?'
    assert (caught.value.exit_code, caught.value.code) == (2, "PE130")


@pytest.mark.parametrize(
    ("wrong", "help"),
    [
        (policy(statement(signatureVerification={"level": "stric"})), 'did you mean "strict"?'),
        (policy(statement(TrustStores=[])), 'did you mean "trustStores"?'),
        (policy(statement(**verification(verifyTimestamp="aftercertexpiry"))), 'did you mean "afterCertExpiry"?'),
    ],
)
def test_suggestions(wrong: Any, help: str) -> None:
    with pytest.raises(TrustError) as caught:
        parsed(wrong)
    assert caught.value.help == help


def test_selection_is_exact_then_global_then_nothing() -> None:
    found = parsed(policy(named("app", "r.example/prod/app"), named("rest", "*")))

    def chosen(policy: TrustPolicy, repository: str) -> str | None:
        selected = policy.select(repository)
        return selected.name if selected else None

    assert chosen(found, "r.example/prod/app") == "app"
    assert chosen(found, "R.EXAMPLE/prod/app") == "app"
    for other in (
        "r.example/prod/app2",
        "r.example/prod",
        "r.example/prod/app/x",
        "r.example:8443/prod/app",
        "prod/app",
        "*",
    ):
        assert chosen(found, other) == "rest"
    alone = parsed(policy(named("app", "r.example/prod/app")))
    assert chosen(alone, "r.example/prod/app") == "app"
    for other in ("r.example/prod/app2", "*", "", "r.example/prod/"):
        assert chosen(alone, other) is None


def test_stores_and_identities_are_values() -> None:
    found = parsed(policy(statement(trustStores=["ca:a", "tsa:b", "ca:a"], trustedIdentities=[X]))).statements[0]
    assert found.stores == (StoreName("ca", "a"), StoreName("tsa", "b"))
    assert found.identities[0].attributes == (("C", "US"), ("ST", "WA"), ("O", "a"))


def test_a_long_scope_takes_no_time() -> None:
    """The reference's expression takes seconds for two dozen letters and a stray one."""
    for letters in ("a" * 20_000, "a-" * 10_000, "a." * 10_000, "a/" * 10_000):
        with pytest.raises(TrustError):
            parsed(policy(statement(registryScopes=[f"r.example/{letters}!"])))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=5), each, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(statement())), JSON)
def test_any_value_anywhere_is_valid_or_a_trust_error(member: str, value: Any) -> None:
    document = policy(statement() | {member: value})
    if member == "name" and isinstance(value, str) and value:
        assert parsed(document).statements[0].name == value
    else:
        with pytest.raises(TrustError, match="line 1"):
            parsed(document)


@pytest.mark.parametrize(
    ("scope", "repository"),
    [
        ("r.example:443/prod/app", "r.example/prod/app"),
        ("R.Example:0443/prod/app", "r.example/prod/app"),
        ("index.docker.io/acme/app", "docker.io/acme/app"),
        ("registry-1.docker.io/nginx", "docker.io/library/nginx"),
        ("localhost:80/app", "localhost/app"),
    ],
)
def test_a_scope_has_one_name_however_it_is_typed(scope: str, repository: str) -> None:
    """Otherwise the statement for everything else, which may trust more, would be taken."""
    found = parsed(policy(named("named", scope), named("rest", "*")))
    for typed in (scope, repository):
        selected = found.select(typed)
        assert selected is not None
        assert selected.name == "named"
    with pytest.raises(TrustError, match="registry scope"):
        parsed(policy(named("named", scope), named("again", repository)))


def test_a_scope_with_a_port_that_is_none() -> None:
    with pytest.raises(TrustError, match="not a repository"):
        parsed(policy(named("named", "r.example:65536/app")))
