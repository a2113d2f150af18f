"""Signatures to show to us and to the real Notation: good ones, and every kind of bad that an attacker might try.

Each case is an envelope over an image of its own, with the trust that it is judged by. Unlike those of
`tests.verification.signing` the certificates are valid now, since Notation knows no other instant.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any

import cbor2
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from policyengine.verification.result import Target
from tests.verification import signing
from tests.verification.responder import now
from tests.verification.signing import COSE, JWS, PREFIX, Chain, Holder, Signing, Timestamper

NOW = now().replace(microsecond=0)
BEGAN, ENDED = NOW - timedelta(days=60), NOW - timedelta(days=5)
issue = partial(signing.issue, start=NOW - timedelta(days=30), end=NOW + timedelta(days=300))
AUTHORITY = "notary.x509.signingAuthority"
SCHEME, EXPIRY, TIME, AUTHENTIC = (
    PREFIX + each for each in ("signingScheme", "expiry", "signingTime", "authenticSigningTime")
)
PLUGIN, VERSION = PREFIX + "verificationPlugin", PREFIX + "verificationPluginMinVersion"
Extensions = Sequence[tuple[x509.ExtensionType, bool]]
CA, LEAF = signing.ca_extensions, signing.signer_extensions()
DIGITAL = signing.usage("digital_signature")


@dataclass(frozen=True)
class Case:
    """An envelope to be made over an image, and whom to trust: members of a statement, and roots by store."""

    envelope: Callable[[Target], bytes]
    media_type: str
    stores: Mapping[str, Sequence[Holder]]
    statement: Mapping[str, Any] = field(default_factory=dict)


CASES: dict[str, Case] = {}


# Chains


def root(kind: str = "P-256") -> Holder:
    return _root(kind)


@cache
def _root(kind: str) -> Holder:
    return issue(signing.subject("root"), signing.key(kind, 1), None, CA())


def chain(
    kind: str = "P-256",
    *,
    subject: x509.Name | None = None,
    leaf: Extensions = LEAF,
    middle: Extensions | None = None,
    top: Extensions | None = None,
    authority: str = "P-256",
    **validity: datetime,
) -> Chain:
    """Leaf, intermediate and root; what is given replaces the extensions of one of them, or the leaf's validity."""
    first = root(authority) if top is None else issue(signing.subject("root"), signing.key(authority, 1), None, top)
    between = issue(signing.subject("intermediate"), signing.key(authority, 2), first, middle or CA(0))
    signer = issue(subject or signing.subject("release"), signing.key(kind), between, leaf, **validity)
    return Chain((signer, between, first))


@cache
def good(kind: str = "P-256") -> Chain:
    return chain(kind)


def alone(extensions: Extensions, kind: str = "P-256") -> Chain:
    return Chain((issue(signing.subject("release"), signing.key(kind), None, extensions),))


def pair(**validity: datetime) -> Chain:
    """A leaf that the root issued itself."""
    return Chain((issue(signing.subject("release"), signing.key(), root(), LEAF, **validity), root()))


@cache
def clock(began: bool = False) -> Chain:
    """A time stamping authority; one that `began` long ago may stamp the past."""
    dates = {"start": NOW - timedelta(days=3000)} if began else {}
    top = issue(signing.subject("tsa root"), signing.key("P-256", 3), None, CA(), **dates)
    leaf = issue(signing.subject("tsa"), signing.key("P-256", 4), top, signing.stamper_extensions(), **dates)
    return Chain((leaf, top))


@cache
def other_clock() -> Chain:
    """A time stamping authority of the same names, and of other keys."""
    top = issue(signing.subject("tsa root"), signing.key("P-256", 9), None, CA())
    return Chain((issue(signing.subject("tsa"), signing.key("P-256", 10), top, signing.stamper_extensions()), top))


# Adding cases


def add(
    name: str,
    make: Callable[[Signing], Signing] | None = None,
    *,
    by: Chain | None = None,
    formats: Sequence[str] = ("cose", "jws"),
    stores: Mapping[str, Sequence[Holder]] | None = None,
    over: Callable[[Target], bytes] = signing.payload,
    write: Callable[[Signing], bytes] | None = None,
    **statement: Any,
) -> None:
    """A case for each format: the default signature by the good chain, changed by `make`, written by `write`."""
    signer = by or good()

    def written(format: str, target: Target) -> bytes:
        made = Signing(chain=signer, payload=over(target), signed_at=NOW)
        made = make(made) if make else made
        return write(made) if write else (made.cose() if format == "cose" else made.jws())

    held = {"ca:acme": [signer.root]} if stores is None else stores
    for format in formats:
        media_type = COSE if format == "cose" else JWS
        CASES[f"{format}: {name}"] = Case(partial(written, format), media_type, held, statement)


def changed(**fields: Any) -> Callable[[Signing], Signing]:
    """Other fields of the signature."""

    def change(made: Signing) -> Signing:
        for name, value in fields.items():
            setattr(made, name, value)
        return made

    return change


def level(name: str, when: str | None = None, **override: str) -> dict[str, Any]:
    found: dict[str, Any] = {"level": name} | ({"override": override} if override else {})
    return found | ({"verifyTimestamp": when} if when else {})


# Keys, chains and their profile

for _kind in ("RSA-2048", "RSA-3072", "RSA-4096", "P-256", "P-384", "P-521"):
    add(f"good by {_kind}", by=good(_kind))
for _kind in ("RSA-2560", "RSA-1024", "secp256k1"):
    add(f"leaf of {_kind}", by=chain(_kind))
for _kind in ("RSA-1024", "secp256k1"):
    add(f"authorities of {_kind}", by=chain(authority=_kind), formats=("cose",))

add("authorities of RSA", by=chain(authority="RSA-2048"))
add("a self-signed leaf", by=alone(LEAF))
add("a self-signed CA", by=alone(CA()))
add("a self-signed CA that may sign", by=alone([CA()[0], (signing.usage("digital_signature", "key_cert_sign"), True)]))
add("a chain of two", by=pair())

USAGES = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign")
for _bit in USAGES:
    add(f"leaf with {_bit}", by=chain(leaf=[(signing.usage("digital_signature", _bit), True)]), formats=("cose",))
PURPOSES = {
    "any": "2.5.29.37.0",
    "serverAuth": "1.3.6.1.5.5.7.3.1",
    "clientAuth": "1.3.6.1.5.5.7.3.2",
    "codeSigning": "1.3.6.1.5.5.7.3.3",
    "emailProtection": "1.3.6.1.5.5.7.3.4",
    "timeStamping": "1.3.6.1.5.5.7.3.8",
    "OCSPSigning": "1.3.6.1.5.5.7.3.9",
    "documentSigning": "1.3.6.1.5.5.7.3.36",
    "smartcardLogon": "1.3.6.1.4.1.311.20.2.2",
}
for _purpose, _oid in PURPOSES.items():
    for _critical in (False, True):
        purpose = x509.ExtendedKeyUsage([ObjectIdentifier(_oid)])
        add(
            f"leaf for {_purpose}{', critical' * _critical}",
            by=chain(leaf=[(DIGITAL, True), (purpose, _critical)]),
            formats=("cose",),
        )
LEAVES: dict[str, Extensions] = {
    "no extensions": [],
    "key usage not critical": [(DIGITAL, False)],
    "no purpose": [(DIGITAL, True)],
    "basic constraints that say no CA": [(x509.BasicConstraints(False, None), True), (DIGITAL, True)],
    "CA constraints": [(x509.BasicConstraints(True, None), True), (DIGITAL, True)],
    "an unknown critical extension": [(DIGITAL, True), (signing.with_oid("1.2.3.4"), True)],
}
for _name, _extensions in LEAVES.items():
    add(f"leaf with {_name}", by=chain(leaf=_extensions), formats=("cose",))
NAMED = x509.NameConstraints([x509.DirectoryName(signing.name(("O", "other")))], None)
MIDDLES: dict[str, Extensions] = {
    "constraints not critical": [(CA()[0][0], False), CA()[1]],
    "no constraints": [CA()[1]],
    "constraints that say no CA": [(x509.BasicConstraints(False, None), True), CA()[1]],
    "no key usage": [CA()[0]],
    "key usage not critical": [CA()[0], (CA()[1][0], False)],
    "no keyCertSign": [CA()[0], (signing.usage("crl_sign"), True)],
    "name constraints that exclude the leaf": [*CA(0), (NAMED, True)],
    "a purpose of clients": [*CA(0), (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), True)],
    "an unknown critical extension": [*CA(0), (signing.with_oid("1.2.3.4"), True)],
    "a path length of three": CA(3),
}
for _name, _extensions in MIDDLES.items():
    add(f"intermediate with {_name}", by=chain(middle=_extensions), formats=("cose",))
add("root with a path length of none", by=chain(top=CA(0)), formats=("cose",))
add("root with a path length of one", by=chain(top=CA(1)), formats=("cose",))
add("root with constraints not critical", by=chain(top=[(CA()[0][0], False), CA()[1]]), formats=("cose",))

DERS = good().ders
STRANGER = issue(signing.subject("stranger"), signing.key("P-256", 7), None, CA())
NAMESAKE = issue(signing.subject("root"), signing.key("P-256", 8), None, CA())
ORDERS: dict[str, list[bytes]] = {
    "without the root": DERS[:2],
    "the leaf alone": DERS[:1],
    "without the intermediate": [DERS[0], DERS[2]],
    "reversed": DERS[::-1],
    "intermediate and root swapped": [DERS[0], DERS[2], DERS[1]],
    "the leaf twice": [DERS[0], *DERS],
    "the root twice": [*DERS, DERS[2]],
    "a stranger behind it": [*DERS, STRANGER.der],
    "a stranger before it": [STRANGER.der, *DERS],
    "a stranger in it": [DERS[0], STRANGER.der, *DERS[1:]],
    "a namesake of the root": [*DERS[:2], NAMESAKE.der],
    "no certificate": [b"\x30\x00", *DERS[1:]],
    "an empty certificate": [b"", *DERS],
    "bytes behind the leaf": [DERS[0] + b"\x00", *DERS[1:]],
}
for _name, _ders in ORDERS.items():
    add(f"chain {_name}", changed(ders=_ders))
add("an evil chain with the trusted root behind it", changed(ders=[*chain().ders[:1], *DERS[1:]]), by=pair())


# Headers

SOON = NOW + timedelta(days=1)
HEADERS: dict[str, dict[str, Any]] = {
    "expiry tomorrow": {"expires": SOON},
    "expired": {"signed_at": NOW - timedelta(days=2), "expires": NOW - timedelta(days=1)},
    "expired before it was signed": {"expires": NOW - timedelta(hours=1)},
    "expiry not critical": {"expires": SOON, "critical": [SCHEME]},
    "expiry null": {"signed": {EXPIRY: None}},
    "signed in the future": {"signed_at": NOW + timedelta(days=400)},
    "signed in 1990": {"signed_at": datetime(1990, 1, 1, tzinfo=UTC)},
    "no signing time": {"signed_at": None},
    "scheme missing": {"scheme": None},
    "scheme unknown": {"scheme": "notary.x509.other"},
    "scheme in upper case": {"scheme": "NOTARY.X509"},
    "scheme with a space": {"scheme": "notary.x509 "},
    "scheme not critical": {"critical": [EXPIRY], "expires": SOON},
    "crit empty": {"critical": []},
    "crit repeats": {"critical": [SCHEME, SCHEME]},
    "crit lists what is absent": {"critical": [SCHEME, EXPIRY]},
    "crit in another case": {"critical": [SCHEME.upper()]},
    "crit lists the signing time": {"critical": [SCHEME, TIME]},
    "crit lists an unknown attribute": {"critical": [SCHEME, "com.example.x"], "signed": {"com.example.x": "1"}},
    "crit lists an unknown attribute that is absent": {"critical": [SCHEME, "com.example.x"]},
    "crit lists null": {"critical": [SCHEME, None]},
    "an unknown attribute": {"signed": {"com.example.x": "1"}},
    "an unknown attribute of the project": {"signed": {PREFIX + "x": "1"}},
    "an unsigned unknown attribute": {"unsigned": {"com.example.x": [1, {}]}},
    "an agent": {"unsigned": {PREFIX + "signingAgent": "x/1"}},
    "an agent that is a number": {"unsigned": {PREFIX + "signingAgent": 7}},
    "an attribute in both headers": {"signed": {"com.example.x": "1"}, "unsigned": {"com.example.x": "1"}},
    "scheme in both headers": {"unsigned": {SCHEME: "notary.x509"}},
    "scheme unsigned": {"scheme": None, "unsigned": {SCHEME: "notary.x509"}, "critical": [TIME]},
    "expiry unsigned": {"unsigned": {EXPIRY: 1}},
    "both times": {"signed": {AUTHENTIC: "2026-01-01T00:00:00Z"}},
    "a plugin": {"signed": {PLUGIN: "com.example.plugin"}},
    "a plugin that is not critical": {"signed": {PLUGIN: "com.example.plugin"}, "critical": [SCHEME]},
    "a plugin of no name": {"signed": {PLUGIN: ""}},
    "a plugin's version alone": {"signed": {VERSION: "1.0.0"}},
    "a plugin's version alone, not critical": {"signed": {VERSION: "1.0.0"}, "critical": [SCHEME]},
    "a plugin with an attribute": {
        "signed": {PLUGIN: "p", "com.example.x": "1"},
        "critical": [SCHEME, PLUGIN, "com.example.x"],
    },
    "no content type": {"content_type": None},
    "content type of v2": {"content_type": "application/vnd.cncf.notary.payload.v2+json"},
    "content type in upper case": {"content_type": signing.PAYLOAD_TYPE.upper()},
    "content type with a parameter": {"content_type": signing.PAYLOAD_TYPE + "; charset=utf-8"},
    "content type a number": {"content_type": 50},
    "a timestamp of no bytes": {"unsigned": {PREFIX + "timestampSignature": b""}},
}
for _name, _fields in HEADERS.items():
    formats = ("cose",) if b"" in _fields.get("unsigned", {}).values() else ("cose", "jws")
    add(_name, changed(**_fields), formats=formats)

COSE_ALGORITHMS = {"ES384": -35, "ES512": -36, "PS256": -37, "EdDSA": -8, "RS256": -257, "HMAC": 5, "a text": "ES256"}
for _name, _number in COSE_ALGORITHMS.items():
    add(f"algorithm {_name}", changed(algorithm=_number), formats=("cose",))
for _name in ("ES384", "PS256", "RS256", "none", "None", "HS256", "EdDSA", "ES256K", "es256", ""):
    add(f"algorithm {_name!r}", changed(algorithm=_name or " "), formats=("jws",))
for _salt in (0, 20, 31, 33, 64, 190):
    add(f"PSS with a salt of {_salt}", changed(salt=_salt), by=good("RSA-2048"))


# Payloads


def stated(**members: Any) -> Callable[[Target], bytes]:
    """A payload with other members in its descriptor; `None` removes one."""

    def write(target: Target) -> bytes:
        found = {"mediaType": target.media_type, "digest": target.digest, "size": target.size} | members
        return json.dumps({"targetArtifact": {k: v for k, v in found.items() if v is not None}}).encode()

    return write


def around(before: bytes, after: bytes = b"") -> Callable[[Target], bytes]:
    return lambda target: before + signing.payload(target) + after


def replaced(old: bytes, new: bytes) -> Callable[[Target], bytes]:
    return lambda target: signing.payload(target).replace(old, new)


OTHER = "sha256:" + "cd" * 32
PAYLOADS: dict[str, Callable[[Target], bytes]] = {
    "of another digest": stated(digest=OTHER),
    "of another size": stated(size=7),
    "of another media type": stated(mediaType="application/vnd.oci.image.index.v1+json"),
    "without a digest": stated(digest=None),
    "without a size": stated(size=None),
    "without a media type": stated(mediaType=None),
    "with an artifact type": stated(artifactType="x/y"),
    "with metadata": stated(annotations={"k": "v"}),
    "with metadata that is null": replaced(b"}}", b',"annotations":null}}'),
    "with metadata that is no text": stated(annotations={"k": 1}),
    "with urls": stated(urls=["https://example.com"]),
    "with a platform": stated(platform={"os": "linux", "architecture": "amd64"}),
    "with more at the top": lambda target: signing.payload(target)[:-1] + b',"x":1}',
    "with the target twice": lambda target: b'{"targetArtifact":{},' + signing.payload(target)[1:],
    "with the digest twice": replaced(b'"digest"', b'"digest":"%s","digest"' % OTHER.encode()),
    "with a lower-case target before": lambda target: b'{"targetartifact":{},' + signing.payload(target)[1:],
    "with a lower-case target only": replaced(b"targetArtifact", b"targetartifact"),
    "with a lower-case media type": replaced(b"mediaType", b"mediatype"),
    "with a size with a fraction": lambda target: signing.payload(target).replace(
        str(target.size).encode() + b"}", str(target.size).encode() + b".0}"
    ),
    "with a size as a text": lambda target: stated(size=str(target.size))(target),
    "with white space around": around(b" \n", b"\t "),
    "with a mark before": around(b"\xef\xbb\xbf"),
    "with text behind": around(b"", b"{}"),
    "with a zero byte behind": around(b"", b"\x00"),
    "empty": lambda _: b"",
    "null": lambda _: b"null",
    "a list": lambda target: b"[" + signing.payload(target) + b"]",
    "in UTF-16": lambda target: signing.payload(target).decode().encode("utf-16"),
    "with a size in powers of ten": lambda target: signing.payload(target).replace(
        str(target.size).encode() + b"}", str(target.size).encode() + b"e0}"
    ),
    "with reserved metadata": stated(annotations={"io.cncf.notary.x": "1"}),
    "with an upper-case digest": lambda target: stated(digest=target.digest.upper())(target),
    "with an escaped digest": replaced(b'"sha256:', b'"\\u0073ha256:'),
    "with a lone surrogate": replaced(b"}}", b',"x":"\\ud800"}}'),
    "with an invalid UTF-8 byte": replaced(b"}}", b',"x":"\xff"}}'),
}
for _name, _payload in PAYLOADS.items():
    add(f"payload {_name}", over=_payload, formats=("cose", "jws") if _name.startswith("of") else ("cose",))


# COSE


def refit(change: Callable[[list[Any]], Any]) -> Callable[[Signing], bytes]:
    """A good envelope with its four fields changed after signing."""
    return lambda made: cbor2.dumps(change(list(cbor2.loads(made.cose()).value)))


def put(index: int, value: Any) -> Callable[[list[Any]], Any]:
    return lambda fields: cbor2.CBORTag(18, [value if place == index else each for place, each in enumerate(fields)])


def unsigned(**members: Any) -> Callable[[list[Any]], Any]:
    return lambda fields: cbor2.CBORTag(18, [fields[0], dict(fields[1]) | members, *fields[2:]])


def twin(fields: list[Any]) -> Any:
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    high = order - int.from_bytes(fields[3][32:], "big")
    return put(3, fields[3][:32] + high.to_bytes(32, "big"))(fields)


def header(change: Callable[[bytes], bytes]) -> Callable[[Signing], bytes]:
    """The signed header written otherwise, and signed so."""
    return lambda made: made.cose(change(cbor2.dumps(made.cose_protected())))


COSES: dict[str, Callable[[Signing], bytes]] = {
    "untagged": lambda made: made.cose()[1:],
    "tagged twice": lambda made: b"\xd2" + made.cose(),
    "tag in two bytes": lambda made: b"\xd8\x12" + made.cose()[1:],
    "tag 98": lambda made: b"\xd8\x62" + made.cose()[1:],
    "tagged as CBOR before": lambda made: b"\xd9\xd9\xf7" + made.cose(),
    "a byte behind": lambda made: made.cose() + b"\x00",
    "a space behind": lambda made: made.cose() + b" ",
    "itself behind": lambda made: made.cose() * 2,
    "an indefinite array": lambda made: b"\xd2\x9f" + made.cose()[2:] + b"\xff",
    "array length in two bytes": lambda made: b"\xd2\x98\x04" + made.cose()[2:],
    "five fields": refit(lambda fields: cbor2.CBORTag(18, [*fields, b""])),
    "three fields": refit(lambda fields: cbor2.CBORTag(18, fields[:3])),
    "payload detached": refit(put(2, None)),
    "payload a text": refit(lambda fields: put(2, fields[2].decode())(fields)),
    "payload of another": refit(put(2, b"{}")),
    "signature empty": refit(put(3, b"")),
    "signature null": refit(put(3, None)),
    "signature of zeros": refit(put(3, bytes(64))),
    "signature padded": refit(lambda fields: put(3, fields[3] + b"\x00")(fields)),
    "signature with s and r swapped": refit(lambda fields: put(3, fields[3][32:] + fields[3][:32])(fields)),
    "the twin of a signature": refit(twin),
    "signed header a map": refit(lambda fields: put(0, cbor2.loads(fields[0]))(fields)),
    "signed header empty": refit(put(0, b"")),
    "unsigned header empty": refit(put(1, {})),
    "unsigned header a list": refit(put(1, [])),
    "unsigned header null": refit(put(1, None)),
    "unsigned label of a byte string": refit(lambda fields: put(1, dict(fields[1]) | {b"x": 1})(fields)),
    "unsigned label of a tag": refit(lambda fields: put(1, dict(fields[1]) | {cbor2.CBORTag(1, 2): 1})(fields)),
    "unsigned crit": refit(lambda fields: put(1, dict(fields[1]) | {2: [SCHEME]})(fields)),
    "unsigned algorithm": refit(lambda fields: put(1, dict(fields[1]) | {1: -7})(fields)),
    "unsigned content type": refit(lambda fields: put(1, dict(fields[1]) | {3: signing.PAYLOAD_TYPE})(fields)),
    "unsigned IV": refit(lambda fields: put(1, dict(fields[1]) | {5: b"x"})(fields)),
    "a key identifier that is a text": refit(lambda fields: put(1, dict(fields[1]) | {4: "x"})(fields)),
    "a signed key identifier that is a number": lambda made: changed(signed={4: 7})(made).cose(),
    "an IV that is a number": refit(lambda fields: put(1, dict(fields[1]) | {5: 7})(fields)),
    "an IV beside a partial one": refit(lambda fields: put(1, dict(fields[1]) | {5: b"x", 6: b"y"})(fields)),
    "an IV and a partial one in two headers": lambda made: changed(signed={5: b"x"}, unsigned={6: b"y"})(made).cose(),
    "a countersignature": refit(lambda fields: put(1, dict(fields[1]) | {11: [b"", {}, b"x"]})(fields)),
    "a signed hash of another certificate": lambda made: changed(signed={34: [-16, bytes(32)]})(made).cose(),
    "a signed address of a chain": lambda made: changed(signed={35: "http://x.example"})(made).cose(),
    "a key identifier": refit(lambda fields: put(1, dict(fields[1]) | {4: b"x"})(fields)),
    "chain one byte string": refit(lambda fields: put(1, {33: fields[1][33][0]})(fields)),
    "chain joined": refit(lambda fields: put(1, {33: [b"".join(fields[1][33])]})(fields)),
    "chain as texts": refit(put(1, {33: ["x"]})),
    "chain empty": refit(put(1, {33: []})),
    "chain in both headers": lambda made: changed(signed={33: made.chain.ders})(made).cose(),
    "chain in the signed header": lambda made: changed(signed={33: made.chain.ders}, unsigned={33: None})(made).cose(),
    "chain as x5bag": refit(lambda fields: put(1, {32: fields[1][33]})(fields)),
    "timestamp of nonsense": refit(unsigned(**{PREFIX + "timestampSignature": b"x"})),
    "timestamp a text": refit(unsigned(**{PREFIX + "timestampSignature": "x"})),
    "signed header with labels in another order": lambda made: made.cose(
        cbor2.dumps(dict(reversed(made.cose_protected().items())))
    ),
    "signed header of no definite length": header(lambda data: b"\xbf" + data[1:] + b"\xff"),
    "signed header with a byte behind": header(lambda data: data + b"\x00"),
    "signed header with a label twice": header(lambda data: bytes([data[0] + 1]) + data[1:] + b"\x01\x26"),
    "signed header with a label in two bytes": header(lambda data: bytes([data[0] + 1]) + data[1:] + b"\x18\x01\x26"),
    "signed header with a label of a float": header(lambda data: bytes([data[0] + 1]) + data[1:] + b"\xf9\x3c\x00\x01"),
    "signed header with a label of bytes": header(lambda data: bytes([data[0] + 1]) + data[1:] + b"\x41x\x01"),
    "signed header with an IV": lambda made: changed(signed={5: b"x"})(made).cose(),
    "a JWS": lambda made: made.jws(),
    "nothing": lambda _: b"",
}
for _name, _write in COSES.items():
    add(_name, write=_write, formats=("cose",))
for _label in (0, 1, 3, 4, 8, 33, -70_000):
    add(f"crit lists the label {_label}", changed(critical=[SCHEME, _label], signed={4: b"k"}), formats=("cose",))
COSE_TIMES = {
    "a float": cbor2.CBORTag(1, NOW.timestamp() + 0.5),
    "a whole float": cbor2.CBORTag(1, NOW.timestamp()),
    "untagged": int(NOW.timestamp()),
    "tag 0": cbor2.CBORTag(0, "2026-06-01T12:00:00Z"),
    "a bignum": cbor2.CBORTag(1, 1 << 70),
    "NaN": cbor2.CBORTag(1, float("nan")),
    "negative": cbor2.CBORTag(1, -5),
    "a text": cbor2.CBORTag(1, "1"),
    "null": cbor2.CBORTag(1, None),
    "tag 1001": cbor2.CBORTag(1001, {1: int(NOW.timestamp())}),
    "a text without a tag": "2026-06-01T12:00:00Z",
}
for _name, _value in COSE_TIMES.items():
    add(f"signing time {_name}", changed(signed_at=_value), formats=("cose",))


# JWS


def members(change: Callable[[dict[str, Any]], Any]) -> Callable[[Signing], bytes]:
    """A good envelope with its members changed after signing."""

    def write(made: Signing) -> bytes:
        found = change(made.jws_members())
        return found if isinstance(found, bytes) else json.dumps(found).encode()

    return write


def with_header(**more: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda found: found | {"header": found["header"] | more}


def base64_changed(member: str, change: Callable[[str], str]) -> Callable[[dict[str, Any]], Any]:
    return lambda found: found | {member: change(found[member])}


def unused_bits(text: str) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) ^ 1]


def protected(change: Callable[[bytes], bytes]) -> Callable[[Signing], bytes]:
    """The protected header written otherwise, and signed so."""
    return lambda made: made.jws(change(json.dumps(made.jws_protected()).encode()))


JWSES: dict[str, Callable[[Signing], bytes]] = {
    "white space around": lambda made: b"\r\n " + made.jws() + b"\t\n",
    "another order of members": members(lambda found: dict(reversed(found.items()))),
    "indented": lambda made: json.dumps(made.jws_members(), indent=2).encode(),
    "a slash escaped": lambda made: made.jws().replace(b"/", b"\\/"),
    "a mark before": lambda made: b"\xef\xbb\xbf" + made.jws(),
    "in UTF-16": lambda made: made.jws().decode().encode("utf-16"),
    "text behind": lambda made: made.jws() + b"{}",
    "a list": lambda made: b"[" + made.jws() + b"]",
    "a compact serialization": members(
        lambda found: f"{found['protected']}.{found['payload']}.{found['signature']}".encode()
    ),
    "a general serialization": members(
        lambda found: {
            "payload": found["payload"],
            "signatures": [{k: v for k, v in found.items() if k != "payload"}],
        }
    ),
    "another member": members(lambda found: found | {"x": 1}),
    "signatures beside it": members(lambda found: found | {"signatures": []}),
    "a member null": members(lambda found: found | {"x": None}),
    "a member in upper case": members(lambda found: {k.upper() if k == "payload" else k: v for k, v in found.items()}),
    "a member twice": members(lambda found: b'{"payload":"e30",' + json.dumps(found).encode()[1:]),
    "a member in two cases": members(lambda found: b'{"Payload":"e30",' + json.dumps(found).encode()[1:]),
    "without a header": members(lambda found: {k: v for k, v in found.items() if k != "header"}),
    "header null": members(lambda found: found | {"header": None}),
    "without a signature": members(lambda found: {k: v for k, v in found.items() if k != "signature"}),
    "signature empty": members(lambda found: found | {"signature": ""}),
    "signature padded": members(base64_changed("signature", lambda text: text + "==")),
    "signature with a line break": members(base64_changed("signature", lambda text: text[:9] + "\n" + text[9:])),
    "signature with a space": members(base64_changed("signature", lambda text: text + " ")),
    "signature with unused bits": members(base64_changed("signature", unused_bits)),
    "payload padded": members(base64_changed("payload", lambda text: text + "=" * (-len(text) % 4 or 4))),
    "payload with a line break": members(base64_changed("payload", lambda text: text[:9] + "\r\n" + text[9:])),
    "payload empty": members(lambda found: found | {"payload": ""}),
    "chain null": members(with_header(x5c=None)),
    "chain missing": members(lambda found: found | {"header": {}}),
    "chain empty": members(with_header(x5c=[])),
    "chain a text": members(lambda found: with_header(x5c=found["header"]["x5c"][0])(found)),
    "chain on lines": members(
        lambda found: with_header(x5c=[each[:64] + "\n" + each[64:] for each in found["header"]["x5c"]])(found)
    ),
    "chain url-safe": members(
        lambda found: with_header(x5c=[each.replace("+", "-").replace("/", "_") for each in found["header"]["x5c"]])(
            found
        )
    ),
    "chain without padding": members(
        lambda found: with_header(x5c=[each.rstrip("=") for each in found["header"]["x5c"]])(found)
    ),
    "chain in upper case": members(lambda found: found | {"header": {"X5C": found["header"]["x5c"]}}),
    "an unsigned alg": members(with_header(alg="ES256")),
    "an unsigned crit": members(with_header(crit=[SCHEME])),
    "an unsigned cty": members(with_header(cty="x")),
    "an unsigned b64": members(with_header(b64=False)),
    "an unsigned kid": members(with_header(kid="x")),
    "an unsigned jwk": members(with_header(jwk={"kty": "EC"})),
    "timestamp null": members(with_header(**{PREFIX + "timestampSignature": None})),
    "timestamp of nonsense": members(with_header(**{PREFIX + "timestampSignature": "eA=="})),
    "protected with alg twice": protected(lambda data: b'{"alg":"none",' + data[1:]),
    "protected with alg in two cases": protected(lambda data: b'{"ALG":"none",' + data[1:]),
    "protected with a scheme in two cases": protected(
        lambda data: b'{"' + SCHEME.upper().encode() + b'":"x",' + data[1:]
    ),
    "protected with text behind": protected(lambda data: data + b"{}"),
    "protected with white space around": protected(lambda data: b" " + data + b"\n"),
    "protected with a mark": protected(lambda data: b"\xef\xbb\xbf" + data),
    "protected with b64": lambda made: changed(signed={"b64": False}, critical=[SCHEME, "b64"])(made).jws(),
    "protected with b64 that is not critical": lambda made: changed(signed={"b64": True})(made).jws(),
    "protected with a jwk": lambda made: changed(signed={"jwk": {}})(made).jws(),
    "protected with an address of a chain": lambda made: changed(signed={"x5u": "http://x.example"})(made).jws(),
    "protected with a type": lambda made: changed(signed={"typ": "JOSE"})(made).jws(),
    "protected with a compression": lambda made: changed(signed={"zip": "DEF"})(made).jws(),
    "protected with nothing": protected(lambda _: b"{}"),
    "protected a list": protected(lambda _: b"[]"),
    "protected with a kid": lambda made: changed(signed={"kid": "x"})(made).jws(),
    "protected with the chain": lambda made: changed(signed={"x5c": []})(made).jws(),
    "crit lists alg": lambda made: changed(critical=[SCHEME, "alg"])(made).jws(),
    "crit lists cty": lambda made: changed(critical=[SCHEME, "cty"])(made).jws(),
    "crit lists crit": lambda made: changed(critical=[SCHEME, "crit"])(made).jws(),
    "crit a text": lambda made: changed(critical=SCHEME)(made).jws(),
    "a COSE": lambda made: made.cose(),
    "nothing": lambda _: b"",
}
for _name, _write in JWSES.items():
    add(_name, write=_write, formats=("jws",))
JWS_TIMES = {
    "an offset": NOW.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00"),
    "another offset": (NOW + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S+02:00"),
    "a fraction": NOW.strftime("%Y-%m-%dT%H:%M:%S.123456789Z"),
    "no zone": NOW.strftime("%Y-%m-%dT%H:%M:%S"),
    "a lower-case zone": NOW.strftime("%Y-%m-%dT%H:%M:%Sz"),
    "a space": NOW.strftime("%Y-%m-%d %H:%M:%SZ"),
    "a comma": NOW.strftime("%Y-%m-%dT%H:%M:%S,5Z"),
    "one digit for the hour": NOW.strftime("%Y-%m-%dT1:%M:%SZ"),
    "a leap second": NOW.strftime("%Y-%m-%dT23:59:60Z"),
    "an offset of 24 hours": NOW.strftime("%Y-%m-%dT%H:%M:%S+24:00"),
    "a date": NOW.strftime("%Y-%m-%d"),
    "a number": int(NOW.timestamp()),
    "the year 0": "0000-01-01T00:00:00Z",
    "the year 1": "0001-01-01T00:00:00Z",
    "the year 10000": "10000-01-01T00:00:00Z",
    "empty": "",
}
for _name, _value in JWS_TIMES.items():
    add(f"signing time {_name}", changed(signed_at=_value), formats=("jws",))
add("expiry a number", changed(signed={EXPIRY: 4102444800}), formats=("jws",))


def null(name: str) -> Callable[[Signing], bytes]:
    def write(made: Signing) -> bytes:
        found = made.jws_protected() | {name: None}
        critical = [*found["crit"], name] if name == EXPIRY else found["crit"]
        return made.jws(json.dumps(found | {"crit": critical}).encode())

    return write


for _name in (EXPIRY, TIME, AUTHENTIC, "com.example.x"):
    add(f"null as {_name}", write=null(_name), formats=("jws",))


# Time, schemes and timestamps

TSA = {"ca:acme": [root()], "tsa:clock": [clock().root]}
OLD = {"ca:acme": [root()], "tsa:clock": [clock(began=True).root]}
EXPIRED = pair(start=BEGAN, end=ENDED)


def stamped(chain: Chain | None = None, at: datetime = NOW, **fields: Any) -> Callable[[Signing], Signing]:
    time = at.strftime("%Y%m%d%H%M%SZ")
    return changed(timestamp=Timestamper(chain=chain or clock(), time=time, **fields))


add("an expired leaf", by=pair(start=BEGAN, end=ENDED))
add("a leaf of tomorrow", by=pair(start=SOON, end=SOON + timedelta(days=9)))
add("an expired leaf where that is logged", by=EXPIRED, signatureVerification=level("permissive"))
add("expired where that is logged", changed(**HEADERS["expired"]), signatureVerification=level("permissive"))
add("expired by an override", changed(**HEADERS["expired"]), signatureVerification=level("strict", expiry="log"))
for _when in ("always", "afterCertExpiry"):
    add(f"a timestamp, {_when}", stamped(), stores=TSA, signatureVerification=level("strict", _when))
    add(f"no timestamp, {_when}", stores=TSA, signatureVerification=level("strict", _when))
    add(
        f"an expired leaf with a timestamp, {_when}",
        stamped(clock(began=True), ENDED - timedelta(days=1)),
        by=EXPIRED,
        stores=OLD,
        signatureVerification=level("strict", _when),
    )
    add(
        f"an expired leaf without a timestamp, {_when}",
        by=EXPIRED,
        stores=OLD,
        signatureVerification=level("strict", _when),
    )
STAMPS: dict[str, tuple[Callable[[Signing], Signing], Chain]] = {
    "after the leaf's end": (stamped(clock(began=True), ENDED + timedelta(days=1)), EXPIRED),
    "before the leaf's begin": (stamped(clock(began=True), BEGAN - timedelta(days=1)), EXPIRED),
    "whose accuracy passes the leaf's end": (
        stamped(clock(began=True), ENDED - timedelta(seconds=1), accuracy=signing.sequence(signing.integer(2))),
        EXPIRED,
    ),
    "whose accuracy ends with the leaf": (
        stamped(clock(began=True), ENDED - timedelta(seconds=2), accuracy=signing.sequence(signing.integer(2))),
        EXPIRED,
    ),
    "by the baseline policy at the leaf's end": (
        stamped(clock(began=True), ENDED, policy="0.4.0.2023.1.1"),
        EXPIRED,
    ),
    "of the future": (stamped(clock(began=True), NOW + timedelta(days=20)), good()),
    "over another signature": (stamped(clock(began=True), over=b"x"), good()),
    "with SHA-512": (stamped(clock(began=True), imprint="sha512"), good()),
    "with a SHA-1 imprint": (stamped(clock(began=True), imprint="sha1"), good()),
    "of another version": (stamped(clock(began=True), version=2), good()),
    "of two signers": (stamped(clock(began=True), signers=2), good()),
    "of no signer": (stamped(clock(began=True), signers=0), good()),
    "of another content type": (stamped(clock(began=True), content_type="1.2.840.113549.1.7.1"), good()),
    "of another certificate's hash": (stamped(clock(began=True), certificate_hash=bytes(32)), good()),
    "without a signing certificate": (stamped(clock(began=True), drop=("signing-certificate-v2",)), good()),
    "without a message digest": (stamped(clock(began=True), drop=("message digest",)), good()),
    "without a content type": (stamped(clock(began=True), drop=("content type",)), good()),
    "with a message digest twice": (stamped(clock(began=True), repeat=("message digest",)), good()),
    "without the root": (stamped(clock(began=True), carried=clock(began=True).ders[:1]), good()),
    "with strangers among its certificates": (
        stamped(clock(began=True), carried=[*good().ders, *other_clock().ders, *clock(began=True).ders]),
        good(),
    ),
    "that carries another leaf of its name": (
        stamped(clock(began=True), carried=[other_clock().leaf.der, clock(began=True).root.der]),
        good(),
    ),
    "with a fraction": (changed(timestamp=Timestamper(clock(began=True), f"{NOW:%Y%m%d%H%M%S}.25Z")), good()),
    "with a fraction that ends in zero": (
        changed(timestamp=Timestamper(clock(began=True), f"{NOW:%Y%m%d%H%M%S}.50Z")),
        good(),
    ),
    "with an offset": (changed(timestamp=Timestamper(clock(began=True), f"{NOW:%Y%m%d%H%M%S}+0000")), good()),
    "with ordering": (stamped(clock(began=True), tail=b"\x01\x01\xff"), good()),
    "with an accuracy that is negative": (
        stamped(clock(began=True), accuracy=signing.sequence(signing.integer(-1))),
        good(),
    ),
    "without certificates": (stamped(clock(began=True), carried=[]), good()),
    "with a nonce": (stamped(clock(began=True), tail=signing.integer(99)), good()),
    "with a critical extension": (
        stamped(
            clock(began=True),
            tail=signing.der(
                0xA1, signing.sequence(signing.sequence(signing.oid("1.2.3"), b"\x01\x01\xff", signing.der(4, b"x")))
            ),
        ),
        good(),
    ),
    "by another authority": (stamped(other_clock()), good()),
    "by the signer": (stamped(good()), good()),
}
for _name, (_make, _by) in STAMPS.items():
    add(f"a timestamp {_name}", _make, by=_by, stores=OLD, formats=("cose",))
    if _name in ("over another signature", "after the leaf's end"):
        add(f"a timestamp {_name}, which is logged", _make, by=_by, stores=OLD, formats=("cose",),
            signatureVerification=level("permissive"))  # fmt: skip


def tsa(extensions: Extensions, **dates: datetime) -> Chain:
    top = clock(began=True).root
    return Chain((issue(signing.subject("tsa"), signing.key("P-256", 4), top, extensions, **dates), top))


def tsa_of(kind: str) -> Chain:
    top = clock(began=True).root
    leaf = issue(signing.subject("tsa"), signing.key(kind, 4), top, signing.stamper_extensions())
    return Chain((leaf, top))


STAMPING = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
AUTHORITIES: dict[str, Chain] = {
    "with key usage not critical": tsa([(DIGITAL, False), (STAMPING, True)]),
    "with a purpose not critical": tsa([(DIGITAL, True), (STAMPING, False)]),
    "with no purpose": tsa([(DIGITAL, True)]),
    "with two purposes": tsa(
        [
            (DIGITAL, True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING]), True),
        ]
    ),
    "that is a CA": tsa([*CA(), (STAMPING, True)]),
    "with keyCertSign": tsa([(signing.usage("digital_signature", "key_cert_sign"), True), (STAMPING, True)]),
    "of RSA": tsa_of("RSA-2048"),
    "of RSA-1024": tsa_of("RSA-1024"),
    "of P-384": tsa_of("P-384"),
    "that expired before": tsa(signing.stamper_extensions(), start=BEGAN, end=ENDED),
    "that begins tomorrow": tsa(signing.stamper_extensions(), start=SOON, end=SOON + timedelta(days=9)),
}
for _name, _chain in AUTHORITIES.items():
    add(f"a timestamp by an authority {_name}", stamped(_chain), stores=OLD, formats=("cose",))

BY_AUTHORITY = {"signingAuthority:acme": [root()]}
add("by a signing authority", changed(scheme=AUTHORITY), stores=BY_AUTHORITY)
add("by a signing authority in a ca store", changed(scheme=AUTHORITY))
add("by nobody's authority in its store", stores=BY_AUTHORITY)
add("by a signing authority, both stores", changed(scheme=AUTHORITY), stores=BY_AUTHORITY | {"ca:acme": [root()]})
add("by a signing authority before its leaf", changed(scheme=AUTHORITY, signed_at=BEGAN), stores=BY_AUTHORITY)
add("by a signing authority after its leaf", changed(scheme=AUTHORITY, signed_at=NOW + timedelta(days=301)),
    stores=BY_AUTHORITY)  # fmt: skip
add("by a signing authority whose leaf expired", changed(scheme=AUTHORITY, signed_at=ENDED - timedelta(days=1)),
    by=pair(start=BEGAN, end=ENDED), stores=BY_AUTHORITY)  # fmt: skip
add("by a signing authority, time not critical", changed(scheme=AUTHORITY, critical=[SCHEME]), stores=BY_AUTHORITY)
add("by a signing authority with a signing time", changed(scheme=AUTHORITY, signed={TIME: "2026-01-01T00:00:00Z"}),
    stores=BY_AUTHORITY, formats=("jws",))  # fmt: skip
add("by a signing authority with a COSE signing time",
    changed(scheme=AUTHORITY, signed={TIME: cbor2.CBORTag(1, 1)}), stores=BY_AUTHORITY, formats=("cose",))  # fmt: skip
add("the time of the other scheme", changed(signed={AUTHENTIC: cbor2.CBORTag(1, int(NOW.timestamp()))}),
    formats=("cose",))  # fmt: skip


# Trust

add("a root that nobody trusts", stores={"ca:acme": [STRANGER]})
add("a root that nobody trusts, where that is logged", stores={"ca:acme": [STRANGER]}, formats=("cose",),
    signatureVerification=level("audit"))  # fmt: skip
add("a namesake in the store", stores={"ca:acme": [NAMESAKE]})
add("the intermediate in the store", stores={"ca:acme": [good().holders[1]]})
add("another in the store too", stores={"ca:acme": [STRANGER, root()]})
add("a root in the second store", stores={"ca:other": [STRANGER], "ca:acme": [root()]})
add("an empty store", stores={"ca:acme": []})
add("an empty store beside the right one", stores={"ca:acme": [root()], "ca:other": []})
add("a leaf in the store", stores={"ca:acme": [good().leaf]})
SELF = alone(LEAF)
add("a self-signed leaf beside a root in the store", by=SELF, stores={"ca:acme": [SELF.leaf, root()]})

IDENTITY = "x509.subject: C=US, ST=WA, O=acme"
SUBJECTS: dict[str, tuple[x509.Name | None, list[str]]] = {
    "of its organisation": (None, [IDENTITY]),
    "of its whole name": (None, [IDENTITY + ", CN=release"]),
    "in another order": (None, ["x509.subject: CN=release, O=acme, ST=WA, C=US"]),
    "by the alias S": (None, ["x509.subject: C=US, S=WA, O=acme"]),
    "of another name": (None, [IDENTITY + ", CN=other"]),
    "in another case": (None, ["x509.subject: C=US, ST=WA, O=Acme"]),
    "with more than the subject has": (None, [IDENTITY + ", OU=x"]),
    "of several": (None, [IDENTITY + ", CN=other", IDENTITY + ", CN=release"]),
    "of a plugin": (None, ["arn:aws:signer:x"]),
    "of a plugin and of its own": (None, ["arn:aws:signer:x", IDENTITY]),
    "with a comma": (
        signing.name(("C", "US"), ("ST", "WA"), ("O", "acme, Inc"), ("CN", "release")),
        ["x509.subject: C=US, ST=WA, O=acme\\, Inc"],
    ),
    "by injection of an organisation": (signing.name(("C", "US"), ("ST", "WA"), ("O", "x, O=acme")), [IDENTITY]),
    "by injection of a plus": (signing.name(("C", "US"), ("ST", "WA"), ("O", "x+O=acme")), [IDENTITY]),
    "with a space behind": (signing.name(("C", "US"), ("ST", "WA"), ("O", "acme ")), [IDENTITY]),
    "with a space before": (signing.name(("C", "US"), ("ST", "WA"), ("O", " acme")), [IDENTITY]),
    "with two spaces within": (
        signing.name(("C", "US"), ("ST", "WA"), ("O", "a  b")),
        ["x509.subject: C=US, ST=WA, O=a b"],
    ),
    "of two common names, the good one last": (signing.subject("release", ("CN", "evil")), [IDENTITY + ", CN=release"]),
    "of two common names, the good one first": (
        signing.subject("evil", ("CN", "release")),
        [IDENTITY + ", CN=release"],
    ),
    "of two organisations": (signing.subject("release", ("O", "other")), [IDENTITY]),
    "of two units": (signing.subject("release", ("OU", "a"), ("OU", "b")), [IDENTITY + ", OU=a"]),
    "with several values in one": (
        x509.Name(
            [
                *signing.subject("x").rdns[:3],
                x509.RelativeDistinguishedName(
                    [x509.NameAttribute(signing.NAMES["CN"], "release"), x509.NameAttribute(signing.NAMES["OU"], "x")]
                ),
            ]
        ),
        [IDENTITY + ", CN=release"],
    ),
    "with an email address": (signing.subject("release", ("EMAIL", "a@example.com")), [IDENTITY]),
    "with a domain component": (signing.subject("release", ("DC", "example")), [IDENTITY]),
    "with a homoglyph": (signing.name(("C", "US"), ("ST", "WA"), ("O", "аcme")), [IDENTITY]),
    "with a composed letter": (
        signing.name(("C", "US"), ("ST", "WA"), ("O", "ü")),
        ["x509.subject: C=US, ST=WA, O=u\u0308"],
    ),
    "with a number sign": (
        signing.name(("C", "US"), ("ST", "WA"), ("O", "#acme")),
        ["x509.subject: C=US, ST=WA, O=\\#acme"],
    ),
}
for _name, (_subject, _identities) in SUBJECTS.items():
    by = chain(subject=_subject) if _subject else good()
    add(f"identity {_name}", by=by, trustedIdentities=_identities, formats=("cose",))
