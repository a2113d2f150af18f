"""Trust policies by chance: valid, or an error that says where; and a valid one trusts nobody whom it does not name."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from policyengine.errors import TrustError
from policyengine.verification import identities, trustpolicy
from policyengine.verification.trustpolicy import GLOBAL, LEVELS, STORE_KINDS, Statement, TrustPolicy
from tests.fuzz.mutation import damaged, rearranged
from tests.verification import signing
from tests.verification.test_trustpolicy import GOOD

CASES = 200

FILE = Path("trustpolicy.json")
NAMES = (
    "C=US",
    "ST=WA",
    "O=acme",
    "CN=release",
    "+",
    ",",
    ";",
    "\\",
    '"',
    "=",
    "#",
    " ",
    "\\2C",
    "S=WA",
    "x509.subject:",
)
WORDS = (
    *('"*"', '"strict"', '"skip"', '"audit"', '"override"', '"log"', '"enforce"', '"integrity"', '"ca:x"', '"tsa:x"'),
    *('"1.0"', "1.0", "null", "{", "}", "[", "]", ",", ":", '"verifyTimestamp"', '"afterCertExpiry"', '"a.b/c"'),
)


def make_input(random: Random) -> bytes:
    """A text that may be a trust policy."""
    match random.randrange(3):
        case 0:
            return damaged(random, json.dumps(random.choice(list(GOOD.values()))).encode())
        case 1:
            text = json.dumps(random.choice(list(GOOD.values())))
            return " ".join(rearranged(random, _tokens(text), WORDS)).encode()
        case _:
            subject = "".join(random.choices(NAMES, k=random.randint(1, 12)))
            written = signing.statement(trustedIdentities=[random.choice(("x509.subject: C=US, ", "")) + subject])
            return json.dumps(signing.policy(written)).encode()


def _tokens(text: str) -> list[str]:
    for mark in "{}[],":
        text = text.replace(mark, f" {mark} ")
    return text.replace('":', '" :').split()


def check(data: bytes) -> None:
    """Valid or not, and what is valid is narrow."""
    found = read(data)
    if isinstance(found, TrustError):
        assert found.message.startswith("invalid trust policy: ")
        assert str(FILE) in found.message
        assert "\n" not in found.message
        return
    document = json.loads(data)
    assert document["version"] == "1.0"
    assert len(found.statements) == len(document["trustPolicies"]) > 0
    for statement in found.statements:
        narrow(statement)
        assert found.select(statement.scopes[0]) == statement
    if not any(statement.scopes == (GLOBAL,) for statement in found.statements):
        assert found.select("registry.other.example/nobody") is None


def read(data: bytes) -> TrustPolicy | TrustError:
    try:
        return trustpolicy.parse(data, FILE)
    except TrustError as fault:
        return fault


def narrow(statement: Statement) -> None:
    """A statement has a level, and trusts somebody by name unless it skips."""
    assert statement.action("integrity") == ("skip" if statement.level == "skip" else "enforce")
    assert statement.level in LEVELS
    assert all(store.kind in STORE_KINDS and "/" not in store.name for store in statement.stores)
    assert (statement.level == "skip") == (not statement.stores) == (not statement.identities)
    for identity in statement.identities:
        assert identity.kind != identities.SUBJECT or {"C", "ST", "O"} <= dict(identity.attributes).keys()
        assert not identity.matches(()) or identity.kind == identities.ANY
