"""What `policyengine trust` shows: each statement, its stores with their certificates, and what is suspicious."""

from __future__ import annotations

import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from msgspec import Struct

from policyengine.verification import identities, truststore
from policyengine.verification.result import CHECKS
from policyengine.verification.trust import Trust
from policyengine.verification.trustpolicy import SKIP, STRICT, Statement, StoreName

EXPIRES_SOON = timedelta(days=30)


class CertificateView(Struct, frozen=True):
    """A trusted certificate: subject as text, SHA-256 fingerprint in lower-case hexadecimal, validity."""

    subject: str
    fingerprint: str
    not_before: datetime
    not_after: datetime


class StoreView(Struct, frozen=True):
    """A store that a statement names (`ca:acme`), its folder and its certificates."""

    name: str
    folder: str
    certificates: tuple[CertificateView, ...]


class StatementView(Struct, frozen=True):
    """One statement as it takes effect: `actions` maps each check to "enforce", "log" or "skip"."""

    name: str
    scopes: tuple[str, ...]
    level: str
    override: Mapping[str, str]
    actions: Mapping[str, str]
    verify_timestamp: str
    stores: tuple[StoreView, ...]
    identities: tuple[str, ...]
    warnings: tuple[str, ...]


class TrustView(Struct, frozen=True):
    """What is trusted at one instant. `warnings` are about the file; each statement has its own."""

    policy_file: str
    store_dir: str
    statements: tuple[StatementView, ...]
    warnings: tuple[str, ...]


def describe(trust: Trust, at: datetime) -> TrustView:
    """What `trust` comes to at the instant `at`; raises `TrustError` where a named store breaks a rule."""
    statements = tuple(_view(trust, statement, at) for statement in trust.policy.statements)
    return TrustView(str(trust.file or ""), str(trust.stores or ""), statements, _file_warnings(trust))


def _view(trust: Trust, statement: Statement, at: datetime) -> StatementView:
    stores = tuple(_store_view(trust, store) for store in statement.stores)
    return StatementView(
        name=statement.name,
        scopes=statement.scopes,
        level=statement.level,
        override=statement.override,
        actions={check: statement.action(check) for check in CHECKS},
        verify_timestamp=statement.verify_timestamp,
        stores=stores,
        identities=tuple(identity.text for identity in statement.identities),
        warnings=(*_identity_warnings(statement), *_store_warnings(statement, stores, at)),
    )


def _store_view(trust: Trust, store: StoreName) -> StoreView:
    found = (
        CertificateView(each.subject, each.fingerprint, each.not_before, each.not_after)
        for each in trust.certificates(store)
    )
    return StoreView(str(store), str(truststore.folder(trust.stores or Path(), store)), tuple(found))


def _file_warnings(trust: Trust) -> tuple[str, ...]:
    return tuple(_of_others(trust.file, stat.S_IWGRP | stat.S_IWOTH)) if trust.file else ()


def _of_others(path: Path, others: int) -> list[str]:
    """What `others` (bits of a mode) may write is theirs; platforms without such bits report none."""
    with suppress(OSError):
        if sys.platform != "win32" and path.stat().st_mode & others:
            return [f"{path} can be written by others than its owner"]
    return []


def _identity_warnings(statement: Statement) -> list[str]:
    warnings = []
    for identity in statement.identities:
        if identity.kind == identities.ANY and statement.level == STRICT:
            warnings.append('identity "*" trusts everyone whom the stores\' authorities certify')
        elif identity.kind not in (identities.ANY, identities.SUBJECT):
            warnings.append(f'identity "{identity.text}" is for a plugin and matches no certificate here')
        unknown = identity.unknown_types()
        warnings += [f'identity "{identity.text}" asks for {name}, which no subject has' for name in unknown]
    return warnings


def _store_warnings(statement: Statement, stores: tuple[StoreView, ...], at: datetime) -> list[str]:
    empty = (store for store in stores if not store.certificates)
    warnings = [f"trust store {store.name} is missing or empty: {store.folder}" for store in empty]
    if statement.level != SKIP and all(store.kind == "tsa" for store in statement.stores):
        warnings.append("no store of kind ca or signingAuthority is named, so no signature can be trusted")
    for store in stores:
        warnings += [f"trust store {store.name}: {text}" for each in store.certificates if (text := _expiry(each, at))]
        place = Path(store.folder)
        warnings += [text for path in (place, *truststore.files(place)) for text in _of_others(path, stat.S_IWOTH)]
        ignored = truststore.folders(place)
        warnings += [f"trust store {store.name}: the folder {name} in it is ignored" for name in ignored]
    return warnings


def _expiry(certificate: CertificateView, at: datetime) -> str:
    left = certificate.not_after - at
    if left > EXPIRES_SOON:
        return ""
    word = "expires soon, on" if left >= timedelta() else "expired on"
    return f"certificate {certificate.subject} {word} {certificate.not_after.date()}"
