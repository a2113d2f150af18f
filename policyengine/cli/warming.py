"""Imports that an evaluation needs once answers come, made while the first answers are on their way."""

from __future__ import annotations

from contextlib import suppress
from threading import Timer

HEAD_START = 0.01
"""Seconds by which the first requests go first: an import that holds the interpreter would keep them back."""


def warm() -> None:
    """Import cryptography and the readers of signatures and scans in a thread of their own.

    Behind a registry 30 ms away that takes 60 of 390 ms from an `eval`, which else would wait first and import then.
    """
    Timer(HEAD_START, _imported).start()


def _imported() -> None:
    with suppress(Exception):  # whoever needs it imports it anyway, and says what is wrong
        from cryptography.hazmat.backends.openssl import backend  # noqa: F401 # what cryptography itself imports last

        import policyengine.evidence.scanners
        import policyengine.verification.certificates
        import policyengine.verification.notation.cose
        import policyengine.verification.truststore  # noqa: F401 # all of them for having been imported
