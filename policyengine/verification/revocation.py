"""Whether a certificate of a chain is revoked.

Trust store and trust policy specification, "Certificate Revocation Evaluation". Until OCSP and CRLs are
asked, a certificate that names either cannot be determined, which is a failure; one that names neither
cannot be revoked and is fine.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from policyengine.errors import VerificationError
from policyengine.verification.certificates import Chain

Check = Callable[[Chain, datetime, "datetime | None"], None]
"""Checks a chain at an instant; the third argument is the authentic signing time, where there is one.

Raises `VerificationError` when a certificate is revoked or its status cannot be determined.
"""


def check(chain: Chain, at: datetime, signed_at: datetime | None = None) -> None:
    """No certificate of `chain` is revoked at `at`; raises `VerificationError`. The root counts as fine."""
    del at, signed_at  # what OCSP responses and CRLs will be held against
    for certificate in chain[:-1]:
        if certificate.revocable:
            raise VerificationError(
                f"the revocation of {certificate} cannot be determined: OCSP and CRLs are not asked yet",
                'set "revocation" to "log" or "skip" under "override" in the trust policy to go without',
            )
