"""Test keys, where Notation keeps them: a key, its self-signed certificate, a trust store that holds it, and its name.

Below Notation's configuration folder: `localkeys/NAME.key` and `.crt`, `truststore/x509/ca/NAME/NAME.crt`, and an
entry in `signingkeys.json`, as `notation certificate generate-test NAME` writes them.
"""

from __future__ import annotations

import json
import os
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from policyengine.errors import UsageError
from policyengine.signing.signer import PrivateKey, named
from policyengine.strictjson import JsonError, loads, quoted
from policyengine.verification import certificates

NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
CURVES: dict[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
RSA = {"RSA-2048": 2048, "RSA-3072": 3072, "RSA-4096": 4096}
KINDS = (*RSA, *CURVES)
"""The kinds of keys that may sign ("Algorithm Selection"); Notation's test keys are of the first."""

HELP_EXISTS = "choose another name, or remove what is there"


class KeyFiles(Struct, frozen=True):
    """The files of a test key, and its certificate's subject and end."""

    key: Path
    certificate: Path
    stored: Path
    subject: str
    expires: datetime


def generate(home: Path, name: str, kind: str, at: datetime, days: int) -> KeyFiles:
    """Make a key called `name` below Notation's configuration folder `home`, valid from `at` for so many days.

    Raises `UsageError` where the name is none, or in use.
    """
    if not NAME.fullmatch(name) or name in (".", ".."):
        raise UsageError(f"{quoted(name)} is no name for a key", "use letters, digits, _, . and -")
    local, store = home / "localkeys", home / "truststore" / "x509" / "ca" / name
    files = KeyFiles(local / f"{name}.key", local / f"{name}.crt", store / f"{name}.crt", "", at)
    listed = _listed(home / "signingkeys.json")
    if any(os.path.lexists(path) for path in (files.key, files.certificate, store)) or name in _names(listed):
        raise UsageError(f"there is a key or a trust store called {quoted(name)} already", HELP_EXISTS)
    private = _private(kind)
    certificate = _certificate(name, private, at, at + timedelta(days=days))
    try:
        _write(files, private, certificate.public_bytes(serialization.Encoding.PEM))
        entry = {"name": name, "keyPath": str(files.key), "certPath": str(files.certificate)}
        _replace(home / "signingkeys.json", {**listed, "keys": [*listed["keys"], entry]})
    except OSError as fault:
        raise UsageError(f"cannot write below {named(home)}: {(fault.strerror or 'no reason given').lower()}") from None
    return KeyFiles(
        files.key,
        files.certificate,
        files.stored,
        certificates.read(certificate.public_bytes(serialization.Encoding.DER)).subject,
        certificate.not_valid_after_utc,
    )


def _private(kind: str) -> PrivateKey:
    if kind in CURVES:
        return ec.generate_private_key(CURVES[kind])
    return rsa.generate_private_key(65537, RSA[kind])


def _certificate(name: str, private: PrivateKey, start: datetime, end: datetime) -> x509.Certificate:
    """A self-signed certificate for signing code, with the subject that Notation gives its test keys."""
    attributes = [("US", NameOID.COUNTRY_NAME), ("WA", NameOID.STATE_OR_PROVINCE_NAME)]
    attributes += [("Seattle", NameOID.LOCALITY_NAME), ("Notary", NameOID.ORGANIZATION_NAME)]
    attributes.append((name, NameOID.COMMON_NAME))
    subject = x509.Name([x509.NameAttribute(kind, value) for value, kind in attributes])
    bits = "content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign"
    others = dict.fromkeys(f"{bits} encipher_only decipher_only".split(), False)
    return (
        x509.CertificateBuilder(subject, subject, private.public_key(), x509.random_serial_number(), start, end)
        .add_extension(x509.KeyUsage(digital_signature=True, **others), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
        .sign(private, hashes.SHA256())
    )


# Files


def _write(files: KeyFiles, private: PrivateKey, certificate: bytes) -> None:
    """The three files, none of which may be there; nobody else may read the key."""
    key = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for path, content, mode in ((files.key, key, 0o600), (files.certificate, certificate, 0o644)):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(path, content, mode)
    files.stored.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _create(files.stored, certificate, 0o600)


def _create(path: Path, content: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, mode), "wb") as file:
        file.write(content)


def _listed(path: Path) -> dict[str, Any]:
    """Notation's list of keys, empty where there is none; raises `UsageError` where it is something else."""
    try:
        found = loads(path.read_bytes())
    except FileNotFoundError:
        return {"keys": []}
    except (OSError, JsonError) as fault:
        raise UsageError(f"{named(path)} cannot be read: {fault}") from None
    if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
        raise UsageError(f"{named(path)} is no list of signing keys", "see notation key list")
    return found


def _names(listed: dict[str, Any]) -> set[object]:
    return {entry.get("name") for entry in listed["keys"] if isinstance(entry, dict)}


def _replace(path: Path, value: object) -> None:
    """Write the list, which is there as a whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _create(draft, json.dumps(value, indent=4).encode(), 0o600)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
