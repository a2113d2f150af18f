"""What `read` does with a signature: show its envelope, and verify it where the artifact is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from policyengine.cli.instants import moment
from policyengine.cli.output import Output, put
from policyengine.cli.terminal import Terminal
from policyengine.errors import UsageError, VerificationError
from policyengine.oci import Reference, parse_digest
from policyengine.reports.instant import rfc3339
from policyengine.reports.json import dump, given
from policyengine.reports.look import Page
from policyengine.verification.notation.envelope import JWS, recognised

if TYPE_CHECKING:
    from policyengine.verification.notation.view import EnvelopeView
    from policyengine.verification.result import SignatureResult

REFUSED = 1
NEEDED = ("digest", "size", "subject_media_type", "media_type")


class Asked(Struct, frozen=True, kw_only=True):
    """The options of `read` that are for signatures. The first four say what is verified; none of them only shows."""

    digest: str | None = None
    size: int | None = None
    subject_media_type: str | None = None
    media_type: str | None = None
    repository: str | None = None
    trust_policy: str | None = None
    trust_store: str | None = None
    at: str | None = None
    offline: bool = False


class Target(Struct, frozen=True):
    """The artifact that is said to be signed."""

    media_type: str
    digest: str
    size: int


def is_meant(data: bytes, asked: Asked) -> bool:
    """Whether a file is to be read as a signature: because of the options, or by its content."""
    return asked != Asked() or recognised(data) is not None


def run(terminal: Terminal, name: str, data: bytes, asked: Asked, wanted: Sequence[Output]) -> int:
    """Show the envelope `data` of the file `name`, and verify it if that is asked for; 1 where it is refused."""
    result = _verified(data, asked)
    try:
        view = _view(data, asked)
    except VerificationError as fault:
        if result is None:
            raise VerificationError(f"{name}: {fault.message}", fault.help) from None
        view = None
    for output in wanted:
        document = output.format == "json"
        put(terminal, output, dump(_document(name, view, result)) if document else _text(terminal, name, view, result))
    return 0 if result is None or result.status == "verified" else REFUSED


def _view(data: bytes, asked: Asked) -> EnvelopeView:
    from policyengine.verification.notation import view

    return view.describe(data, asked.media_type or recognised(data) or JWS)


# ---------------------------------------------------------------------------- verifying


def _verified(data: bytes, asked: Asked) -> SignatureResult | None:
    """What the envelope is worth as a signature of the artifact that is named; `None` where none is.

    Raises `UsageError` where only a part of it is named, and `TrustError`.
    """
    missing = [name for name in NEEDED if getattr(asked, name) is None]
    if missing and asked == Asked(media_type=asked.media_type):
        return None
    if missing:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise UsageError("the signed artifact is not named, or in part only", f"to verify a signature, add {options}")
    from policyengine.engine import asking
    from policyengine.verification.notation.verify import verify
    from policyengine.verification.trust import Trust

    target = Target(asked.subject_media_type or "", parse_digest(asked.digest or ""), asked.size or 0)
    at, named = moment(asked.at), Reference.parse(asked.repository).name if asked.repository is not None else ""
    trust = Trust.load(_path(asked.trust_policy), _path(asked.trust_store))
    if not named and trust.select("") is None:
        raise UsageError("the trust policy has no statement for every repository", "name one with --repository")
    return verify(
        data,
        asked.media_type or "",
        target,
        trust=trust,
        repository=named,
        at=at,
        revoked=None if asked.offline else asking(),
    )


def _path(text: str | None) -> Path | None:
    return Path(text) if text is not None else None


# ---------------------------------------------------------------------------- for programs


def _document(name: str, view: EnvelopeView | None, result: SignatureResult | None) -> dict[str, Any]:
    shown = _described(view) if view else {"warnings": []}
    found = {"schemaVersion": "1", "file": name, "kind": "signature", **shown}
    return found | ({"verification": _verification(result)} if result else {})


def _described(view: EnvelopeView) -> dict[str, Any]:
    certificates = [
        {
            "subject": each.subject,
            "sha256": each.fingerprint,
            "notBefore": rfc3339(each.not_before),
            "notAfter": rfc3339(each.not_after),
        }
        for each in view.chain
    ]
    return given(
        format=view.format,
        algorithm=view.algorithm,
        signingScheme=view.scheme,
        signedAt=rfc3339(view.signed_at),
        expires=_time(view.expires),
        signingAgent=view.agent,
        verificationPlugin=view.plugin,
        attributes=list(view.attributes) or None,
        targetArtifact=dict(view.target) or None,
        certificates=certificates,
        timestamp=given(time=_time(view.stamped_at), subject=view.stamped_by) or None,
        warnings=list(view.problems),
    )


def _verification(result: SignatureResult) -> dict[str, Any]:
    from policyengine.reports.json import answer

    return given(
        status=result.status,
        trustPolicy=result.trust_policy,
        identity=str(result.identity) if result.identity else None,
        timestampedAt=_time(result.timestamped_at),
        reason=result.reason or None,
        checks=dict(result.checks),
        revocation=[answer(each) for each in result.revocation] or None,
    )


def _time(instant: datetime | None) -> str | None:
    return rfc3339(instant) if instant else None


# ---------------------------------------------------------------------------- for people


def _text(terminal: Terminal, name: str, view: EnvelopeView | None, result: SignatureResult | None) -> str:
    page = Page(terminal.look())
    page.line(("signature", "bold"), f"  {name}", wrap=False)
    if view is not None:
        _show(page, view)
    if result is not None:
        _judge(page, result)
    elif not terminal.quiet:
        page.line(("nothing was verified: name the artifact (--digest …) to do that", "dim"), indent=2)
    return page.text()


def _show(page: Page, view: EnvelopeView) -> None:
    """What the envelope says: how and when it was signed, what, and by whom."""
    page.line(f"{view.format.upper()} · {view.algorithm} · {view.scheme}", indent=2)
    for label, value in _lines(view):
        page.line((f"{label:<10}", "dim"), value, indent=2, hang=10)
    for number, each in enumerate(view.chain):
        label = "issued by" if number else "signed by"
        times = f"  {rfc3339(each.not_before)} to {rfc3339(each.not_after)}  "
        page.line((f"{label:<10}", "dim"), each.subject, times, (each.fingerprint[:16], "dim"), indent=2, hang=10)
    for problem in view.problems:
        page.line(("warning: ", "yellow"), problem, indent=2)


def _lines(view: EnvelopeView) -> Iterator[tuple[str, str]]:
    target = {name: value for name, value in view.target.items() if name != "annotations"}
    yield "signed", rfc3339(view.signed_at)
    if view.expires:
        yield "expires", rfc3339(view.expires)
    if view.stamped_at:
        yield "timestamp", f"{rfc3339(view.stamped_at)} by {view.stamped_by}"
    yield "artifact", "  ".join(str(value) for value in target.values())
    annotations = view.target.get("annotations")
    for key, value in annotations.items() if isinstance(annotations, Mapping) else ():
        yield "metadata", f"{key}={value}"
    for attribute in view.attributes:
        yield "attribute", attribute
    if view.plugin:
        yield "plugin", view.plugin
    if view.agent:
        yield "made with", view.agent


def _judge(page: Page, result: SignatureResult) -> None:
    good = result.status == "verified"
    page.blank()
    by = f" by the trust policy's statement {result.trust_policy}" if result.trust_policy else ""
    page.line(page.mark("allow" if good else "deny"), f" {result.status}{by}", indent=2)
    if result.reason:
        page.line(result.reason, indent=4)
    page.line((", ".join(f"{name} {outcome}" for name, outcome in result.checks.items()), "dim"), indent=4)
    for each in result.revocation:
        reason = f": {each.reason}" if each.reason else ""
        page.line((f"{each.kind} {each.url} on {each.certificate}: {each.answer}{reason}", "dim"), indent=4)
