"""Trust for tests without a disk, and one call to judge an envelope."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from policyengine.verification import certificates, trustpolicy
from policyengine.verification.notation.verify import verify
from policyengine.verification.result import SignatureResult
from policyengine.verification.trust import Trust
from policyengine.verification.trustpolicy import StoreName
from tests.verification import signing
from tests.verification.signing import COSE, NOW, REPOSITORY, TARGET, Chain, Descriptor


def trust(stores: Mapping[str, Sequence[Chain]] | None = None, **changes: Any) -> Trust:
    """Trust in the roots of some chains, by store (`ca:acme`); `changes` are members of the statement."""
    held = {"ca:acme": [signing.good_chain()]} if stores is None else stores
    document = signing.policy(signing.statement(**({"trustStores": list(held)} | changes)))
    found = Trust(trustpolicy.parse(json.dumps(document).encode(), Path("trustpolicy.json")))
    for store, chains in held.items():
        kind, _, name = store.partition(":")
        found._read[StoreName(kind, name)] = tuple(certificates.read(chain.root.der) for chain in chains)
    return found


def judge(
    envelope: bytes,
    media_type: str = COSE,
    *,
    by: Trust | None = None,
    target: Descriptor = TARGET,
    at: datetime = NOW,
    repository: str = REPOSITORY,
    revoked: Any = None,
) -> SignatureResult:
    """What an envelope is worth, by default under trust in the good chain at level strict."""
    return verify(envelope, media_type, target, trust=by or trust(), repository=repository, at=at, revoked=revoked)


def level(name: str, when: str | None = None, **override: str) -> dict[str, Any]:
    """A `signatureVerification`."""
    found: dict[str, Any] = {"level": name}
    if override:
        found["override"] = override
    return found | ({"verifyTimestamp": when} if when else {})
