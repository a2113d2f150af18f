"""Which algorithm a key signs with, and the check of one raw signature.

Signature specification, "Signature Algorithm Requirements": the key decides, by type and size, and
an envelope's header only has to agree.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from policyengine.errors import VerificationError

RSA = {2048: "PS256", 3072: "PS384", 4096: "PS512"}
EC = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
HASHES: dict[str, type[hashes.HashAlgorithm]] = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
WEAKEST_RSA = 2048

RSA_WITH = {f"1.2.840.113549.1.1.{n}": name for n, name in ((11, "sha256"), (12, "sha384"), (13, "sha512"))}
ECDSA_WITH = {f"1.2.840.10045.4.3.{n}": name for n, name in ((2, "sha256"), (3, "sha384"), (4, "sha512"))}
"""What X.509 and CMS call RSASSA-PKCS1-v1_5 and ECDSA with a hash (RFC 4055, section 5; RFC 5758, section 3.2)."""


def for_key(key: object) -> str:
    """The one algorithm that `key` signs with ("Algorithm Selection"), by its JWS name.

    Raises `VerificationError` for keys outside the table.
    """
    if isinstance(key, rsa.RSAPublicKey) and key.key_size in RSA:
        return RSA[key.key_size]
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in EC:
        return EC[key.curve.name]
    raise VerificationError(f"the leaf's key ({_describe(key)}) is not RSA 2048, 3072, 4096, P-256, P-384 or P-521")


def check_strength(key: object) -> None:
    """Our own rule for certificate authorities: no key weaker than a leaf's may be.

    The specification bounds the leaf's key only, so that a CA with RSA-1024 would be legal by the letter.
    """
    strong_rsa = isinstance(key, rsa.RSAPublicKey) and key.key_size >= WEAKEST_RSA
    strong_ec = isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in EC
    if not strong_rsa and not strong_ec:
        raise VerificationError(f"a CA's key ({_describe(key)}) is weaker than RSA 2048 and P-256, or of another kind")


def verify(key: object, signature: bytes, signed: bytes) -> None:
    """`signature` is by `key` over `signed`, with the key's own algorithm; raises `VerificationError`.

    RSASSA-PSS with a salt as long as the hash (RFC 7518, section 3.5; RFC 8230, section 2); ECDSA
    as r‖s, each as long as the curve (RFC 7518, section 3.4; RFC 9053, section 2.1).
    """
    digest = HASHES[for_key(key)[2:]]()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            pss = padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH)
            key.verify(signature, signed, pss, digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(_der_signature(signature, key.curve.key_size), signed, ec.ECDSA(digest))
    except (InvalidSignature, ValueError):
        raise VerificationError("the signature does not match the signed bytes and the leaf's key") from None


def verify_issued(key: object, algorithm: str, signature: bytes, signed: bytes) -> None:
    """`signature` is by the authority's `key` over `signed`, an OCSP response or a revocation list.

    `algorithm` is the dotted number that it states; raises `VerificationError`.
    """
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm in RSA_WITH:
            key.verify(signature, signed, padding.PKCS1v15(), _hash(RSA_WITH[algorithm]))
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm in ECDSA_WITH:
            key.verify(signature, signed, ec.ECDSA(_hash(ECDSA_WITH[algorithm])))
        else:
            raise VerificationError("its signature algorithm is weak, not supported, or not the key's")
    except (InvalidSignature, ValueError):
        raise VerificationError("its signature does not match") from None


def _hash(name: str) -> hashes.HashAlgorithm:
    return HASHES[name.removeprefix("sha")]()


def _der_signature(signature: bytes, bits: int) -> bytes:
    half = (bits + 7) // 8
    if len(signature) != 2 * half:
        raise ValueError("not r‖s of this curve")
    return encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))


def _describe(key: object) -> str:
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.curve.name
    return type(key).__name__.removesuffix("PublicKey")
