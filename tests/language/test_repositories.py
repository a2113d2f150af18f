"""Names of repositories in policies: those that images have are told from those that none has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyengine.language.repositories import one_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("registry.example.com:443/**", "registry.example.com/**"),
        ("registry.example.com:443", "registry.example.com"),
        ("*.example.com:443/prod/*", "*.example.com/prod/*"),
        ("Registry.Example.com/prod/app", "registry.example.com/prod/app"),
        ("registry.example.com:05000/**", "registry.example.com:5000/**"),
        ("localhost:80/app", "localhost/app"),
        ("index.docker.io/library/nginx", "docker.io/library/nginx"),
        ("docker.io/nginx", "docker.io/library/nginx"),
    ],
)
def test_what_no_image_has(text: str, name: str) -> None:
    assert one_name(text) == name
    assert one_name(name) == name


@pytest.mark.parametrize(
    "text",
    [
        *("**", "*", "**/app", "*/prod/app", "prod/**", "registry.example.com/**", "registry.example.com:5000/app"),
        *(
            "registry.*.com:443/app",
            "docker.io/*",
            "docker.io/**",
            "docker.io/library/nginx",
            "nginx",
            "",
            "/",
            "a b/c",
        ),
    ],
)
def test_what_an_image_may_have_and_what_nobody_knows(text: str) -> None:
    assert one_name(text) == text


@given(st.text("aA.:0443*?/", max_size=20) | st.text(max_size=20))
def test_any_text_has_one_form(text: str) -> None:
    assert one_name(one_name(text)) == one_name(text)
