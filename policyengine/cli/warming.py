"""Imports that an evaluation needs as soon as answers come, made while the first answers are on their way."""

from __future__ import annotations

from contextlib import suppress
from threading import Timer

HEAD_START = 0.01
"""Seconds before the imports begin: one that holds the interpreter would delay the first requests."""


def warm() -> None:
    """Import cryptography and the readers of signatures and scans in a thread of their own.

    Otherwise an `eval` would first wait and then import. With a registry 30 ms away this saves 60 of 390 ms.
    """
    Timer(HEAD_START, _imported).start()


def _imported() -> None:
    with suppress(Exception):  # whoever needs it imports it anyway, and says what is wrong
        from cryptography.hazmat.backends.openssl import backend  # noqa: F401 # what cryptography itself imports last

        import policyengine.evidence.scanners
        import policyengine.verification.certificates
        import policyengine.verification.notation.cose
        import policyengine.verification.truststore  # noqa: F401 # all of them for having been imported
