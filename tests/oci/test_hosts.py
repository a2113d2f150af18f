"""One name for each registry, however somebody types it: what leaves a policy's scope leaves its rules."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine.oci import Reference
from policyengine.oci.hosts import canonical_host, is_loopback, split_port


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("registry.example.com:443", "registry.example.com"),
        ("registry.example.com:0443", "registry.example.com"),
        ("registry.example.com:00000000000000443", "registry.example.com"),
        ("REGISTRY.example.com:443", "registry.example.com"),
        ("registry.example.com:80", "registry.example.com:80"),
        ("registry.example.com:05000", "registry.example.com:5000"),
        ("registry.example.com:65535", "registry.example.com:65535"),
        ("registry:443", "registry"),
        ("localhost:80", "localhost"),
        ("LOCALHOST:080", "localhost"),
        ("localhost:443", "localhost:443"),
        ("127.0.0.1:80", "127.0.0.1"),
        ("[::1]:80", "[::1]"),
        ("[0:0:0:0:0:0:0:1]:5000", "[::1]:5000"),
        ("[2001:DB8:0:0::1]:443", "[2001:db8::1]"),
        ("[::ffff:a01:203]:5000", "10.1.2.3:5000"),
        ("10.1.2.3:443", "10.1.2.3"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("index.docker.io", "docker.io"),
        ("index.docker.io:443", "docker.io"),
        ("Registry-1.Docker.IO", "docker.io"),
        ("registry.hub.docker.com", "docker.io"),
        ("docker.io:0443", "docker.io"),
        ("docker.io:5000", "docker.io:5000"),
        ("hub.docker.io", "hub.docker.io"),
        ("index.docker.io.example.com", "index.docker.io.example.com"),
    ],
)
def test_one_name(typed: str, name: str) -> None:
    assert canonical_host(typed) == name
    assert canonical_host(name) == name


@pytest.mark.parametrize(
    "host",
    [
        *("", "registry.example.com.", "registry.example.com.:443", ".example.com", "a..b", "-a.example", "a-.example"),
        *(
            "a:0",
            "a:00",
            "a:65536",
            "a:99999999999999999999",
            "a:",
            "a:-1",
            "a:+443",
            "a: 443",
            "a:4_43",
            "a:４４３",
            "a:x",
        ),
        *(
            "127.1",
            "010.0.0.1:5000",
            "0x7f.0.0.1",
            "0x7f000001:5000",
            "2130706433:5000",
            "1.2.3.256",
            "1.2.3",
            "256.1.1.1",
        ),
        *(
            "[::1",
            "::1",
            "[1::2::3]",
            "[:::1]",
            "[12345::]",
            "[::1]x",
            "[fe80::1%eth0]",
            "[::ffff:10.1.2.3]",
            "[]",
            "[v1.a]",
        ),
        *("bücher.example", "a_b.example", "a b", "a@b", "a/b", "a%2eb", "a\n", "a\0", "a\\b", "user:pass@a"),
    ],
)
def test_what_is_no_host(host: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        canonical_host(host)


@settings(max_examples=100)
@given(st.from_regex(r"[a-zA-Z]{1,5}(\.[a-zA-Z]{1,5}){0,2}(:0{0,3}[1-9][0-9]{0,3})?", fullmatch=True))
def test_writing_it_again_changes_nothing(typed: str) -> None:
    name = canonical_host(typed)
    assert canonical_host(name) == name == name.lower()
    assert canonical_host(typed.upper()) == name
    host, port = split_port(name)
    assert port != (80 if is_loopback(host) else 443)


@pytest.mark.parametrize(
    "text",
    [
        *("nginx", "library/nginx", "docker.io/nginx", "docker.io/library/nginx", "DOCKER.IO/nginx"),
        *(
            "index.docker.io/nginx",
            "index.docker.io:443/nginx",
            "registry-1.docker.io/library/nginx",
            "Docker.io:443/nginx",
        ),
    ],
)
def test_one_name_for_an_image_of_the_hub(text: str) -> None:
    assert Reference.parse(f"{text}:1").name == "docker.io/library/nginx"
