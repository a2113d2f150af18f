"""A trust policy, version 1.0, and every rule that makes one valid.

Trust store and trust policy specification, "Trust Policy". JSON is read strictly, member names are
case-sensitive, unknown members are refused, and `null` is not a missing member: what is misspelt
in a file that says whom to trust must not be passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from policyengine import limits
from policyengine.errors import TrustError
from policyengine.oci.references import canonical_name
from policyengine.strictjson import JsonError, loads, quoted
from policyengine.verification import identities, places
from policyengine.verification.identities import TrustedIdentity
from policyengine.verification.result import AUTHENTICITY, CHECKS, EXPIRY, INTEGRITY, REVOCATION, TIMESTAMP

ENFORCE, LOG, SKIP = "enforce", "log", "skip"
STRICT, PERMISSIVE, AUDIT = "strict", "permissive", "audit"
GLOBAL = "*"
ALWAYS, AFTER_EXPIRY = "always", "afterCertExpiry"
STORE_KINDS = ("ca", "signingAuthority", "tsa")

LEVELS = {
    STRICT: dict.fromkeys(CHECKS, ENFORCE),
    PERMISSIVE: {**dict.fromkeys(CHECKS, LOG), INTEGRITY: ENFORCE, AUTHENTICITY: ENFORCE},
    AUDIT: {**dict.fromkeys(CHECKS, LOG), INTEGRITY: ENFORCE},
    SKIP: dict.fromkeys(CHECKS, SKIP),
}
"""What each level does about each check that fails ("Signature Verification details", the table)."""

OVERRIDES = {
    AUTHENTICITY: (ENFORCE, LOG),
    TIMESTAMP: (ENFORCE, LOG),
    EXPIRY: (ENFORCE, LOG),
    REVOCATION: (ENFORCE, LOG, SKIP),
}
"""What may be customised, and how ("Custom Verification Level"); integrity never."""


class StoreName(Struct, frozen=True):
    """A named trust store: its kind ("ca", "signingAuthority" or "tsa") and its folder's name."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


class Statement(Struct, frozen=True):
    """One statement of a trust policy: for some repositories, whom to trust and how strictly.

    `scopes` are repositories with their registry in lower case, or `("*",)`. With level skip there
    are neither stores nor identities.
    """

    name: str
    scopes: tuple[str, ...]
    level: str
    override: Mapping[str, str] = {}
    verify_timestamp: str = ALWAYS
    stores: tuple[StoreName, ...] = ()
    identities: tuple[TrustedIdentity, ...] = ()

    def action(self, check: str) -> str:
        """What to do when `check` fails: "enforce", "log", or "skip" (do not make it)."""
        return self.override.get(check, LEVELS[self.level][check])


class TrustPolicy(Struct, frozen=True):
    """The statements of a valid trust policy, in their order."""

    statements: tuple[Statement, ...]

    def select(self, repository: str) -> Statement | None:
        """The statement for `registry/repository`: the one with that scope, else the global one, else none.

        "Selecting a trust policy based on artifact URI": no prefixes, no completion of names.
        """
        wanted = _canonical(repository) or repository
        exact = (statement for statement in self.statements if wanted in statement.scopes)
        general = (statement for statement in self.statements if statement.scopes == (GLOBAL,))
        return next(exact, None) or next(general, None)


def parse(data: bytes, file: Path) -> TrustPolicy:
    """The trust policy that `data` writes; raises `TrustError` with the place of the first fault in `file`."""
    try:
        return TrustPolicy(_statements(loads(data, max_depth=limits.ENVELOPE_JSON_DEPTH)))
    except JsonError as fault:
        raise TrustError(_sentence(file, fault.line, fault.column, fault.message), HELP) from None
    except _Fault as fault:
        raise TrustError(_sentence(file, *places.locate(data, fault.path), fault.message), fault.help) from None


HELP_OVERLAP = "one certificate could match both: give them an attribute in which they differ"
HELP = "see the trust policy specification of the Notary Project, version 1.0"


class _Fault(Exception):
    """A broken rule, and the path of the value that breaks it."""

    def __init__(self, path: places.Path, message: str, help: str = HELP) -> None:
        super().__init__(path, message, help)
        self.path, self.message, self.help = path, message, help


def _sentence(file: Path, line: int | None, column: int | None, message: str) -> str:
    where = f"{file}, line {line}, column {column}" if line is not None else str(file)
    return f"invalid trust policy: {message} ({where})"


# The document


def _statements(document: object) -> tuple[Statement, ...]:
    members = _object((), document, required=("version", "trustPolicies"))
    if members["version"] != "1.0":
        raise _Fault(("version",), 'the version is not "1.0", the only one that is supported')
    listed = _array(("trustPolicies",), members["trustPolicies"])
    statements = tuple(_statement(("trustPolicies", index), each) for index, each in enumerate(listed))
    _refuse_repeated("name", (each.name for each in statements))
    _refuse_repeated("registry scope", (scope for each in statements for scope in each.scopes))
    return statements


_REQUIRED = ("name", "registryScopes", "signatureVerification")
_OPTIONAL = ("trustStores", "trustedIdentities")


def _statement(path: places.Path, value: object) -> Statement:
    members = _object(path, value, _REQUIRED, _OPTIONAL)
    name = _text((*path, "name"), members["name"])
    scopes = _scopes((*path, "registryScopes"), members["registryScopes"])
    verification = (*path, "signatureVerification")
    level, override, verify_timestamp = _verification(verification, members["signatureVerification"])
    if level == SKIP:
        _check_skip(path, members, scopes)
        return Statement(name, scopes, level)
    for required in _OPTIONAL:
        if required not in members:
            raise _Fault(path, f'{_name(path)} lacks the member "{required}", which every level but skip requires')
    stores = _each((*path, "trustStores"), members["trustStores"], _store)
    trusted = _identities((*path, "trustedIdentities"), members["trustedIdentities"])
    return Statement(name, scopes, level, override, verify_timestamp, tuple(dict.fromkeys(stores)), trusted)


def _check_skip(path: places.Path, members: Mapping[str, Any], scopes: tuple[str, ...]) -> None:
    """Level skip trusts without looking: not everywhere, and without stores or identities beside it."""
    if scopes == (GLOBAL,):
        where = (*path, "registryScopes", 0)
        raise _Fault(where, 'level skip cannot be used with the scope "*"', "name the repositories")
    for name in _OPTIONAL:
        if members.get(name, []) != []:
            raise _Fault((*path, name), f'level skip verifies nothing, so "{name}" does not belong there')


# signatureVerification


def _verification(path: places.Path, value: object) -> tuple[str, Mapping[str, str], str]:
    members = _object(path, value, ("level",), ("override", "verifyTimestamp"))
    level = _one_of((*path, "level"), members["level"], tuple(LEVELS))
    override = _override((*path, "override"), members.get("override", {}))
    if level == SKIP and override:
        raise _Fault((*path, "override"), "level skip cannot be customised")
    when = _one_of((*path, "verifyTimestamp"), members.get("verifyTimestamp", ALWAYS), (ALWAYS, AFTER_EXPIRY))
    return level, override, when


def _override(path: places.Path, value: object) -> Mapping[str, str]:
    if isinstance(value, dict) and INTEGRITY in value:
        raise _Fault((*path, INTEGRITY), "integrity is always enforced and cannot be customised")
    members = _object(path, value, (), tuple(OVERRIDES))
    return {check: _one_of((*path, check), action, OVERRIDES[check]) for check, action in members.items()}


# Scopes, stores, identities

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_SCOPE = rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]+)?/{_COMPONENT}(?:/{_COMPONENT})*"
_STORE = r"[a-zA-Z0-9_.-]+"


def _scopes(path: places.Path, value: object) -> tuple[str, ...]:
    scopes = _each(path, value, _scope)
    if GLOBAL in scopes and len(scopes) > 1:
        raise _Fault((*path, scopes.index(GLOBAL)), 'the scope "*" covers everything and stands alone')
    return scopes


def _scope(path: places.Path, text: str) -> str:
    scope = GLOBAL if text == GLOBAL else _canonical(text)
    if not scope:
        raise _Fault(
            path,
            f"registry scope {quoted(text)} is not a repository with its registry",
            'write registry/repository without tag, digest or "*" inside; only "*" alone covers everything',
        )
    return scope


def _store(path: places.Path, text: str) -> StoreName:
    kind, colon, name = text.partition(":")
    if not colon or kind not in STORE_KINDS:
        raise _Fault(path, f"trust store {quoted(text)} is not of the form kind:name", f"kinds: {_words(STORE_KINDS)}")
    if not re.fullmatch(_STORE, name) or name in (".", ".."):
        raise _Fault(path, f"the name of trust store {quoted(text)} is not made of letters, digits, _, . and -")
    return StoreName(kind, name)


def _identities(path: places.Path, value: object) -> tuple[TrustedIdentity, ...]:
    trusted = _each(path, value, _identity)
    if len(trusted) > 1 and any(each.kind == identities.ANY for each in trusted):
        raise _Fault(path, 'the identity "*" trusts everyone and stands alone')
    for index, each in enumerate(trusted):
        for earlier in trusted[:index]:
            if each.overlaps(earlier):
                message = f"identities {quoted(earlier.text)} and {quoted(each.text)} overlap"
                raise _Fault((*path, index), message, HELP_OVERLAP)
    return trusted


def _identity(path: places.Path, text: str) -> TrustedIdentity:
    try:
        return identities.parse(text)
    except ValueError as fault:
        raise _Fault(path, str(fault), 'for example "x509.subject: C=US, ST=WA, O=acme, CN=release"') from None


# Shapes


def _object(
    path: places.Path, value: object, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _Fault(path, f"{_name(path)} is not an object")
    known = required + optional
    for name in value:
        if name not in known:
            raise _Fault((*path, name), f"{_name(path)} has no member {quoted(name)}", _suggestion(name, known))
    for name in required:
        if name not in value:
            raise _Fault(path, f'{_name(path)} lacks the member "{name}"')
    return value


def _array(path: places.Path, value: object) -> list[object]:
    if not isinstance(value, list) or not value:
        raise _Fault(path, f"{_name(path)} is not a list with at least one entry")
    return value


def _each(path: places.Path, value: object, read: Callable[[places.Path, str], Any]) -> tuple[Any, ...]:
    """The texts of a list, each read by `read`."""
    listed = enumerate(_array(path, value))
    return tuple(read((*path, index), _text((*path, index), each)) for index, each in listed)


def _text(path: places.Path, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise _Fault(path, f"{_name(path)} is not a text with at least one character")
    return value


def _one_of(path: places.Path, value: object, allowed: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in allowed:
        shown = quoted(value) if isinstance(value, str) else "not a text"
        raise _Fault(path, f"{_name(path)} is {shown}, not one of {_words(allowed)}", _suggestion(value, allowed))
    return value


def _refuse_repeated(what: str, values: Iterable[str]) -> None:
    seen = set()
    for value in values:
        if value in seen:
            raise _Fault(("trustPolicies",), f"{what} {quoted(value)} is used twice; it belongs to one statement only")
        seen.add(value)


def _suggestion(given: object, allowed: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    folded = {name.casefold(): name for name in allowed}
    close = get_close_matches(str(given).casefold(), folded, 1)
    return f'did you mean "{folded[close[0]]}"?' if close else f"known here: {_words(allowed)}"


def _words(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _name(path: places.Path) -> str:
    """How a message names the value at `path`: `trustPolicies[0].level`."""
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return steps.lstrip(".") or "the document"


def _canonical(repository: str) -> str:
    """The one name of `registry/repository`, however it is typed (`oci.hosts`); empty where it is none."""
    host, _, path = repository.partition("/")
    try:
        return "/".join(canonical_name(host, path)) if re.fullmatch(_SCOPE, repository) else ""
    except ValueError:
        return ""
