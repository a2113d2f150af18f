"""JSON objects whose member names mean what they say.

Go's decoder folds the case of names and keeps the last of two equal ones, so that other verifiers can
be made to see another `targetArtifact` than this one. Such texts are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from policyengine import limits
from policyengine.errors import VerificationError
from policyengine.strictjson import BOM, JsonError, loads, quoted

Members = Mapping[str, object]


def read(what: str, data: bytes, known: Sequence[str]) -> Members:
    """The members of the one strict JSON object that `data` is; raises `VerificationError`."""
    try:
        value = loads(data, max_depth=limits.ENVELOPE_JSON_DEPTH)
    except JsonError as fault:
        raise VerificationError(f"{what} is not strict JSON: {fault}") from None
    if data.startswith(BOM):
        raise VerificationError(f"{what} begins with a byte order mark")
    return exact(what, value, known)


def exact(what: str, value: object, known: Sequence[str]) -> Members:
    """`value` as an object in which no name is a known one in another case; raises `VerificationError`."""
    if not isinstance(value, dict):
        raise VerificationError(f"{what} is not a JSON object")
    folded = {name.casefold() for name in known}
    for name in value:
        if name not in known and name.casefold() in folded:
            raise VerificationError(f"{what} has the member {quoted(name)}, a known one in another case")
    return value
