"""Envelopes that must be refused at every level: what RFC 9052, RFC 7515 and the specification do not allow."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import cbor2
import pytest

from policyengine import limits
from tests.verification import signing
from tests.verification.judging import judge, level, trust
from tests.verification.signing import COSE, JWS, NOW, PREFIX, Signing

SCHEME, EXPIRY = PREFIX + "signingScheme", PREFIX + "expiry"


def refused(envelope: bytes, media_type: str = COSE) -> str:
    """The reason why an envelope is refused at the most lenient level too."""
    found = judge(envelope, media_type, by=trust(signatureVerification=level("audit")))
    assert (found.status, found.checks["integrity"]) == ("rejected", "failed")
    return found.reason


# Both formats

BOTH: dict[str, tuple[Signing, str]] = {
    "scheme missing": (Signing(scheme=None, signed={PREFIX + "signingTime": None}), "the signing scheme is"),
    "scheme unknown": (Signing(scheme="notary.x509.other"), "the signing scheme is"),
    "scheme not critical": (
        Signing(critical=[EXPIRY], expires=NOW + timedelta(days=1)),
        "signingScheme is not critical",
    ),
    "signing time missing": (Signing(signed_at=None), "there has to be"),
    "both times": (Signing(signed={PREFIX + "authenticSigningTime": "x"}), "there has to be"),
    "time of the other scheme": (
        Signing(scheme="notary.x509.signingAuthority", signed={PREFIX + "signingTime": "x"}),
        "there has to be",
    ),
    "authentic time not critical": (
        Signing(scheme="notary.x509.signingAuthority", critical=[SCHEME]),
        "authenticSigningTime is not critical",
    ),
    "expiry not critical": (Signing(expires=NOW + timedelta(days=1), critical=[SCHEME]), "expiry is not critical"),
    "expiry not after signing": (Signing(expires=NOW), "the expiry is not after the signing time"),
    "crit empty": (Signing(critical=[]), "crit is missing, empty"),
    "crit no list": (Signing(critical=SCHEME), "crit is missing, empty"),  # type: ignore[arg-type]
    "crit repeats": (Signing(critical=[SCHEME, SCHEME]), "twice"),
    "crit lists what is absent": (Signing(critical=[SCHEME, EXPIRY]), "without its being there"),
    "crit unknown": (Signing(critical=[SCHEME, "x"], signed={"x": 1}), 'critical attribute "x" is not known'),
    "crit holds a list": (Signing(critical=[SCHEME, ["x"]]), "is not known"),
    "plugin is no text": (Signing(signed={PREFIX + "verificationPlugin": 7}), "is not a text"),
    "alg unknown": (Signing(algorithm="RS256"), "the algorithm is missing or none of"),
    "alg none": (Signing(algorithm="none"), "the algorithm is missing or none of"),
    "signed name unsigned": (Signing(unsigned={PREFIX + "expiry": 1}), "is not signed, where it has to be"),
    "in both headers": (Signing(unsigned={SCHEME: "notary.x509"}), "is both signed and unsigned"),
    "unknown in both headers": (Signing(signed={"x": 1}, unsigned={"x": 1}), "is both signed and unsigned"),
    "timestamp of another type": (Signing(unsigned={PREFIX + "timestampSignature": 7}), "is not a"),
    "no payload": (Signing(payload=b""), "the payload is not strict JSON"),
    "payload no object": (Signing(payload=b"[]"), "the payload is not a JSON object"),
    "payload names nothing": (Signing(payload=b'{"targetArtifacts":{}}'), "names no targetArtifact"),
    "payload in another case": (Signing(payload=signing.payload().replace(b"target", b"Target")), "in another case"),
    "payload twice": (
        Signing(payload=b'{"targetArtifact":{},' + signing.payload()[1:]),
        "the same key occurs twice",
    ),
    "payload in two cases": (
        Signing(payload=b'{"targetartifact":{},' + signing.payload()[1:]),
        "in another case",
    ),
    "payload with more": (Signing(payload=signing.payload() + b"{}"), "the payload is not strict JSON"),
    "payload with a mark": (Signing(payload=b"\xef\xbb\xbf" + signing.payload()), "byte order mark"),
    "size as a float": (Signing(payload=signing.payload().replace(b"1234", b"1234.0")), "of another artifact: size"),
    "size as a text": (Signing(payload=signing.payload().replace(b"1234", b'"1234"')), "of another artifact: size"),
    "annotations no texts": (Signing(payload=signing.payload(annotations={"k": 1})), "are not texts"),  # type: ignore[dict-item]
    "annotations null": (Signing(payload=signing.payload()[:-2] + b',"annotations":null}}'), "are not texts"),
    "payload nested deep": (Signing(payload=b'{"x":' + b"[" * 99 + b"]" * 99 + b"}"), "nested deeper"),
}


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("format", ["cose", "jws"])
def test_refused_in_both_formats(name: str, format: str) -> None:
    made, reason = BOTH[name]
    found = refused(made.cose()) if format == "cose" else refused(made.jws(), JWS)
    assert reason in found


def test_what_is_not_known_and_not_critical_is_ignored() -> None:
    made = Signing(
        payload=signing.payload(urls=["https://example.com"], artifactType="x/y"),
        signed={"com.example.note": "x"},
        unsigned={"com.example.note.2": [1], PREFIX + "signingAgent": 7},
    )
    assert judge(made.cose()).status == "verified"
    assert judge(made.jws(), JWS).status == "verified"


def test_an_envelope_of_33_mib_is_refused_before_it_is_read() -> None:
    assert "more than" in refused(b"\xd2\x84" + b"\x00" * (limits.ENVELOPE_BYTES + 1))


@pytest.mark.parametrize("length", [0, 1, 10, 100, 1000])
@pytest.mark.parametrize("format", ["cose", "jws"])
def test_a_truncated_envelope_is_refused(length: int, format: str) -> None:
    envelope = Signing().cose() if format == "cose" else Signing().jws()
    assert refused(envelope[:length], COSE if format == "cose" else JWS)


# COSE


def reencoded(change: Callable[[list[Any]], Any]) -> bytes:
    """A good envelope, decoded, changed and encoded again."""
    fields = list(cbor2.loads(Signing().cose()).value)
    return cbor2.dumps(change(fields))


def sign1(fields: list[Any]) -> cbor2.CBORTag:
    return cbor2.CBORTag(18, fields)


def replaced(index: int, value: Any) -> Callable[[list[Any]], Any]:
    return lambda fields: sign1([value if position == index else each for position, each in enumerate(fields)])


COSE_FORMS: dict[str, Callable[[list[Any]], Any]] = {
    "untagged": lambda fields: fields,
    "double tag": lambda fields: sign1([sign1(fields)]),
    "tag 98": lambda fields: cbor2.CBORTag(98, fields),
    "five fields": lambda fields: sign1([*fields, b""]),
    "three fields": lambda fields: sign1(fields[:3]),
    "detached payload": replaced(2, None),
    "payload a text": replaced(2, "x"),
    "protected a map": replaced(0, {1: -7}),
    "protected empty": replaced(0, b""),
    "protected an array": replaced(0, cbor2.dumps([1])),
    "unprotected an array": replaced(1, []),
    "unprotected with byte labels": lambda fields: sign1([fields[0], {**fields[1], b"x": 1}, *fields[2:]]),
    "signature empty": replaced(3, b""),
    "chain missing": replaced(1, {}),
    "chain one string": replaced(1, {33: b"x"}),
    "chain empty": replaced(1, {33: []}),
    "chain of texts": replaced(1, {33: ["x"]}),
    "chain of garbage": replaced(1, {33: [b"x"]}),
    "chain of eleven": lambda fields: sign1([fields[0], {33: fields[1][33] * 4}, *fields[2:]]),
    "certificate of 65 KiB": replaced(1, {33: [b"\x30" * 65 * 1024]}),
}


@pytest.mark.parametrize("name", COSE_FORMS)
def test_cose_that_is_no_signature_is_refused(name: str) -> None:
    assert refused(reencoded(COSE_FORMS[name]))


@pytest.mark.parametrize("headers", [{4: 7}, {4: "k"}, {5: "x"}, {6: []}, {5: b"x", 6: b"y"}])
@pytest.mark.parametrize("place", ["signed", "unsigned"])
def test_common_headers_have_their_type(place: str, headers: dict[int, Any]) -> None:
    made = Signing(signed=headers) if place == "signed" else Signing(unsigned=headers)
    assert "byte string" in (reason := refused(made.cose())) or "exclude each other" in reason


def test_an_initialization_vector_is_in_one_header_only() -> None:
    assert "exclude each other" in refused(Signing(signed={5: b"x"}, unsigned={6: b"y"}).cose())
    assert judge(Signing(signed={4: b"k"}, unsigned={6: b"y"}).cose()).status == "verified"


def test_the_x5chain_may_be_signed_but_not_in_both_headers() -> None:
    ders = signing.good_chain().ders
    inside = Signing(signed={33: ders}, unsigned={33: None})
    assert judge(inside.cose()).status == "verified"
    assert "both signed and unsigned" in refused(Signing(signed={33: ders}).cose())


@pytest.mark.parametrize("label", [0, 1, 3, 8, 33, -70000])
def test_integer_labels_may_not_be_critical(label: int) -> None:
    assert "is not known" in refused(Signing(critical=[SCHEME, label], signed={33: None}).cose())


@pytest.mark.parametrize("label", [1, 2, 3])
def test_cose_labels_that_have_to_be_signed(label: int) -> None:
    assert refused(Signing(unsigned={label: 1}).cose())


@pytest.mark.parametrize(
    "value",
    [
        cbor2.CBORTag(0, "2026-06-01T12:00:00Z"),
        1780315200,
        cbor2.CBORTag(1, float("nan")),
        cbor2.CBORTag(1, float("inf")),
        cbor2.CBORTag(1, 1e300),
        cbor2.CBORTag(1, 0),
        cbor2.CBORTag(1, -5),
        cbor2.CBORTag(1, 1 << 36),
        cbor2.CBORTag(1, 1 << 80),
        cbor2.CBORTag(1, True),
        cbor2.CBORTag(1, "x"),
        cbor2.CBORTag(1, [1]),
        "2026-06-01T12:00:00Z",
    ],
)
def test_a_cose_time_is_tag_1_around_a_number_in_range(value: Any) -> None:
    assert "is not a time (tag 1)" in refused(Signing(signed_at=value).cose())


def test_a_cose_time_may_have_a_fraction() -> None:
    made = Signing(signed_at=cbor2.CBORTag(1, 1780315200.5))
    assert judge(made.cose()).signed_at == NOW + timedelta(microseconds=500_000)


@pytest.mark.parametrize("algorithm", ["ES256", -257, -8, 5, True])
def test_a_cose_algorithm_is_one_of_six_numbers(algorithm: Any) -> None:
    assert "the algorithm is missing or none of" in refused(Signing(algorithm=algorithm).cose())


def test_a_signed_header_is_signed_as_it_was_received() -> None:
    members = Signing().cose_protected()
    backwards = cbor2.dumps(dict(reversed(members.items())))
    assert judge(Signing().cose(protected=backwards)).status == "verified"
    indefinite = b"\xbf" + cbor2.dumps(members)[1:] + b"\xff"
    assert "indefinite" in refused(Signing().cose(protected=indefinite))


def test_a_label_may_not_occur_twice_even_in_another_encoding() -> None:
    header = cbor2.dumps(Signing().cose_protected())
    assert header[0] == 0xA5
    for twin in (b"\x01\x26", b"\x18\x01\x26"):
        assert "strict CBOR" in refused(Signing().cose(protected=b"\xa6" + header[1:] + twin))


# Raw signatures


def test_an_ecdsa_signature_is_r_and_s_of_the_curves_length() -> None:
    fields = list(cbor2.loads(Signing().cose()).value)
    raw = fields[3]
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    for wrong in (encode_dss_signature(r, s), raw[1:], raw + b"\x00", raw[:32] + b"\x00" * 32, raw[32:] + raw[:32]):
        assert "the signature does not match" in refused(reencoded(replaced(3, wrong)))


def test_the_twin_of_an_ecdsa_signature_verifies_as_ecdsa_allows() -> None:
    """So nothing may identify or revoke a signature by its bytes."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

    def twin(fields: list[Any]) -> Any:
        s = order - int.from_bytes(fields[3][32:], "big")
        return replaced(3, fields[3][:32] + s.to_bytes(32, "big"))(fields)

    assert judge(reencoded(twin)).status == "verified"


@pytest.mark.parametrize("salt", [0, 20, 31, 33, 64])
def test_a_pss_salt_is_as_long_as_the_hash(salt: int) -> None:
    made = Signing(chain=signing.good_chain("RSA-2048"), salt=salt)
    assert "the signature does not match" in refused(made.cose())
    assert "the signature does not match" in refused(made.jws(), JWS)


# JWS


def members(**changes: Any) -> bytes:
    """A good envelope with other members; `None` removes one."""
    return json.dumps({k: v for k, v in (Signing().jws_members() | changes).items() if v is not None}).encode()


GOOD = Signing().jws_members()
JWS_FORMS: dict[str, bytes] = {
    "another member": members(extra=1),
    "general serialization": json.dumps(
        {"payload": GOOD["payload"], "signatures": [{k: v for k, v in GOOD.items() if k != "payload"}]}
    ).encode(),
    "no header": members(header=None),
    "header a text": members(header="x"),
    "no signature": members(signature=None),
    "signature empty": members(signature=""),
    "signature a number": members(signature=5),
    "signature padded": members(signature=GOOD["signature"] + "=="),
    "signature on two lines": members(signature=GOOD["signature"][:10] + "\n" + GOOD["signature"][10:]),
    "signature with a space": members(signature=GOOD["signature"] + " "),
    "signature in the other alphabet": members(signature="+/" + GOOD["signature"][2:]),
    "signature not ASCII": members(signature="é" + GOOD["signature"]),
    "payload padded": members(payload=GOOD["payload"] + "="),
    "top member in another case": json.dumps(
        {("Payload" if k == "payload" else k): v for k, v in GOOD.items()}
    ).encode(),
    "top member twice": b'{"payload":"e30",' + json.dumps(GOOD).encode()[1:],
    "payload in two cases": members(Payload="e30"),
    "more after it": json.dumps(GOOD).encode() + b"{}",
    "a mark before it": b"\xef\xbb\xbf" + json.dumps(GOOD).encode(),
    "not UTF-8": json.dumps(GOOD).encode("utf-16"),
    "no object": b'["x"]',
    "chain missing": members(header={}),
    "chain a text": members(header={"x5c": GOOD["header"]["x5c"][0]}),
    "chain url-safe": members(
        header={"x5c": [each.replace("+", "-").replace("/", "_") for each in GOOD["header"]["x5c"]]}
    ),
    "chain on lines": members(header={"x5c": [each[:64] + "\n" + each[64:] for each in GOOD["header"]["x5c"]]}),
    "chain null": members(header={"x5c": None}),
    "chain of numbers": members(header={"x5c": [1]}),
    "alg unsigned too": members(header={**GOOD["header"], "alg": "ES256"}),
    "b64 unsigned": members(header={**GOOD["header"], "b64": False}),
    "cty unsigned": members(header={**GOOD["header"], "cty": "x"}),
    "timestamp url-safe": members(header={**GOOD["header"], PREFIX + "timestampSignature": "__-_"}),
    "timestamp null": members(header={**GOOD["header"], PREFIX + "timestampSignature": None}),
}


@pytest.mark.parametrize("name", JWS_FORMS)
def test_jws_that_is_no_signature_is_refused(name: str) -> None:
    assert refused(JWS_FORMS[name], JWS)


def test_base64url_has_no_bits_left_over() -> None:
    last = GOOD["signature"][-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = alphabet[alphabet.index(last) ^ 1]
    assert "is not base64url" in refused(members(signature=GOOD["signature"][:-1] + other), JWS)


@pytest.mark.parametrize(
    "value",
    [
        "2026-06-01T12:00:00",
        "2026-06-01 12:00:00Z",
        "2026-06-01T12:00:00z",
        "2026-13-01T12:00:00Z",
        "2026-06-01T12:00:60Z",
        "2026-06-01T12:00:00+25:00",
        "2026-06-01T12:00:00Z ",
        "0000-06-01T12:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "٢٠٢٦-06-01T12:00:00Z",
        "2026-06-01",
        1780315200,
        None,
    ],
)
def test_a_jws_time_is_rfc_3339_with_an_offset(value: Any) -> None:
    protected = Signing().jws_protected() | {PREFIX + "signingTime": value}
    assert "is a time that" in (reason := refused(Signing().jws(json.dumps(protected).encode()), JWS)) or (
        "is not a time with an offset" in reason
    )


def test_a_null_expiry_is_not_an_absent_one() -> None:
    protected = Signing().jws_protected() | {EXPIRY: None, "crit": [SCHEME, EXPIRY]}
    assert "expiry is not a time" in refused(Signing().jws(json.dumps(protected).encode()), JWS)


def test_a_jws_time_may_have_an_offset_and_a_fraction() -> None:
    made = Signing(signed_at="2026-06-01T14:00:00.25+02:00")
    assert judge(made.jws(), JWS).signed_at == NOW + timedelta(microseconds=250_000)


@pytest.mark.parametrize("name", ["alg", "kid", "b64", "x5c", "exp"])
def test_registered_names_may_not_be_critical(name: str) -> None:
    made = Signing(signed={name: "x"} if name not in ("alg", "x5c") else {}, critical=[SCHEME, name])
    assert "is not known" in refused(made.jws(), JWS)


def test_a_signed_header_with_a_name_twice_or_in_another_case_is_refused() -> None:
    header = json.dumps(Signing().jws_protected()).encode()
    twice = b'{"alg":"none",' + header[1:]
    assert "the same key occurs twice" in refused(Signing().jws(twice), JWS)
    other = b'{"ALG":"none",' + header[1:]
    assert "in another case" in refused(Signing().jws(other), JWS)


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "EdDSA", "none", "", 5, None])
def test_a_jws_algorithm_is_one_of_six_names(algorithm: Any) -> None:
    protected = Signing().jws_protected() | {"alg": algorithm}
    assert "the algorithm is missing or none of" in refused(Signing().jws(json.dumps(protected).encode()), JWS)
