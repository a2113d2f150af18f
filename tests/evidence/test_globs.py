from __future__ import annotations

import pickle
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine.evidence.globs import glob, glob_set, matches_purl
from tests.evidence.patience import grows_at_most, soon


@pytest.mark.parametrize(
    ("pattern", "text", "answer"),
    [
        ("registry.example.com/prod/**", "registry.example.com/prod/x", True),
        ("registry.example.com/prod/**", "registry.example.com/prod/x/y/z", True),
        ("registry.example.com/prod/**", "registry.example.com/production/x", False),
        ("registry.example.com/prod/**", "registry.example.com/prod", False),
        ("registry.example.com/prod/**", "registry.example.com/prod/", False),
        ("registry.example.com/prod/**", "registry.example.com/prod//x", False),
        ("registry.example.com/base/*:1?", "registry.example.com/base/debian:12", True),
        ("registry.example.com/base/*:1?", "registry.example.com/base/x/debian:12", False),
        ("registry.example.com/base/*:1?", "registry.example.com/base/debian:1", False),
        ("registry.example.com/base/*:1?", "registry.example.com/base/debian:123", False),
        ("registry.example.com/base/*:1?", "registryXexample.com/base/debian:12", False),
        ("a", "a", True),
        ("a", "A", False),
        ("a", "ab", False),
        ("a", "ba", False),
        ("a", "a\n", False),
        ("*", "", True),
        ("*", "abc", True),
        ("*", "a/b", False),
        ("*", "a\nb", True),
        ("**", "", True),
        ("**", "a/b/", True),
        ("?", "a", True),
        ("?", "", False),
        ("?", "/", False),
        ("?", "é", True),
        ("a*", "a", True),
        ("a*b", "ab", True),
        ("a*a", "a", False),
        ("a*b*c", "aXbYc", True),
        ("a*b*c", "aXbY/c", False),
        ("a/*/c", "a/b/c", True),
        ("a/*/c", "a//c", True),
        ("a/*/c", "a/c", False),
        ("a/**/c", "a/b/c", True),
        ("a/**/c", "a/b/b/c", True),
        ("a/**/c", "a/c", True),
        ("a/**/c", "a/xc", False),
        ("a/**/c", "axc", False),
        ("a/**/**/c", "a/c", True),
        ("**/c", "c", True),
        ("**/c", "a/b/c", True),
        ("**/c", "bc", False),
        ("**/c/**", "c/d", True),
        ("**/c/**", "c", False),
        ("a**c", "a/b/c", True),
        ("a**c", "ac", True),
        ("a/b**", "a/b", True),
        ("a/b**", "a/bc/d", True),
        ("a/***", "a", False),
        ("a/***", "a/b", True),
        ("**x*y", "x/xy", True),
        ("**x*y", "x/x/y", False),
        ("[ab]{c,d}", "[ab]{c,d}", True),
        ("[ab]", "a", False),
        ("!a", "!a", True),
        ("https://github.com/acme/*/.github/workflows/release.yml@refs/tags/v*",
         "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.0", True),
    ],
)  # fmt: skip
def test_what_a_glob_matches(pattern: str, text: str, answer: bool) -> None:
    assert glob(pattern).matches(text) is answer
    assert glob_set([pattern, "never/this"]).matches(text) is answer


@pytest.mark.parametrize(
    "pattern", ["registry.example.com/(a|b)/.*", "^a", "a$", "a|b", r"a\.b", "(a", "a)", "(a+)+$", "(?P<x>.)"]
)
def test_a_regular_expression_is_refused_as_what_it_is(pattern: str) -> None:
    with pytest.raises(ValueError, match="a glob, not a regular expression"):
        glob(pattern)


def test_an_empty_or_endless_glob_is_refused() -> None:
    with pytest.raises(ValueError, match="never empty"):
        glob("")
    with pytest.raises(ValueError, match="longer than"):
        glob("a" * 10_000)


def test_globs_are_values() -> None:
    assert glob("a/*") == glob("a/*")
    assert len({glob("a/*"), glob("a/*"), glob("b")}) == 2
    copy = pickle.loads(pickle.dumps(glob("a*b?/**/c")))
    assert copy == glob("a*b?/**/c")
    assert copy.matches("axby/c")
    assert str(copy) == "a*b?/**/c"


def test_sets_of_globs_add_subtract_and_intersect() -> None:
    one, other = glob_set(["a/*", "b"]), glob_set(["b", "c"])
    assert list(one | other) == ["a/*", "b", "c"]
    assert list(one - other) == ["a/*"]
    assert list(one & other) == ["b"]
    assert not (one & glob_set(["c"])).matches("c")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("**a**a**a**a**a**b", "a" * 20_000),
        ("*a*a*a*a*a*a*a*a*b", "a" * 20_000),
        ("*" + "?*" * 1_000, "a" * 2_000),
        ("**/" + "a/**/" * 600 + "b", "a/" * 5_000),
        ("a*" * 2_000 + "b", "a" * 10_000),
        ("**x*y" * 800, "x/xy" * 2_000),
    ],
)
def test_hostile_patterns_end_in_time(pattern: str, text: str) -> None:
    with soon():
        glob(pattern).matches(text)


def test_a_longer_text_takes_longer_in_proportion() -> None:
    pattern = glob("*a" * 200 + "b")
    assert not pattern.matches("a" * 4_000)
    assert grows_at_most(40, lambda length: pattern.matches("a" * length), 4_000)


def naive(pattern: str, text: str) -> bool:
    """The definition, word by word, trying every way."""

    @cache
    def match(i: int, j: int) -> bool:
        if i == len(pattern):
            return j == len(text)
        if pattern.startswith("**", i):
            end = i
            while end < len(pattern) and pattern[end] == "*":
                end += 1
            segment = i == 0 or pattern[i - 1] == "/"
            if segment and i and end == len(pattern):
                return j < len(text) and text[j] != "/"
            if segment and end < len(pattern) and pattern[end] == "/" and match(end + 1, j):
                return True
            return any(match(end, k) for k in range(j, len(text) + 1))
        if pattern[i] == "*":
            stop = text.find("/", j)
            return any(match(i + 1, k) for k in range(j, (len(text) if stop < 0 else stop) + 1))
        if j == len(text):
            return False
        return (text[j] != "/" if pattern[i] == "?" else text[j] == pattern[i]) and match(i + 1, j + 1)

    return match(0, 0)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(["a", "b", "/", "?", "*", "**", "/**/", "**/", "/**"]), min_size=1, max_size=7).map(
        "".join
    ),
    st.lists(st.text(alphabet="ab/", max_size=7), min_size=8, max_size=8),
)
def test_a_glob_means_what_its_definition_says(pattern: str, texts: list[str]) -> None:
    compiled = glob(pattern)
    for text in texts:
        assert compiled.matches(text) is naive(pattern, text), (pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text", "answer"),
    [
        ("pkg:npm/%40acme/*", "pkg:npm/%40acme/x@1.0.0", True),
        ("pkg:npm/%40acme/*", "pkg:npm/@acme/x@1.0.0", True),
        ("pkg:npm/@acme/*", "pkg:npm/%40acme/x@1.0.0", True),
        ("pkg:npm/%40acme/*", "pkg:npm/x@1.0.0", False),
        ("pkg:npm/%40acme/*", "pkg:npm/%40acme/x@1.0.0?vcs_url=git/x#a/b", True),
        ("pkg:pypi/acme-*", "pkg:pypi/Acme_Tools@1", True),
        ("pkg:pypi/Acme_*", "pkg:pypi/acme-tools@1", True),
        ("pkg:golang/github.com/ProtonMail/**", "pkg:golang/github.com/ProtonMail/go-mime@v1", True),
        ("pkg:golang/github.com/ProtonMail/**", "pkg:golang/github.com/protonmail/go-mime@v1", True),
        ("pkg:deb/debian/openssl@*", "pkg:deb/debian/openssl@3.0.1?arch=amd64", True),
        ("pkg:deb/debian/openssl@*", "pkg:deb/debian/openssl", False),
        ("pkg:deb/debian/openssl@*", "pkg:deb/debian/openssl-tools@1", False),
        ("pkg:deb/debian/openssl@3.*", "pkg:deb/debian/openssl@3.0.1", True),
        ("pkg:deb/debian/git@1:2.1.4-2.1+deb8u2", "pkg:deb/debian/git@1%3A2.1.4-2.1%2bdeb8u2?arch=amd64", True),
        ("pkg:deb/debian/libstdc++6@*", "pkg:deb/debian/libstdc%2B%2B6@12", True),
        ("pkg:deb/*/openssl@*", "pkg:deb/ubuntu/openssl@1?distro=x&arch=amd64", True),
        ("pkg:deb/**?arch=amd64*", "pkg:deb/debian/x@1?distro=y&arch=amd64", True),
        ("pkg:deb/**?arch=arm64*", "pkg:deb/debian/x@1?distro=y&arch=amd64", False),
        ("pkg:oci/*@sha256:ab*", "pkg:oci/debian@sha256%3AABCD", True),
        ("pkg:maven/org.Apache/*", "pkg:maven/org.apache/x@1", False),
        ("**/openssl@*", "pkg:deb/debian/openssl@3", True),
        ("**", "pkg:npm/x", True),
        ("pkg:**", "pkg:npm/x", True),
        ("PKG:npm/*", "pkg:npm/x", False),
        ("pkg:NPM/*", "pkg:npm/x@1", True),
        ("pkg:npm/x", "pkg:npm/x", True),
        ("pkg:npm/x", "pkg:npm/x?a=b", True),
        ("pkg:npm/x", "pkg:npm/x@1", False),
        ("pkg:npm/*", None, None),
        ("pkg:npm/*", "not a package URL", None),
        ("**", "pkg:npm/x?broken", None),
        ("pkg:npm/*", "pkg:npm/x%zz", None),
    ],
)
def test_a_package_url_is_matched_in_its_canonical_text(pattern: str, text: str | None, answer: bool | None) -> None:
    assert matches_purl(glob(pattern), text) is answer
    assert glob_set([pattern, "pkg:gem/never"]).matches_purl(text) is answer


def test_escapes_may_make_a_pattern_longer_than_its_limit() -> None:
    assert matches_purl(glob("pkg:npm/" + "é" * 4_000), "pkg:npm/x") is False
    assert matches_purl(glob("pkg:npm/\ud800"), "pkg:npm/x") is False
