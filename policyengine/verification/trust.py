"""What is trusted: a trust policy and the trust stores that it names, in Notation's formats and places."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from policyengine import limits
from policyengine.errors import TrustError
from policyengine.verification import mounts, trustpolicy
from policyengine.verification.trustpolicy import Statement, StoreName, TrustPolicy

if TYPE_CHECKING:
    from policyengine.verification.certificates import Certificate

POLICY_NAMES = ("trustpolicy.oci.json", "trustpolicy.json")
"""The names of a trust policy, the one that is preferred first."""

HELP_STORE = "name the folder that contains x509/ca/…, as Notation lays it out"
HELP_NO_POLICY = "write a trust policy, or name one with --trust-policy"


class Trust:
    """A trust policy, and its stores' certificates, which are read when a signature needs them.

    `file` is the trust policy's, `stores` the folder that contains `x509`. Where there is no policy
    nothing is trusted, and `reason` says why. `content` are the bytes that `policy` was read from. What is
    `known` of a store, its certificates or why it cannot be read, is not looked for on disk.
    """

    __slots__ = ("_read", "content", "file", "policy", "reason", "stores")

    def __init__(
        self,
        policy: TrustPolicy,
        file: Path | None = None,
        stores: Path | None = None,
        reason: str = "",
        content: bytes | None = None,
        known: Mapping[StoreName, tuple[Certificate, ...] | TrustError] = MappingProxyType({}),
    ) -> None:
        self.policy, self.file, self.stores, self.reason, self.content = policy, file, stores, reason, content
        self._read: dict[StoreName, tuple[Certificate, ...] | TrustError] = dict(known)

    @classmethod
    def load(cls, policy_file: Path | None = None, store_dir: Path | None = None) -> Trust:
        """The trust policy in `policy_file` and the stores under `store_dir`, by default where Notation keeps them.

        Raises `TrustError` with the place of the fault; a missing policy is one too.
        """
        home = notation_folder()
        file = policy_file or _policy_in(home)
        if store_dir is not None and not (store_dir / "x509").is_dir():
            raise TrustError(f"{store_dir} has no folder x509", HELP_STORE)
        content = _content(file)
        return cls(trustpolicy.parse(content, file), file, store_dir or home / "truststore", content=content)

    @classmethod
    def for_evaluation(cls, policy_file: Path | None = None, store_dir: Path | None = None) -> Trust:
        """Like `load`, but where nothing is named and Notation has no trust policy: `Trust.none`."""
        if policy_file is None and store_dir is None:
            try:
                _policy_in(notation_folder())
            except TrustError as missing:
                return cls.none(missing.message)
        return cls.load(policy_file, store_dir)

    @classmethod
    def none(cls, reason: str) -> Trust:
        """Nothing is trusted, for this reason."""
        return cls(TrustPolicy(()), reason=reason)

    def select(self, repository: str) -> Statement | None:
        """The statement for `registry/repository`, without tag or digest."""
        return self.policy.select(repository)

    def certificates(self, store: StoreName) -> tuple[Certificate, ...]:
        """The certificates of one store, none where it is missing or empty; read once.

        Raises `TrustError` where it breaks a rule.
        """
        if store not in self._read:
            from policyengine.verification import truststore

            self._read[store] = truststore.read(self.stores, store) if self.stores else ()
        found = self._read[store]
        if isinstance(found, TrustError):
            raise found
        return found


def notation_folder(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """Notation's configuration folder on this platform ("Trust Store": `{NOTATION_CONFIG}`)."""
    home = Path(environment.get("USERPROFILE" if platform == "win32" else "HOME") or Path.home())
    if platform == "win32":
        return Path(environment.get("APPDATA") or home / "AppData" / "Roaming") / "notation"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "notation"
    return Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "notation"


def _policy_in(home: Path) -> Path:
    for name in POLICY_NAMES:
        if os.path.lexists(home / name):
            return home / name
    raise TrustError(f"there is no trust policy: {home} has no {' and no '.join(POLICY_NAMES)}", HELP_NO_POLICY)


def _content(file: Path) -> bytes:
    try:
        status = file.stat()
        if mounts.is_stray_link(file) or not stat.S_ISREG(status.st_mode):
            raise TrustError(f"trust policy {file} is a link or no regular file", "name the file itself")
        if status.st_size > limits.TRUST_FILE_BYTES:
            raise TrustError(f"trust policy {file} has more than {limits.TRUST_FILE_BYTES} bytes")
        return file.read_bytes()
    except OSError as fault:
        raise TrustError(f"trust policy {file} cannot be read: {str(fault.strerror).lower()}", HELP_NO_POLICY) from None
