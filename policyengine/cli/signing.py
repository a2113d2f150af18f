"""What `keys generate-test` and `sign` do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec import Struct

from policyengine import __version__, limits
from policyengine.cli.durations import duration
from policyengine.cli.instants import moment
from policyengine.cli.output import Output, outputs, put
from policyengine.cli.places import Reach, place, reached, writer
from policyengine.cli.terminal import Terminal
from policyengine.errors import UsageError, VerificationError
from policyengine.evidence.problems import quoted
from policyengine.oci import Descriptor
from policyengine.reports.json import dump
from policyengine.reports.look import Page

if TYPE_CHECKING:
    from policyengine.signing.artifact import Artifact

FORMATS = ("table", "json")
RESERVED = "io.cncf.notary"
"""What the keys of metadata may not begin with (signature specification, "Payload")."""
TEST_KEY = "this is a test key: whoever can read its file can sign with it"


def generate(terminal: Terminal, name: str, kind: str, days: int, texts: tuple[str, ...]) -> int:
    """Write a test key, and say where."""
    from policyengine.signing import keys
    from policyengine.verification.trust import notation_folder

    wanted = outputs(texts, FORMATS)
    files = keys.generate(notation_folder(), name, kind.upper(), moment(None), days)
    shown = {
        "name": name,
        "key": str(files.key),
        "certificate": str(files.certificate),
        "trustStore": f"ca:{name}",
        "stored": str(files.stored),
        "subject": files.subject,
        "expires": f"{files.expires:%Y-%m-%dT%H:%M:%SZ}",
    }
    _report(terminal, wanted, shown)
    terminal.warn(TEST_KEY)
    return 0


class Options(Struct, frozen=True, kw_only=True):
    """The options of `sign`, as click reads them."""

    reference: str
    key: str
    cert: str
    form: str = "jws"
    expiry: str | None = None
    metadata: tuple[str, ...] = ()
    timestamp_url: str | None = None
    at: str | None = None
    oci_layout: bool = False
    outputs: tuple[str, ...] = ()


def sign(terminal: Terminal, options: Options, reach: Reach) -> int:
    """Sign what the reference names, and say which signature came of it."""
    wanted, at = outputs(options.outputs, FORMATS), moment(options.at)
    where = place(options.reference, options.oci_layout)
    signed = _signer(options, at)
    with reached(where, reach) as (store, registry):
        target = store.resolve(where.target)
        made = signed(target)
        writer(where, registry).attach(made.manifest, made.blobs, made.descriptor)
    subject = {"mediaType": target.media_type, "digest": target.digest, "size": target.size}
    signature = {"digest": made.descriptor.digest, "format": options.form}
    _report(terminal, wanted, {"reference": options.reference, "subject": subject, "signature": signature})
    if target.digest not in options.reference:
        terminal.warn(f"a tag may be moved at any time: signed was {target.digest}, which the tag named just now")
    return 0


def _signer(options: Options, at: datetime) -> Callable[[Descriptor], Artifact]:
    """A function that makes the signature of an artifact, without attaching it.

    What is wrong with the options is raised here, before any registry is asked.
    """
    from policyengine.signing import artifact, envelopes, signer

    by = signer.load(Path(options.key), Path(options.cert), at)
    expires = at + duration(options.expiry) if options.expiry is not None else None
    claims = envelopes.Claims(at, expires, f"policyengine/{__version__}")
    metadata, stamp = _metadata(options.metadata), _stamp(options.timestamp_url)

    def signed(target: Descriptor) -> Artifact:
        payload = envelopes.payload(artifact.described(target), metadata)
        envelope = envelopes.write(options.form, payload, claims, by, stamp)
        return artifact.build(target, envelope, envelopes.MEDIA_TYPES[options.form], by.chain, at)

    return signed


def _metadata(given: tuple[str, ...]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key or key in found or key.startswith(RESERVED):
            raise UsageError(f"{quoted(text)} is no metadata, or its key is in use", "write --metadata KEY=VALUE")
        found[key] = value
    return found


def _stamp(url: str | None) -> Any:
    """What gets a timestamp token over a signature, from the authority that the user names."""
    if url is None:
        return None
    if urlsplit(url).scheme not in ("http", "https"):
        raise UsageError(f"{quoted(url)} is not the URL of a time stamping authority", "write http://… or https://…")
    from policyengine.registry.plainfetch import ask_authority
    from policyengine.signing import stamping

    def stamp(signature: bytes) -> bytes:
        try:
            return stamping.token(signature, lambda request: ask_authority(url, request, limits.TIMESTAMP_BYTES))
        except VerificationError as fault:
            raise VerificationError(f"no timestamp by {quoted(url)}: {fault}") from None

    return stamp


# ---------------------------------------------------------------------------- reports


def _report(terminal: Terminal, wanted: tuple[Output, ...], shown: Mapping[str, Any]) -> None:
    for output in wanted:
        if output.format == "json":
            put(terminal, output, dump({"schemaVersion": "1", **shown}))
        else:
            put(terminal, output, _text(terminal, shown))


def _text(terminal: Terminal, shown: Mapping[str, Any]) -> str:
    page = Page(terminal.look())
    for name, value in shown.items():
        for inner, each in value.items() if isinstance(value, Mapping) else [("", value)]:
            page.line((f"{f'{name} {inner}'.strip():<18}", "dim"), str(each), hang=18)
    return page.text()
