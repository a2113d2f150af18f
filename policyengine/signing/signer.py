"""A private key in a file, the certificates that go with it, and what they sign."""

from __future__ import annotations

import stat
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from msgspec import Struct

from policyengine import limits
from policyengine.errors import UsageError, VerificationError
from policyengine.strictjson import quoted
from policyengine.verification import algorithms, certificates
from policyengine.verification.certificates import Chain

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

HELP_CHAIN = "the file holds the signing certificate first, then whoever issued each, the root last"


class Signer(Struct, frozen=True):
    """Who signs: the key and its chain, leaf first."""

    key: PrivateKey
    chain: Chain

    @property
    def algorithm(self) -> str:
        """The one algorithm of the key, by its JWS name."""
        return algorithms.for_key(self.key.public_key())

    def sign(self, data: bytes) -> bytes:
        """The signature over `data` as COSE and JWS write it: PSS with a salt as long as the hash, or r‖s."""
        digest: hashes.HashAlgorithm = algorithms.HASHES[self.algorithm[2:]]()
        if isinstance(self.key, rsa.RSAPrivateKey):
            pss = padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH)
            return self.key.sign(data, pss, digest)
        half = (self.key.key_size + 7) // 8
        r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(digest)))
        return r.to_bytes(half, "big") + s.to_bytes(half, "big")


def named(path: Path) -> str:
    """A path of the user's in a message."""
    return quoted(str(path), 300)


def load(key_file: Path, certificate_file: Path, at: datetime) -> Signer:
    """The signer whose PEM files these are; raises `UsageError` where its signatures at `at` could not be verified."""
    key = _key(key_file)
    chain = _chain(certificate_file, at)
    if key.public_key() != chain[0].key:
        raise UsageError(
            f"{named(key_file)} is not the key of the first certificate in {named(certificate_file)}",
            HELP_CHAIN,
        )
    return Signer(key, chain)


def _key(file: Path) -> PrivateKey:
    try:
        key = serialization.load_pem_private_key(_content(file), None)
    except TypeError:
        raise UsageError(f"the key in {named(file)} is encrypted", "name a file with a plain test key") from None
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError(f"{named(file)} holds no private key in PEM", "write one with keys generate-test") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise UsageError(f"the key in {named(file)} is neither RSA nor EC")
    return key


def _chain(file: Path, at: datetime) -> Chain:
    try:
        loaded = x509.load_pem_x509_certificates(_content(file))
        encoded = tuple(each.public_bytes(serialization.Encoding.DER) for each in loaded)
        chain = certificates.signing_chain(encoded)
        certificates.check_validity(chain, at, at)
    except ValueError:
        raise UsageError(f"{named(file)} holds no certificates in PEM", HELP_CHAIN) from None
    except VerificationError as fault:
        raise UsageError(f"signatures by {named(file)} would not verify: {fault}", HELP_CHAIN) from None
    return chain


def _content(file: Path) -> bytes:
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > limits.TRUST_FILE_BYTES:
            raise UsageError(f"{named(file)} is no file, or too large for a key or a certificate")
        return file.read_bytes()
    except (OSError, ValueError) as fault:
        why = str(getattr(fault, "strerror", None) or "it has no such name").lower()
        raise UsageError(f"{named(file)} cannot be read: {why}") from None
