"""`WWW-Authenticate` and `Link`, against the tables of other clients."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine.errors import RegistryError
from policyengine.registry.challenges import next_link, parse_challenges
from policyengine.registry.targets import check_target, origin_of, resolve_url


def cases(shared: Path, file: str, test: str, table: str) -> list[Any]:
    tables = json.loads((shared / "data/registry" / file).read_text())["tables"]
    (found,) = [t["cases"] for t in tables if (t["test"], t["table"]) == (test, table)]
    assert found
    return list(found)


def test_the_table_of_oras(shared: Path) -> None:
    for case in cases(shared, "auth_challenge.json", "Test_parseChallenge", "tests"):
        challenges = parse_challenges(case.get("header", ""))
        scheme = case.get("wantScheme", {}).get("$ident", "SchemeUnknown").removeprefix("Scheme").lower()
        if scheme == "unknown":
            assert not {challenge.scheme for challenge in challenges} & {"basic", "bearer"}
        else:
            assert challenges[0].scheme == scheme
            if scheme == "bearer":
                assert dict(challenges[0].parameters) == (case.get("wantParams") or {}), case


STRICTER = ("Quoted auth type and key", "Missing commas", "Missing close quote", "Missing value after escape")
"""Headers that regclient refuses (or takes where nobody else does): we use what can be read of them."""


def test_the_table_of_regclient(shared: Path) -> None:
    for case in cases(shared, "auth_challenge.json", "TestParseAuthHeader", "tests"):
        if case["name"] in STRICTER:
            continue
        found = [(challenge.scheme, dict(challenge.parameters)) for challenge in parse_challenges(case["in"])]
        assert found == [(wanted["authType"], wanted["params"]) for wanted in case["wantC"]], case


def test_the_table_of_containers_image(shared: Path) -> None:
    for case in cases(shared, "auth_challenge.json", "TestParseValueAndParams", "range"):
        (challenge,) = parse_challenges(case["input"])
        assert (challenge.scheme, dict(challenge.parameters)) == (case["scope"], case["params"])


def test_several_challenges_and_unknown_schemes() -> None:
    header = 'Negotiate YWJj==, Digest realm="x", nonce="y", BEARER realm="https://a/token", Basic realm="b"'
    found = parse_challenges(header)
    assert [challenge.scheme for challenge in found if challenge.scheme in ("basic", "bearer")] == ["bearer", "basic"]
    assert found[-2].parameters == {"realm": "https://a/token"}


BEARER = {"realm": "https://a/t", "service": "s"}


@pytest.mark.parametrize(
    "header",
    [
        'Bearer realm="https://a/t",service="s"',
        'bearer REALM="https://a/t" , Service=s',
        "BEARER realm=https://a/t,service=s",
        'Bearer  realm = "https://a/t" ,\tservice\t= "s"',
        'Bearer realm="https://a/t" service="s"',
        ',, Bearer realm="https://a/t",,service="s",',
        'Bearer realm="https:\\/\\/a/t",service="\\s"',
        'Bearer service="s",realm="https://a/t"',
        'Basic realm="x", Bearer realm="https://a/t",service="s"',
        'Basic realm="x, Bearer realm=https://evil", Bearer realm="https://a/t",service="s"',
        'Digest realm="x", nonce="a,b", qop="auth", Bearer realm="https://a/t",service="s"',
        'NTLM TlRMTVNTUAACAAAA==, Bearer realm="https://a/t",service="s"',
        'Negotiate, Bearer realm="https://a/t",service="s"',
        'AWS4-HMAC-SHA256 Credential=x/y, Bearer realm="https://a/t",service="s"',
        'Bearer realm="https://a/t",service="s", Custom scheme="Bearer"',
    ],
)
def test_ways_to_write_a_challenge(header: str) -> None:
    found = [challenge for challenge in parse_challenges(header) if challenge.scheme == "bearer"]
    assert [dict(challenge.parameters) for challenge in found] == [BEARER]


@pytest.mark.parametrize(
    "header", ['Basic realm="Bearer realm=https://evil"', 'X a="\\"Bearer realm=https://evil"', '"Bearer" x=y']
)
def test_a_challenge_within_a_text_is_none(header: str) -> None:
    assert not [challenge for challenge in parse_challenges(header) if challenge.scheme == "bearer"]


@pytest.mark.parametrize("header", ['a="' * 9000, "Bearer " + "a =" * 9000, "a " * 15000, 'Bearer a="' + "\\" * 30000])
def test_a_long_header_costs_little(header: str) -> None:
    start = time.monotonic()
    parse_challenges(header)
    assert time.monotonic() - start < 20, "by the square of its length it would take minutes"


@settings(max_examples=100)
@given(st.text('Bearer ="\\,\tx', max_size=80) | st.text(max_size=40))
def test_any_header_is_read(header: str) -> None:
    parse_challenges(header)


def test_the_links_of_oras(shared: Path) -> None:
    for case in cases(shared, "link_referrers_warning.json", "Test_parseLink", "tests"):
        if "rel=" not in case["header"] and ">" in case["header"] and "<" in case["header"]:
            continue
        url = case["url"]
        if case.get("wantErr") and "cross" not in case["name"]:
            if case["header"].startswith("<"):
                with pytest.raises(RegistryError):
                    next_link(case["header"])
            continue
        target = resolve_url(url, next_link(case["header"]) or "")
        if case.get("wantErr"):
            with pytest.raises(RegistryError):
                check_target("link", target, origin_of(url))
        else:
            check_target("link", target, origin_of(url))
            assert target == case["want"]


BEYOND = ("invalid parm", "invalid star")
"""Names that RFC 9110 allows and regclient does not."""


def test_the_links_of_regclient(shared: Path) -> None:
    for case in cases(shared, "link_referrers_warning.json", "TestParseErr", "tests"):
        if case["name"] not in BEYOND:
            with pytest.raises(RegistryError):
                next_link(", ".join(case["headers"]))
    header = ", ".join(cases(shared, "link_referrers_warning.json", "TestParseGet", "headerComplex"))
    assert next_link(header) == "/path1"
    for case in cases(shared, "link_referrers_warning.json", "TestParseGet", "tests"):
        if isinstance(case["headers"], list) and case["val"] == "next":
            assert next_link(", ".join(case["headers"])) == case["expectURI"]


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("", None),
        ("</a>; rel=prev", None),
        ('</a>; rel="prev next"', "/a"),
        ("</a>; rel=NEXT", "/a"),
        ("</a>; title=\"x, y; rel=next\"; rel=prev, </b>; rel='x'", None),
        ("</a,b>; rel=next", "/a,b"),
        ('</a>; rel="prev", </b>; rel="next"', "/b"),
        ('</a>; rel="next", </b>; rel="next"', "/a"),
        ("</a>; rel='next'", "/a"),
        ('</a>; rel="ne\\xt"', "/a"),
        ("</a>; rel=prev; rel=next", None),
        ('</a>; rel="nextpage"', None),
        ('</a>;; rel="next";', "/a"),
        (', ,</a>; rel="next",', "/a"),
        ("\t</a>\t;\trel\t=\tnext", "/a"),
        ('</a?x=1,2&y="z">; type="x"; rel=next; title="; rel=prev"', '/a?x=1,2&y="z"'),
        ("<?n=1&last=x>; rel=next", "?n=1&last=x"),
        ('<https://docs.example>; rel="help", </a>; rel=next', "/a"),
        ('</favicon>; rel="preload"; as=image', None),
    ],
)
def test_links(header: str, target: str | None) -> None:
    assert next_link(header) == target


@pytest.mark.parametrize("header", ["</a>", "</a>; rel", "</a>; title=x", "</a>; rev=next", "</a>; rel*=UTF-8''next"])
def test_a_link_that_does_not_say_what_it_is_may_be_the_next_page(header: str) -> None:
    assert next_link(header) == "/a"
    assert next_link(f"{header}, </b>; rel=next") == "/b"


@pytest.mark.parametrize(
    "header", ["</a; rel=next", "</a>rel=next", '</a>; rel="next', "</a>; rel=", "<a> <b>; rel=next"]
)
def test_a_header_that_cannot_be_read_is_not_the_last_page(header: str) -> None:
    with pytest.raises(RegistryError, match="cannot be read"):
        next_link(header)


@settings(max_examples=100)
@given(st.text('<>;=",/\\relnxt ', max_size=60) | st.text(max_size=40))
def test_any_link_is_read_or_refused(header: str) -> None:
    try:
        link = next_link(header)
    except RegistryError:
        return
    assert link is None or "<" not in link
