"""Where our verdict and that of the real Notation differ, and the clause that decides.

What `test_side_by_side` finds is exactly this, and docs/verification.md shows it.
"""

from __future__ import annotations

from typing import NamedTuple


class Difference(NamedTuple):
    """Cases that fall under one clause; `accepted` is our verdict, and Notation's is the other one."""

    clause: str
    why: str
    accepted: bool
    cases: tuple[str, ...]


def both(*names: str) -> tuple[str, ...]:
    """The cases of these names in both formats."""
    return tuple(f"{format}: {name}" for name in names for format in ("cose", "jws"))


def cose(*names: str) -> tuple[str, ...]:
    return tuple(f"cose: {name}" for name in names)


def jws(*names: str) -> tuple[str, ...]:
    return tuple(f"jws: {name}" for name in names)


ENVELOPES = (
    Difference(
        'SS "Extended attributes"',
        "an unknown critical attribute must make verification fail",
        False,
        (*both("crit lists an unknown attribute"), "jws: protected with b64"),
    ),
    Difference(
        'RFC 9052 3.1, RFC 7515 4.1.11, COSE and JWS "crit"',
        "names are listed once, and labels that every reader knows are not listed",
        False,
        cose("crit repeats", "crit lists the label 1", "crit lists the label 3", "crit lists the label 4"),
    ),
    Difference(
        "RFC 7515 4.1.11",
        "a header that is there and understood may be listed",
        True,
        jws("crit lists the signing time"),
    ),
    Difference(
        "RFC 9052 3, RFC 7515 7.2.1",
        "no label is both signed and unsigned",
        False,
        (
            *both("an attribute in both headers", "scheme in both headers"),
            *cose("unsigned algorithm", "unsigned content type", "chain in both headers"),
            *jws("an unsigned alg", "an unsigned crit", "an unsigned cty", "protected with the chain"),
        ),
    ),
    Difference(
        'SS "Signed Attributes", RFC 7797 3',
        "what has to be signed counts for nothing unsigned, and is not passed over either",
        False,
        (*both("expiry unsigned"), *jws("an unsigned b64")),
    ),
    Difference(
        'SS "Standard attributes"',
        "each scheme has its own time, and not the other's",
        False,
        (
            *cose("both times", "the time of the other scheme", "by a signing authority with a COSE signing time"),
            "jws: null as io.cncf.notary.authenticSigningTime",
        ),
    ),
    Difference(
        'SS "Guidelines for implementations"',
        "a minimum version asks for the plugin whose version it is",
        False,
        both("a plugin's version alone", "a plugin's version alone, not critical"),
    ),
    Difference(
        'COSE "Certificate chain"',
        "the chain may be in the signed header",
        True,
        cose("chain in the signed header"),
    ),
    Difference(
        'COSE and JWS "Unprotected Headers"',
        "a timestamp is bytes, or a text in JWS, or it is not there",
        False,
        ("cose: timestamp a text", "jws: timestamp null"),
    ),
    Difference(
        'SS "Unsigned attributes"',
        "the agent is for people, and must not have a say",
        True,
        jws("an agent that is a number"),
    ),
    Difference(
        "RFC 8949 3.4.2, and a bound of ours",
        "a signature was not made before 1970",
        False,
        cose("signing time negative"),
    ),
    Difference(
        "RFC 3339 5.6",
        "two digits for hours, a point before fractions, offsets below 24 hours",
        False,
        jws("signing time a comma", "signing time one digit for the hour", "signing time an offset of 24 hours"),
    ),
    Difference("RFC 3339 5.6, and a bound of ours", "there is no year 0 here", False, jws("signing time the year 0")),
    Difference("RFC 3339 5.6", "the year 1 is a time like any other", True, jws("signing time the year 1")),
    Difference(
        'JWS "Signature Envelope"',
        "exactly the four members, by their own names",
        False,
        jws("another member", "signatures beside it", "a member null", "a member in upper case", "chain in upper case"),
    ),
    Difference(
        "RFC 7515 4, RFC 7493 2.3",
        "no member twice, and none that another reader would take for it",
        False,
        (
            *jws("a member twice", "a member in two cases", "protected with alg twice"),
            *jws("protected with alg in two cases", "protected with a scheme in two cases"),
            *cose("payload with the target twice", "payload with the digest twice"),
            *cose("payload with a lower-case target before", "payload with a lower-case target only"),
            *cose("payload with a lower-case media type"),
        ),
    ),
    Difference(
        "RFC 8259 8",
        "JSON is UTF-8 of whole characters",
        False,
        cose("payload with a lone surrogate", "payload with an invalid UTF-8 byte"),
    ),
    Difference(
        'SS "Payload"',
        "annotations are a map of texts where they are there",
        False,
        cose("payload with metadata that is null"),
    ),
    Difference(
        "RFC 7515 2, RFC 4648 3.3 and 3.5",
        "base64 without line breaks and with no bits left over",
        False,
        jws("signature with a line break", "signature with unused bits", "chain on lines"),
    ),
    Difference(
        "RFC 7518 3.5",
        "the salt of RSASSA-PSS is as long as the hash",
        False,
        jws(*(f"PSS with a salt of {length}" for length in (0, 20, 31, 33, 64, 190))),
    ),
    Difference(
        'SS "Certificate Requirements"',
        "the basic constraints of a CA are critical",
        False,
        cose("intermediate with constraints not critical", "root with constraints not critical"),
    ),
    Difference(
        'SS "Certificate Requirements"',
        "a code signing certificate is not for every purpose",
        False,
        cose("leaf for any", "leaf for any, critical"),
    ),
    Difference("a rule of ours", "a CA's key is as strong as a leaf's", False, cose("authorities of RSA-1024")),
    Difference(
        "RFC 3161 2.4.2, RFC 5652 11",
        "one signer, and each signed attribute once",
        False,
        cose("a timestamp of two signers", "a timestamp with a message digest twice"),
    ),
    Difference(
        "RFC 3161 2.4.2",
        "an accuracy is not negative",
        False,
        cose("a timestamp with an accuracy that is negative"),
    ),
    Difference(
        'TP "Signature Verification details"',
        "at level audit nobody trusted has signed, which never counts as a signature here",
        False,
        cose("a root that nobody trusts, where that is logged"),
    ),
    Difference(
        'TP "Trusted Identities Constraints"',
        "a subject that can be read in two ways is nobody's",
        False,
        cose("identity of two common names, the good one last", "identity with several values in one"),
    ),
    Difference(
        'TP "Trusted Identities Constraints"',
        "a subject may have attributes that the identity does not name",
        True,
        cose("identity with an email address", "identity with a domain component"),
    ),
)

MANIFESTS = (
    Difference(
        'SS "OCI Signatures"',
        "manifests of OCI 1.1 are signatures too; in layouts Notation looks for those of OCI 1.0 only",
        True,
        ("manifest of OCI 1.1",),
    ),
    Difference(
        'SS "OCI Signatures"',
        "the annotation with the thumbprints is required",
        False,
        ("manifest without thumbprints", "manifest with thumbprints of nonsense"),
    ),
)

POLICIES = (
    Difference(
        'TP "Trust Policy", and a rule of ours',
        "members that nobody knows are misspelt ones, and names have one case",
        False,
        tuple(
            f"policy: {name}"
            for name in (
                "an unknown member",
                "an unknown member of a statement",
                "a member in another case",
                "a blob's member",
            )
        ),
    ),
    Difference(
        "RFC 3986 3.2.2",
        "hosts have no case, so two scopes that differ by it are one",
        False,
        ("policy: a scope twice by case",),
    ),
    Difference(
        'TP "Trust Policy"',
        "when timestamps are verified is one of two words, or not said",
        False,
        ("policy: timestamps empty", "policy: timestamps null"),
    ),
    Difference('TP "Trust Policy"', "nothing is skipped for every repository", False, ("policy: skip everywhere",)),
    Difference(
        'TP "Trusted Identities Constraints"',
        "no certificate matches two identities",
        False,
        ("policy: overlap by different attributes", "policy: an identity twice"),
    ),
    Difference(
        'TP "Trust Store"',
        "a store is a folder below its kind's",
        False,
        ("policy: the store 'ca:.'", "policy: the store 'ca:..'"),
    ),
)


def table() -> str:
    """All of them in Markdown."""
    rows = ["| clause | what holds | here | cases |", "| --- | --- | --- | --- |"]
    for each in (*ENVELOPES, *MANIFESTS, *POLICIES):
        verdict = "accepted" if each.accepted else "refused"
        rows.append(f"| {each.clause} | {each.why} | {verdict} | {'; '.join(_short(each.cases))} |")
    return "\n".join(rows) + "\n"


def _short(cases: tuple[str, ...]) -> list[str]:
    """The cases, those of both formats once."""
    names: dict[str, list[str]] = {}
    for case in cases:
        kind, _, name = case.partition(": ")
        names.setdefault(name if kind in ("cose", "jws") else case, []).append(kind)
    return [name if len(kinds) > 1 or ": " in name else f"{kinds[0]}: {name}" for name, kinds in names.items()]
