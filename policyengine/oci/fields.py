"""Strict readers for the fields of decoded JSON objects: each raises `Malformed`, naming what it read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policyengine.errors import Malformed
from policyengine.oci.digests import quoted
from policyengine.strictjson import JsonError, loads


def parse_json(data: bytes, what: str) -> object:
    """The JSON value that `data` is, without a byte order mark, which Go's readers refuse; `what` names it.

    Raises `Malformed`.
    """
    if data.startswith(b"\xef\xbb\xbf"):
        raise Malformed(f"{what} begins with a byte order mark")
    try:
        return loads(data)
    except JsonError as error:
        raise Malformed(f"{what} is not strict JSON: {error}") from None


def folded(*names: str) -> Mapping[str, str]:
    """The names of an object's fields, by their caseless forms."""
    return {name.casefold(): name for name in names}


def json_object(value: object, what: str, known: Mapping[str, str]) -> Mapping[str, Any]:
    """The JSON object `value`, whose keys cannot be mistaken for those in `known`.

    Go matches keys without regard to case, so that `Subject` would be a subject to other tools and
    nothing to this one.
    """
    if not isinstance(value, dict):
        raise Malformed(f"{what} is not a JSON object")
    for key in value:
        if known.get(key.casefold(), key) != key:
            raise Malformed(f"{what} has the key {quoted(key)}, which readers take differently")
    return value


def text_field(fields: Mapping[str, Any], key: str, what: str, required: bool = True) -> str:
    """The text under `key`; empty where it is absent and not required."""
    value = fields.get(key)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or (required and not value):
        raise Malformed(f"the {key} of {what} is missing or not a text")
    return value


def annotations_field(fields: Mapping[str, Any], what: str) -> Mapping[str, str]:
    """The annotations of a manifest or descriptor; empty where there are none."""
    value = fields.get("annotations")
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise Malformed(f"the annotations of {what} are not texts")
    return value
