"""`WWW-Authenticate` and `Link`, against the tables of other clients."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine.errors import RegistryError
from policyengine.registry.challenges import Challenge, next_link, parse_challenges
from policyengine.registry.targets import check_target, origin_of, resolve_url
from tests.tables import rows


def test_the_table_of_oras(shared: Path) -> None:
    for case in rows(shared, "auth_challenge.json", "Test_parseChallenge", "tests"):
        challenges = parse_challenges(case.get("header", ""))
        scheme = case.get("wantScheme", {}).get("$ident", "SchemeUnknown").removeprefix("Scheme").lower()
        if scheme == "unknown":
            assert not {challenge.scheme for challenge in challenges} & {"basic", "bearer"}
        else:
            assert challenges[0].scheme == scheme
            if scheme == "bearer":
                assert dict(challenges[0].parameters) == (case.get("wantParams") or {}), case


def test_the_table_of_regclient(shared: Path) -> None:
    """They refuse a header that breaks the grammar; we use what can be read of it, and log in only if that serves."""
    found = {}
    for case in rows(shared, "auth_challenge.json", "TestParseAuthHeader", "tests"):
        ours = [(challenge.scheme, dict(challenge.parameters)) for challenge in parse_challenges(case["in"])]
        if ours != [(wanted["authType"], wanted["params"]) for wanted in case["wantC"]]:
            found[case["name"]] = ours
    assert found == {
        "Quoted auth type and key": [],  # a scheme is a word (RFC 9110, section 11.1)
        "Missing commas": [("basic", {"realm": "Dev", "charset": "UTF-8"})],
        "Missing close quote": [("basic", {})],
        "Missing value after escape": [("basic", {})],
    }


def test_the_table_of_containerd(shared: Path) -> None:
    for case in rows(shared, "auth_challenge.json", "TestParseAuthHeaderBearer"):
        wanted = {name: case[name] for name in ("realm", "service", "scope")}
        header = "Bearer " + ",".join(f'{name}="{value}"' for name, value in wanted.items())
        assert parse_challenges(header) == [Challenge("bearer", wanted)]


def test_the_table_of_containers_image(shared: Path) -> None:
    for case in rows(shared, "auth_challenge.json", "TestParseValueAndParams", "range"):
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
    refused = set()
    for case in rows(shared, "link_referrers_warning.json", "Test_parseLink", "tests"):
        url = case["url"]
        try:
            target = resolve_url(url, next_link(case["header"]) or "")
            check_target("link", target, origin_of(url))
        except RegistryError:
            refused.add(case["name"])
        else:
            assert target == case["want"]
        assert (case["name"] in refused) == bool(case.get("wantErr")), case


def test_the_links_of_regclient(shared: Path) -> None:
    read = {}
    for case in rows(shared, "link_referrers_warning.json", "TestParseErr", "tests"):
        with suppress(RegistryError):
            read[case["name"]] = next_link(", ".join(case["headers"]))
    assert read == {"invalid parm": "/path", "invalid star": "/path"}, "RFC 9110 allows these names of parameters"
    # they look for any relation; we for the next page only, so what they look for is given that name
    complex_header = ", ".join(rows(shared, "link_referrers_warning.json", "TestParseGet", "headerComplex"))
    for case in rows(shared, "link_referrers_warning.json", "TestParseGet", "tests"):
        header = ", ".join(case["headers"]) if isinstance(case["headers"], list) else complex_header
        wanted = re.compile(rf'{case["parm"]}="?{case["val"]}"?')
        asked = wanted.sub("rel=following", header).replace('"next"', '"other"').replace("following", "next")
        missing = "/print"  # a link that does not say what it is: the page may not be passed over
        assert next_link(asked) == case.get("expectURI", missing), case


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
