"""The payload of a signature: the descriptor of what was signed (signature specification, "Payload")."""

from __future__ import annotations

from collections.abc import Mapping

from policyengine.errors import VerificationError
from policyengine.strictjson import quoted
from policyengine.verification.notation import members
from policyengine.verification.result import Target

DESCRIPTOR = ("mediaType", "digest", "size", "annotations", "artifactType")


def read(payload: bytes, target: Target) -> Mapping[str, str]:
    """The signed annotations, once the payload names exactly `target`; raises `VerificationError`.

    Media type, digest and size all have to be equal. Other members are tolerated at both levels.
    """
    signed = stated(payload)
    wanted = {"mediaType": target.media_type, "digest": target.digest, "size": target.size}
    for name, value in wanted.items():
        found = signed.get(name)
        if type(found) is not type(value) or found != value:
            raise VerificationError(f"the signature is of another artifact: {name} is {_shown(found)}, not {value}")
    return _annotations(signed.get("annotations", {}))


def stated(payload: bytes) -> members.Members:
    """The members of what the payload calls `targetArtifact`, whatever it is; raises `VerificationError`."""
    top = members.read("the payload", payload, ("targetArtifact",))
    if "targetArtifact" not in top:
        raise VerificationError("the payload names no targetArtifact")
    return members.exact("targetArtifact", top["targetArtifact"], DESCRIPTOR)


def _annotations(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise VerificationError("the annotations of targetArtifact are not texts")
    return value


def _shown(value: object) -> str:
    if value is None:
        return "missing"
    return quoted(value, 80) if isinstance(value, str) else quoted(str(value), 20)
