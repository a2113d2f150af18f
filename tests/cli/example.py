"""How the tests of the command name the embedded example."""

from tests.command import Finished, policyengine
from tests.example import AT, FOLDER, LAYOUT, POLICIES, REPOSITORY

TRUST = ("--trust-policy", FOLDER / "notation/trustpolicy.json", "--trust-store", FOLDER / "notation/truststore")
CLEAN, VULNERABLE = f"{LAYOUT}:clean", f"{LAYOUT}:vulnerable"


def evaluate(*arguments: object, policies: object = POLICIES, **environment: str) -> Finished:
    """`eval` of images of the example's layout, by its policies and trust, at the instant that it was made for."""
    base = ("eval", "--oci-layout", "--repository", REPOSITORY, "--at", AT, *TRUST)
    return policyengine(*base, policies, *arguments, cwd=None, timeout=60, **environment)
