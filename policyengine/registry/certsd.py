"""Certificates for single registries, where docker and podman keep them: `certs.d/HOST[:PORT]/`.

Files that end in `.crt` hold certificate authorities for that registry alone; `NAME.cert` and `NAME.key` are a client
certificate for it, and its key (containers-certs.d(5), and docker's "Verify repository client with certificates").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from policyengine.errors import UsageError
from policyengine.oci import quoted
from policyengine.registry.tls import Certificates, Identity

SYSTEM = (Path("/etc/containers/certs.d"), Path("/etc/docker/certs.d"))
"""The folders of all users, which are looked at after the user's own."""


class Folders:
    """The folders `certs.d` that hold for the user who runs this process; each registry's is read once."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        home = environment.get("HOME") or environment.get("USERPROFILE")
        self._places = (*([Path(home, ".config/containers/certs.d")] if home else ()), *SYSTEM)
        self._known: dict[str, Certificates] = {}

    def of(self, registry: str) -> Certificates:
        """What the first folder holds that is there for `registry`, in its one name `host[:port]`; nothing without one.

        Raises `UsageError` for a folder that cannot be read, and for half a pair.
        """
        if registry not in self._known:
            self._known[registry] = next(self._found(registry), Certificates())
        return self._known[registry]

    def _found(self, registry: str) -> Iterator[Certificates]:
        for place in self._places:
            folder = place / registry  # a canonical name: letters, digits, dots, colons and brackets only
            try:
                names = sorted(each.name for each in folder.iterdir())
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as fault:
                why = (fault.strerror or "no reason given").lower()
                raise UsageError(f"the certificates in {quoted(folder)} cannot be read: {why}") from None
            yield _certificates(folder, names)


def _certificates(folder: Path, names: Sequence[str]) -> Certificates:
    """The files `names` by what they are: all authorities, and the first client certificate with its key."""
    pairs = sorted({Path(name).stem for name in names if name.endswith((".cert", ".key"))})
    for name in pairs:
        for kind in ("cert", "key"):
            if f"{name}.{kind}" not in names:
                raise UsageError(f"{quoted(folder)} holds half a client certificate, without {name}.{kind}")
    identity = Identity(str(folder / f"{pairs[0]}.cert"), str(folder / f"{pairs[0]}.key")) if pairs else None
    return Certificates(tuple(str(folder / name) for name in names if name.endswith(".crt")), identity)
