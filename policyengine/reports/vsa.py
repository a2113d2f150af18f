"""A SLSA verification summary (https://slsa.dev/verification_summary/v1): the decision for other verifiers.

It is an unsigned in-toto statement; whoever trusts the run signs it. Several images give one statement a line.
An image that nothing is known of, not even its digest, gives none: there is nothing to state it about.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec

from policyengine import __version__
from policyengine.decision.model import Decision
from policyengine.reports.formats import Report
from policyengine.reports.instant import rfc3339
from policyengine.reports.json import dump
from policyengine.reports.safe import json_text

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/verification_summary/v1"
VERIFIER = "pkg:pypi/policyengine-gate"
"""Who verified. A reader accepts pairs of a signer and a verifier: whose run it was is said by the signature."""


def render(report: Report) -> str:
    """The statement, or where several images were asked for one a line."""
    statements = [statement(decision) for decision in report.decisions if decision.subject.digest]
    if report.several:
        return "".join(json_text(msgspec.json.encode(each).decode()) + "\n" for each in statements)
    return dump(statements[0]) if statements else ""


def statement(decision: Decision) -> dict[str, Any]:
    """What was verified, by which policies, from what, and how it went."""
    subject = decision.subject
    return {
        "_type": STATEMENT,
        "subject": [{"name": subject.repository or subject.reference, "digest": _digest(subject.digest)}],
        "predicateType": PREDICATE,
        "predicate": _predicate(decision),
    }


def _predicate(decision: Decision) -> dict[str, Any]:
    """Only an allow passes; a decision that could not be reached has failed, as SLSA knows no third word."""
    inputs = [{"uri": _uri(decision, digest), "digest": _digest(digest)} for digest in _inputs(decision)]
    return {
        "verifier": {"id": VERIFIER, "version": {"policyengine": __version__}},
        "timeVerified": rfc3339(decision.at),
        "resourceUri": _uri(decision, decision.subject.digest),
        "policy": {"uri": _policy(decision), "digest": _digest(decision.policy_set.digest)},
        **({"inputAttestations": inputs} if inputs else {}),
        "verificationResult": "PASSED" if decision.allowed else "FAILED",
        "verifiedLevels": ["SLSA_BUILD_LEVEL_0" if decision.allowed else "FAILED"],  # no SLSA level is looked for
        "slsaVersion": "1.1",
    }


def _inputs(decision: Decision) -> Iterator[str]:
    """The digests of all that the decision rests on: documents that counted, and signatures that hold."""
    used = [document.digest for document in decision.evidence if document.status == "used"]
    verified = [signature.digest for signature in decision.signatures if signature.status == "verified"]
    yield from dict.fromkeys(used + verified)


def _uri(decision: Decision, digest: str) -> str:
    """An artifact of the image's repository as a package URL, by which it cannot be taken for another's."""
    repository = decision.subject.repository
    name = repository.rpartition("/")[2] or "image"
    where = f"?repository_url={_quoted(repository)}" if repository else ""
    return f"pkg:oci/{_quoted(name)}@{_quoted(digest)}{where}"


def _policy(decision: Decision) -> str:
    """The policies by name and the environment: what passed for one does not pass for the other."""
    policies = decision.policy_set
    environment = f"?environment={_quoted(policies.environment)}" if policies.environment else ""
    return f"policyengine:{','.join(map(_quoted, policies.policies))}{environment}"


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")


def _digest(digest: str) -> dict[str, str]:
    """`sha256:…` as in-toto writes it."""
    algorithm, _, value = digest.partition(":")
    return {algorithm: value}
