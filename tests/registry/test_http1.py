"""HTTP/1.1 in bytes: what counts as an answer, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine import limits
from policyengine.registry.http1 import Body, Broken, Reader, head, written


def reader(data: bytes, size: int = 1 << 16) -> Reader:
    """A reader of `data` that arrives in pieces of `size`, and of nothing after it."""
    pieces = iter([data[start : start + size] for start in range(0, len(data), size)])
    return Reader(lambda: next(pieces, b""))


def answered(data: bytes, method: str = "GET", size: int = 1 << 16) -> tuple[int, bytes, bool]:
    """Status and body of the answer in `data`, and whether the connection may be used again."""
    source = reader(data, size)
    found = head(source)
    body = Body(source, found, method)
    content = b"".join(body)
    return found.status, content, body.complete and found.persistent and source.empty


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(("answer", "expected"), [
    (OK + b"Content-Length: 5\r\n\r\nhello", (200, b"hello", True)),
    (OK + b"content-length:5\n\nhello", (200, b"hello", True)),
    (OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", (200, b"hello", True)),
    (OK + b"Content-Length: 5, 5\r\n\r\nhello", (200, b"hello", True)),
    (OK + b"Content-Length: 0\r\n\r\n", (200, b"", True)),
    (OK + b"Content-Length: 5\r\nConnection: Close\r\n\r\nhello", (200, b"hello", False)),
    (OK + b"Content-Length: 5\r\nConnection: x, close\r\n\r\nhello", (200, b"hello", False)),
    (OK + b"Content-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n\r\n", (200, b"hello", False)),
    (OK + b"\r\nas long as it lasts", (200, b"as long as it lasts", False)),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", (200, b"hello", False)),
    (b"HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", (404, b"", True)),
    (b"HTTP/1.1 204 No Content\r\n\r\n", (204, b"", True)),
    (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", (304, b"", True)),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n",
     (200, b"", True)),
    (OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: 1\r\n\r\n",
     (200, b"hello", True)),
    (OK + b"Transfer-Encoding: Chunked\r\n\r\n0005\r\nhello\r\n0\r\n\r\n", (200, b"hello", True)),
    # of two lengths the chunks count, and nothing that follows is taken for an answer (RFC 9112, section 6.3)
    (OK + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n", (200, b"hello", False)),
])  # fmt: skip
def test_answers(answer: bytes, expected: tuple[int, bytes, bool]) -> None:
    for size in (1 << 16, 7):
        assert answered(answer, size=size)[:2] == expected[:2]
    assert answered(answer) == expected


def test_the_answer_to_head_has_no_body() -> None:
    assert answered(OK + b"Content-Length: 5\r\n\r\n", "HEAD") == (200, b"", True)


@pytest.mark.parametrize("answer", [
    b"",
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"HTTP/2 200 OK\r\n\r\n",
    b"HTTP/1.1 20 OK\r\n\r\n",
    b"HTTP/1.1 2000 OK\r\n\r\n",
    b"HTTP/1.1  200 OK\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    b"\r\n" + OK + b"\r\n",
    OK,
    OK + b"Content-Length: 5\r\n",
    OK + b"Content-Length: 5\r\n\r\nhell",
    OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    OK + b"Content-Length: 5, 6\r\n\r\nhello!",
    OK + b"Content-Length: +5\r\n\r\nhello",
    OK + b"Content-Length: -5\r\n\r\nhello",
    OK + b"Content-Length: 0x5\r\n\r\nhello",
    OK + b"Content-Length: 5_0\r\n\r\nhello",
    OK + b"Content-Length: \xb2\r\n\r\nhello",
    OK + b"Content-Length: 9999999999999999999\r\n\r\nhello",
    OK + b"Content-Length:\r\n\r\nhello",
    OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: identity\r\n\r\nhello",
    OK + b"Transfer-Encoding: chunked\r\n\r\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\n5" + b" " * 5000 + b"\r\nhello\r\n0\r\n\r\n",
    OK + b"No colon\r\n\r\n",
    OK + b": no name\r\n\r\n",
    OK + b"A name: x\r\n\r\n",
    OK + b"Name : x\r\n\r\n",
    OK + b"Name: x\r\n folded\r\n\r\n",
    OK + b"Name: x\0y\r\n\r\n",
    OK + b"Name: x\ry\r\n\r\n",
    OK + b"Name: " + b"x" * limits.HTTP_HEAD_BYTES + b"\r\n\r\n",
    OK + b"N: x\r\n" * limits.HTTP_HEAD_BYTES + b"\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n" * limits.HTTP_HEAD_BYTES,
])  # fmt: skip
def test_what_is_no_answer(answer: bytes) -> None:
    with pytest.raises(Broken):
        answered(answer)


@settings(max_examples=100)
@given(st.binary(max_size=300), st.integers(1, 20))
def test_any_bytes_are_an_answer_or_broken(data: bytes, size: int) -> None:
    for begin in (b"", OK, OK + b"Transfer-Encoding: chunked\r\n\r\n"):
        try:
            answered(begin + data, size=size)
        except Broken:
            continue


@settings(max_examples=50)
@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.integers(1, 20))
def test_chunks_are_joined_however_they_arrive(pieces: list[bytes], size: int) -> None:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    answer = OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    assert answered(answer, size=size) == (200, b"".join(pieces), True)


def test_a_request() -> None:
    assert (
        written("GET", "/v2/", {"Host": "a", "Accept": "*/*"}) == b"GET /v2/ HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"
    )


@pytest.mark.parametrize(("target", "headers"), [
    ("/v2/ HTTP/1.1\r\nX: y", {}),
    ("/v2/ x", {}),
    ("/", {"Authorization": "Bearer a\r\nHost: b"}),
    ("/", {"Authorization": "Bearer a\nb"}),
    ("/", {"Authorization": "Bearer a\0"}),
])  # fmt: skip
def test_a_line_stays_a_line(target: str, headers: dict[str, str]) -> None:
    """A token server makes the token up that becomes a header."""
    with pytest.raises(ValueError, match="characters that none may hold"):
        written("GET", target, headers)
