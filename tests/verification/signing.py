"""Keys, chains, envelopes and timestamps for tests: what a signer writes, and every way to write it wrong.

Keys are made once for each kind, since RSA keys take long.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from policyengine.verification.result import Target

NOW = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
"""When the tests' signatures are made and judged, unless they say otherwise."""

REPOSITORY = "registry.example.com/prod/app"
PAYLOAD_TYPE = "application/vnd.cncf.notary.payload.v1+json"
PREFIX = "io.cncf.notary."
COSE, JWS = "application/cose", "application/jose+json"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
CURVES: Mapping[str, type[Any]] = {
    "P-256": ec.SECP256R1,
    "P-384": ec.SECP384R1,
    "P-521": ec.SECP521R1,
    "secp256k1": ec.SECP256K1,
}


@dataclass(frozen=True)
class Descriptor:
    """What is signed."""

    media_type: str = "application/vnd.oci.image.manifest.v1+json"
    digest: str = "sha256:" + "ab" * 32
    size: int = 1234


TARGET = Descriptor()


@cache
def key(kind: str = "P-256", number: int = 0) -> PrivateKey:
    """A key of a kind (`P-256`, `RSA-2048`); other numbers are other keys."""
    del number
    if kind in CURVES:
        return ec.generate_private_key(CURVES[kind]())
    return rsa.generate_private_key(65537, int(kind.removeprefix("RSA-")))


# Certificates

NAMES = {
    "C": NameOID.COUNTRY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "L": NameOID.LOCALITY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
    "EMAIL": NameOID.EMAIL_ADDRESS,
    "DC": NameOID.DOMAIN_COMPONENT,
}


def name(*pairs: tuple[str, str]) -> x509.Name:
    """A distinguished name with one RDN for each pair."""
    return x509.Name([x509.NameAttribute(NAMES[kind], value) for kind, value in pairs])


def subject(common: str, *more: tuple[str, str]) -> x509.Name:
    """The subject that the tests' certificates have, by common name."""
    return name(("C", "US"), ("ST", "WA"), ("O", "acme"), *more, ("CN", common))


def usage(*bits: str) -> x509.KeyUsage:
    """A key usage with these bits."""
    every = "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign"
    every += " crl_sign encipher_only decipher_only"
    return x509.KeyUsage(**{bit: bit in bits for bit in every.split()})


def ca_extensions(path_length: int | None = None) -> list[tuple[x509.ExtensionType, bool]]:
    return [(x509.BasicConstraints(True, path_length), True), (usage("key_cert_sign", "crl_sign"), True)]


def signer_extensions() -> list[tuple[x509.ExtensionType, bool]]:
    return [(usage("digital_signature"), True), (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), False)]


def stamper_extensions() -> list[tuple[x509.ExtensionType, bool]]:
    return [(usage("digital_signature"), True), (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True)]


@dataclass(frozen=True)
class Holder:
    """A certificate and its key."""

    certificate: x509.Certificate
    private: PrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def issue(
    subject: x509.Name,
    private: PrivateKey,
    issuer: Holder | None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]],
    *,
    start: datetime = NOW - timedelta(days=30),
    end: datetime = NOW + timedelta(days=300),
) -> Holder:
    """A certificate for `private`, by `issuer` or self-signed."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    signer = issuer.private if issuer else private
    return Holder(builder.sign(signer, hashes.SHA256()), private)


@dataclass(frozen=True)
class Chain:
    """A signer with its authorities, leaf first."""

    holders: tuple[Holder, ...]

    @property
    def leaf(self) -> Holder:
        return self.holders[0]

    @property
    def root(self) -> Holder:
        return self.holders[-1]

    @property
    def ders(self) -> list[bytes]:
        return [holder.der for holder in self.holders]


def chain(
    kind: str = "P-256",
    *,
    leaf_subject: x509.Name | None = None,
    leaf: Sequence[tuple[x509.ExtensionType, bool]] | None = None,
    middle: Sequence[tuple[x509.ExtensionType, bool]] | None = None,
    root: Sequence[tuple[x509.ExtensionType, bool]] | None = None,
    ca_kind: str = "P-256",
    **leaf_options: Any,
) -> Chain:
    """Leaf, intermediate and root; what is given replaces the extensions of one of them."""
    top = issue(subject("root"), key(ca_kind, 1), None, ca_extensions() if root is None else root)
    between = issue(subject("intermediate"), key(ca_kind, 2), top, ca_extensions(0) if middle is None else middle)
    extensions = signer_extensions() if leaf is None else leaf
    signer = issue(leaf_subject or subject("release"), key(kind), between, extensions, **leaf_options)
    return Chain((signer, between, top))


@cache
def good_chain(kind: str = "P-256") -> Chain:
    return chain(kind)


# Envelopes


def payload(target: Target = TARGET, annotations: Mapping[str, str] | None = None, **more: Any) -> bytes:
    """The payload that Notation writes."""
    descriptor: dict[str, Any] = {"mediaType": target.media_type, "digest": target.digest, "size": target.size, **more}
    if annotations:
        descriptor["annotations"] = dict(annotations)
    return json.dumps({"targetArtifact": descriptor}).encode()


COSE_ALGORITHMS = {"PS256": -37, "PS384": -38, "PS512": -39, "ES256": -7, "ES384": -35, "ES512": -36}
SIZES = {2048: "256", 3072: "384", 4096: "512", 256: "256", 384: "384", 521: "512"}
HASHES: Mapping[str, hashes.HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


def algorithm(private: PrivateKey) -> str:
    """The algorithm that the specification gives a key."""
    kind = "PS" if isinstance(private, rsa.RSAPrivateKey) else "ES"
    return kind + SIZES.get(private.key_size, "256")


def raw_signature(private: PrivateKey, data: bytes, salt: int | None = None) -> bytes:
    """The signature as COSE and JWS write it: PSS, or r‖s."""
    digest = HASHES[algorithm(private)[2:]]
    if isinstance(private, rsa.RSAPrivateKey):
        return private.sign(
            data, padding.PSS(padding.MGF1(digest), digest.digest_size if salt is None else salt), digest
        )
    half = (private.key_size + 7) // 8
    r, s = decode_dss_signature(private.sign(data, ec.ECDSA(digest)))
    return r.to_bytes(half, "big") + s.to_bytes(half, "big")


@dataclass
class Signing:
    """What goes into an envelope. Fields may be changed before `cose()` or `jws()`; `None` leaves one out."""

    chain: Chain = field(default_factory=good_chain)
    payload: bytes = field(default_factory=payload)
    content_type: Any = PAYLOAD_TYPE
    algorithm: Any = None
    scheme: Any = "notary.x509"
    signed_at: Any = NOW
    expires: Any = None
    critical: list[Any] | None = None
    signed: dict[Any, Any] = field(default_factory=dict)
    unsigned: dict[Any, Any] = field(default_factory=dict)
    timestamp: Timestamper | None = None
    ders: list[bytes] | None = None
    salt: int | None = None

    def times(self) -> dict[str, Any]:
        name = "signingTime" if self.scheme == "notary.x509" else "authenticSigningTime"
        found = {name: self.signed_at, "expiry": self.expires}
        return {PREFIX + each: time for each, time in found.items() if time is not None}

    def crit(self, attributes: Mapping[Any, Any]) -> list[Any]:
        names = (
            "signingScheme",
            "authenticSigningTime",
            "expiry",
            "verificationPlugin",
            "verificationPluginMinVersion",
        )
        return [PREFIX + each for each in names if PREFIX + each in attributes]

    def cose_protected(self) -> dict[Any, Any]:
        def tagged(value: Any) -> Any:
            return cbor2.CBORTag(1, int(value.timestamp())) if isinstance(value, datetime) else value

        stated = self.algorithm or COSE_ALGORITHMS[algorithm(self.chain.leaf.private)]
        found: dict[Any, Any] = {1: stated, 3: self.content_type, PREFIX + "signingScheme": self.scheme}
        found |= {each: tagged(value) for each, value in self.times().items()} | self.signed
        found[2] = self.crit(found) if self.critical is None else self.critical
        return {label: value for label, value in found.items() if value is not None}

    def cose(self, protected: bytes | None = None) -> bytes:
        """A COSE_Sign1 envelope; `protected` replaces the bytes of the signed header."""
        header = cbor2.dumps(self.cose_protected()) if protected is None else protected
        signature = self._sign(cbor2.dumps(["Signature1", header, b"", self.payload]))
        unsigned: dict[Any, Any] = {33: self.ders or self.chain.ders}
        if self.timestamp:
            unsigned[PREFIX + "timestampSignature"] = self.timestamp.token(signature)
        return cbor2.dumps(cbor2.CBORTag(18, [header, _present(unsigned | self.unsigned), self.payload, signature]))

    def jws_protected(self) -> dict[str, Any]:
        def written(value: Any) -> Any:
            return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value

        stated = self.algorithm or algorithm(self.chain.leaf.private)
        found: dict[str, Any] = {"alg": stated, "cty": self.content_type, PREFIX + "signingScheme": self.scheme}
        found |= {each: written(value) for each, value in self.times().items()} | self.signed
        found["crit"] = self.crit(found) if self.critical is None else self.critical
        return _present(found)

    def jws(self, protected: bytes | None = None) -> bytes:
        """A JWS envelope; `protected` replaces the bytes of the signed header."""
        return json.dumps(self.jws_members(protected)).encode()

    def jws_members(self, protected: bytes | None = None) -> dict[str, Any]:
        header = base64url(json.dumps(self.jws_protected()).encode() if protected is None else protected)
        body = base64url(self.payload)
        signature = self._sign(f"{header}.{body}".encode())
        unsigned: dict[str, Any] = {"x5c": [standard(der) for der in self.ders or self.chain.ders]}
        if self.timestamp:
            unsigned[PREFIX + "timestampSignature"] = standard(self.timestamp.token(signature))
        members = {"payload": body, "protected": header, "header": _present(unsigned | self.unsigned)}
        return members | {"signature": base64url(signature)}

    def _sign(self, data: bytes) -> bytes:
        return raw_signature(self.chain.leaf.private, data, self.salt)


def _present(members: Mapping[Any, Any]) -> dict[Any, Any]:
    return {label: value for label, value in members.items() if value is not None}


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def standard(data: bytes) -> str:
    return base64.b64encode(data).decode()


# DER and timestamps


def der(tag: int, *parts: bytes) -> bytes:
    """One DER element around `parts`."""
    body = b"".join(parts)
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def integer(value: int, tag: int = 2) -> bytes:
    return der(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    body = b""
    for arc in (40 * first + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.insert(0, arc & 0x7F | 0x80)
        body += bytes(groups)
    return der(6, body)


def sequence(*parts: bytes) -> bytes:
    return der(0x30, *parts)


SHA_OIDS = {"sha1": "1.3.14.3.2.26"} | {
    f"sha{bits}": f"2.16.840.1.101.3.4.2.{n}" for n, bits in ((1, 256), (2, 384), (3, 512))
}


def hash_algorithm(digest: str) -> bytes:
    return sequence(oid(SHA_OIDS[digest]), b"\x05\x00")


@cache
def stamping_chain() -> Chain:
    """A time stamping authority: leaf and root."""
    top = issue(subject("tsa root"), key("P-256", 3), None, ca_extensions())
    return Chain((issue(subject("tsa"), key("P-256", 4), top, stamper_extensions()), top))


@dataclass
class Timestamper:
    """A time stamping authority, and every part of the tokens that it writes."""

    chain: Chain = field(default_factory=stamping_chain)
    time: str = "20260601120001Z"
    accuracy: bytes = b""
    policy: str = "1.2.3.4"
    digest: str = "sha256"
    imprint: str = "sha256"
    over: bytes | None = None
    version: int = 1
    tail: bytes = b""
    carried: Sequence[bytes] | None = None
    certificate_hash: bytes | None = None
    drop: tuple[str, ...] = ()
    repeat: tuple[str, ...] = ()
    content_type: str = "1.2.840.113549.1.9.16.1.4"
    signers: int = 1
    signer_version: int = 1
    pkcs1: bool = True
    issuer_serial: bytes = b""

    def token(self, stamped: bytes) -> bytes:
        """A TimeStampToken over `stamped`."""
        content = self.info(stamped if self.over is None else self.over)
        carried = self.chain.ders if self.carried is None else self.carried
        signed_data = sequence(
            integer(3),
            der(0x31, hash_algorithm(self.digest)),
            sequence(oid(self.content_type), der(0xA0, der(4, content))),
            der(0xA0, *carried) if carried else b"",
            der(0x31, *[self.signer(content)] * self.signers),
        )
        return sequence(oid("1.2.840.113549.1.7.2"), der(0xA0, signed_data))

    def info(self, stamped: bytes) -> bytes:
        """The TSTInfo."""
        imprint = sequence(hash_algorithm(self.imprint), der(4, hashlib.new(self.imprint, stamped).digest()))
        time = der(0x18, self.time.encode())
        return sequence(integer(self.version), oid(self.policy), imprint, integer(7), time, self.accuracy, self.tail)

    def attributes(self, content: bytes) -> bytes:
        leaf = self.chain.leaf
        hashed = hashlib.sha256(leaf.der).digest() if self.certificate_hash is None else self.certificate_hash
        values = {
            "content type": sequence(oid("1.2.840.113549.1.9.3"), der(0x31, oid(self.content_type))),
            "message digest": sequence(
                oid("1.2.840.113549.1.9.4"), der(0x31, der(4, hashlib.new(self.digest, content).digest()))
            ),
            "signing-certificate-v2": sequence(
                oid("1.2.840.113549.1.9.16.2.47"),
                der(0x31, sequence(sequence(sequence(der(4, hashed), self.issuer_serial)))),
            ),
        }
        return b"".join(value * (1 + (each in self.repeat)) for each, value in values.items() if each not in self.drop)

    def signer(self, content: bytes) -> bytes:
        leaf, private = self.chain.leaf, self.chain.leaf.private
        attributes = self.attributes(content)
        algorithm, signature = self.sign(private, der(0x31, attributes))
        return sequence(
            integer(self.signer_version),
            sequence(leaf.certificate.issuer.public_bytes(), integer(leaf.certificate.serial_number)),
            hash_algorithm(self.digest),
            der(0xA0, attributes),
            algorithm,
            der(4, signature),
        )

    def sign(self, private: PrivateKey, data: bytes) -> tuple[bytes, bytes]:
        digest = HASHES.get(self.digest[3:], hashes.SHA256())
        if isinstance(private, ec.EllipticCurvePrivateKey):
            last = {"256": 2, "384": 3, "512": 4}.get(self.digest[3:], 2)
            return sequence(oid(f"1.2.840.10045.4.3.{last}")), private.sign(data, ec.ECDSA(digest))
        if self.pkcs1:
            return sequence(oid("1.2.840.113549.1.1.1"), b"\x05\x00"), private.sign(data, padding.PKCS1v15(), digest)
        pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
        same = hash_algorithm(self.digest)
        parameters = sequence(
            der(0xA0, same),
            der(0xA1, sequence(oid("1.2.840.113549.1.1.8"), same)),
            der(0xA2, integer(digest.digest_size)),
        )
        return sequence(oid("1.2.840.113549.1.1.10"), parameters), private.sign(data, pss, digest)


# Trust on disk


def statement(**changes: Any) -> dict[str, Any]:
    """One statement of a trust policy; `None` removes a member."""
    members = {
        "name": "prod",
        "registryScopes": [REPOSITORY],
        "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:acme"],
        "trustedIdentities": ["*"],
    }
    return _present(members | changes)


def policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"version": "1.0", "trustPolicies": list(statements or [statement()])}


def write_trust(folder: Path, document: Any = None, **stores: Sequence[bytes]) -> tuple[Path, Path]:
    """A trust policy and stores on disk; `ca__acme=[pem]` is the store `ca:acme`. Gives both paths."""
    file = folder / "trustpolicy.json"
    file.write_text(json.dumps(policy() if document is None else document))
    (folder / "truststore" / "x509").mkdir(parents=True, exist_ok=True)
    for store, files in stores.items():
        place = folder.joinpath("truststore", "x509", *store.split("__"))
        place.mkdir(parents=True, exist_ok=True)
        for number, content in enumerate(files):
            (place / f"{number}.pem").write_bytes(content)
    return file, folder / "truststore"


def with_oid(dotted: str) -> x509.UnrecognizedExtension:
    """An extension that nobody knows."""
    return x509.UnrecognizedExtension(ObjectIdentifier(dotted), b"\x05\x00")
