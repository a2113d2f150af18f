"""What a registry's answer means when it is not the content: our own errors, by status (registry issue §1.10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from policyengine.errors import NotFound, RateLimited, RegistryError, Unauthorized, Unreachable
from policyengine.oci import quoted
from policyengine.strictjson import JsonError, loads

REDIRECTED = frozenset((301, 302, 303, 307, 308))
RETRIED = frozenset((408, 429, 500, 502, 503, 504))
"""Answers after which the same request may succeed a little later."""

LONGEST_WAIT = 60.0
"""Seconds that a `Retry-After` is heeded for."""


class Answer(Struct, frozen=True):
    """A whole answer: status, headers (names in lower case) and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """All values of a header, joined by commas; empty if there is none."""
        return self.headers.get(name, "")

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters."""
        return self.header("content-type").partition(";")[0].strip().lower()


def joined(headers: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """Headers by their name in lower case, repeated ones joined by commas."""
    result: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        result[key] = f"{result[key]}, {value}" if key in result else value
    return result


def failure(answer: Answer, what: str, server: object) -> RegistryError:
    """The error for an answer that is not a success; `what` was asked of `server`."""
    said = f" ({answer.status}{_explanation(answer)})"
    if answer.status == 404:
        return NotFound(f"{server} does not have {what}{said}", "check the name and the digest")
    if answer.status in (401, 403):
        return Unauthorized(f"{server} does not let this login read {what}{said}", "log in, as with docker login")
    if answer.status == 429:
        return RateLimited(f"{server} asks to come back later for {what}{said}", "try again later, or log in")
    if answer.status in RETRIED:
        return Unreachable(f"{server} failed to serve {what}{said}", "try again later")
    help = "it speaks TLS: name its authority with --ca-file" if _wants_tls(answer) else ""
    return RegistryError(f"{server} answered the request for {what} in an unexpected way{said}", help)


def _wants_tls(answer: Answer) -> bool:
    """Whether a server says that plain HTTP was sent to a port where it speaks TLS, as Go's and nginx do."""
    return answer.status == 400 and b"HTTP request" in answer.body and b"HTTPS" in answer.body


def error_codes(answer: Answer) -> list[str]:
    """The codes in a registry's error body, such as `NAME_UNKNOWN`; empty where it has none."""
    return [code for entry in _entries(answer) if isinstance(code := entry.get("code"), str)]


def _explanation(answer: Answer) -> str:
    """The first code and message of the error body, cut short."""
    for entry in _entries(answer):
        text = " ".join(str(entry.get(key) or "") for key in ("code", "message")).strip()
        if text:
            return f" {quoted(text)}"
    return ""


def _entries(answer: Answer) -> list[dict[str, Any]]:
    try:
        document = loads(answer.body)
    except JsonError:
        return []
    entries = document.get("errors") if isinstance(document, dict) else None
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def retry_after(answer: Answer) -> float:
    """Seconds that the answer asks to wait, at most a minute: a number or an HTTP date; 0 where it does not say."""
    value = answer.header("retry-after").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:6]), LONGEST_WAIT)
    return min(max(_seconds_until(value, answer.header("date")), 0.0), LONGEST_WAIT) if value else 0.0


def _seconds_until(date: str, now: str) -> float:
    """How long after the server's own `now` its `date` is: its clock may differ from ours."""
    from email.utils import parsedate_to_datetime

    try:
        return (parsedate_to_datetime(date) - parsedate_to_datetime(now)).total_seconds()
    except (ValueError, TypeError, IndexError):
        return 0.0
