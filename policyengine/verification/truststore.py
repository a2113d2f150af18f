"""Trust stores on disk: `x509/{ca|signingAuthority|tsa}/NAME/*` under one folder.

Trust store and trust policy specification, "Trust Store". Every regular file of a store's own folder
is read, as PEM or DER, whatever it is called, and a file that holds anything else than certificates
is an error: a store is small, written by people, and decides whom to trust. Symbolic links are refused, but
for those of a mount (`mounts`).
"""

from __future__ import annotations

import binascii
import re
import stat
from pathlib import Path

from policyengine import limits
from policyengine.errors import TrustError, VerificationError
from policyengine.verification import certificates, mounts
from policyengine.verification.certificates import Certificate
from policyengine.verification.trustpolicy import StoreName

HELP = "a trust store is a folder of CA certificates as PEM or DER files, without links"


def folder(root: Path, store: StoreName) -> Path:
    """Where the certificates of `store` are, `root` being the folder that contains `x509`."""
    return root / "x509" / store.kind / store.name


def read(root: Path, store: StoreName) -> tuple[Certificate, ...]:
    """The certificates of `store`, by file name; none where the store is missing or empty.

    Raises `TrustError` with the file that breaks a rule. Sub-directories are ignored.
    """
    place = folder(root, store)
    found = tuple(certificate for file in files(place) for certificate in _read_file(store, file))
    return tuple(dict.fromkeys(found))


def files(place: Path) -> tuple[Path, ...]:
    """The regular files of a store's folder, sorted; none where there is no such folder."""
    try:
        for parent in (place.parent.parent, place.parent, place):
            _refuse_link(parent)
        entries = sorted(place.iterdir()) if place.exists() else []
        entries = [entry for entry in entries if not mounts.is_own(entry)]
        for entry in entries:
            _refuse_link(entry)
        return tuple(entry for entry in entries if not entry.is_dir())
    except OSError as fault:
        raise TrustError(f"trust store {place} cannot be read: {str(fault.strerror).lower()}", HELP) from None


def folders(place: Path) -> tuple[str, ...]:
    """The names of sub-directories of a store's folder: ignored, and worth a warning."""
    entries = sorted(place.iterdir()) if place.is_dir() else []
    return tuple(entry.name for entry in entries if entry.is_dir() and not mounts.is_own(entry))


def _refuse_link(path: Path) -> None:
    if mounts.is_stray_link(path):
        raise TrustError(f"{path} is a symbolic link, which a trust store must not contain", HELP)


def _read_file(store: StoreName, file: Path) -> tuple[Certificate, ...]:
    data = _content(file)
    encoded = _pem_blocks(file, data) if b"-----BEGIN" in data else (data,)
    try:
        found = tuple(certificates.read(der) for der in encoded)
    except VerificationError as fault:
        raise TrustError(f"{file} is not a certificate in a trust store: {fault}", HELP) from None
    for certificate in found:
        _check_kind(store, file, certificate)
    return found


def _content(file: Path) -> bytes:
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > limits.TRUST_FILE_BYTES:
            raise TrustError(f"{file} is not a regular file of at most {limits.TRUST_FILE_BYTES} bytes", HELP)
        return file.read_bytes()
    except OSError as fault:
        raise TrustError(f"{file} cannot be read: {str(fault.strerror).lower()}", HELP) from None


_BLOCK = rb"-----BEGIN ([^\r\n]*)-----\r?\n([A-Za-z0-9+/=\s]*)-----END \1-----"


def _pem_blocks(file: Path, data: bytes) -> tuple[bytes, ...]:
    """The DER of each PEM block (RFC 7468); nothing but certificates, and no block that is cut off."""
    blocks = re.findall(_BLOCK, data)
    if len(blocks) != data.count(b"-----BEGIN") or any(label != b"CERTIFICATE" for label, _ in blocks):
        raise TrustError(f"{file} holds something else than whole certificates", HELP)
    try:
        return tuple(binascii.a2b_base64(b"".join(body.split()), strict_mode=True) for _, body in blocks)
    except binascii.Error:
        raise TrustError(f"{file} holds a certificate that is not base64", HELP) from None


def _check_kind(store: StoreName, file: Path, certificate: Certificate) -> None:
    """A CA or a self-signed certificate; for time stamping authorities a root, which is both."""
    self_signed = certificates.is_issued_by(certificate, certificate)
    if store.kind == "tsa" and not (certificate.ca and self_signed):
        raise TrustError(f"{file} holds {certificate}, and a tsa store holds self-signed root CAs only", HELP)
    if not certificate.ca and not self_signed:
        raise TrustError(f"{file} holds {certificate}, which is neither a CA nor self-signed", HELP)
