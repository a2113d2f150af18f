"""The archive of a record: written the same for equal records, read strictly, never unpacked."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from policyengine import limits
from policyengine.errors import ContentError, PolicyEngineError, Unreachable, UsageError
from policyengine.oci import digest_of, is_digest, quoted
from policyengine.recording.record import FORMAT, VERSION, Record
from policyengine.registry.tar import Tar
from policyengine.strictjson import JsonError, loads

INDEX = "record.json"
HELP = "name a file that `policyengine eval --record FILE` wrote"


class NotRecorded(Unreachable):
    """Something that the decision depends on is not in the record, or not with its own bytes."""

    retry = False


# ---------------------------------------------------------------------------- writing


def save(path: Path, record: Record, contents: Mapping[str, bytes]) -> None:
    """Write the archive of `record` and its `contents` by digest to `path`, which is whole or not changed at all.

    Raises `UsageError` where it cannot be written.
    """
    try:
        index = msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"
    except UnicodeEncodeError:
        raise UsageError("a path among the policies or images is no text, so it cannot be recorded") from None
    members = {INDEX: index} | {member(digest): contents[digest] for digest in sorted(contents)}
    real = Path(os.path.realpath(path))
    draft = real.with_name(f".{real.name}.{os.getpid()}")
    try:
        with draft.open("xb") as file:
            _write(file, members)
        draft.replace(real)
    except OSError as error:
        raise UsageError(f"cannot write {quoted(str(path))}: {(error.strerror or 'output error').lower()}") from None
    finally:
        draft.unlink(missing_ok=True)


def member(digest: str) -> str:
    """The name in the archive of the content with this digest."""
    return f"blobs/{digest.replace(':', '/')}"


def _write(file: BinaryIO, members: Mapping[str, bytes]) -> None:
    """The members in their order, without times, owners or anything else that differs from run to run."""
    import tarfile

    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            archive.addfile(info, io.BytesIO(data))


# ---------------------------------------------------------------------------- reading


class Recorded:
    """The record in the archive at `path`, with its contents. Raises `UsageError` for what is none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._tar = Tar(path.open("rb"))
            index = self._tar.read(INDEX, limits.RECORD_BYTES)
        except OSError as error:
            raise self.refused((error.strerror or "input error").lower()) from None
        except (ContentError, ValueError) as error:
            raise self.refused(str(error)) from None
        if index is None:
            raise self.refused(f"it has no {INDEX}")
        self.record = self._read(index)

    def _read(self, index: bytes) -> Record:
        """The record, strictly: what a later version means is not guessed."""
        try:
            fields = loads(index)
            self._check_version(fields)
            record = msgspec.convert(fields, Record)
        except (JsonError, msgspec.ValidationError) as error:
            raise self.refused(f"its {INDEX} is broken: {str(error).lower()}") from None
        listed = [each for image in record.images for answer in image.answers for each in answer.listed or ()]
        if not all(is_digest(each.digest) and 0 <= each.size < 2**63 for each in listed):
            raise self.refused(f"its {INDEX} lists something without a digest or size")
        if not (record.images and record.policies):
            raise self.refused(f"its {INDEX} names no image, or no policy")
        return record

    def _check_version(self, fields: Any) -> None:
        if not isinstance(fields, dict) or fields.get("format") != FORMAT:
            raise self.refused(f"its {INDEX} is of something else")
        version = fields.get("version")
        if version != VERSION:
            raise self.refused(f"it has the version {quoted(str(version))}, and this engine reads {VERSION}")

    def content(self, digest: str, limit: int) -> bytes:
        """The content with this SHA-256 digest, of at most `limit` bytes; raises `NotRecorded` where it is not there.

        It is not there as well where a member of that name has other bytes.
        """
        try:
            data = self._tar.read(member(digest), limit) if _is_sha256(digest) else None
        except ContentError as error:
            raise NotRecorded(f"the record is damaged: {error.message}") from None
        if data is None:
            raise NotRecorded(f"the record does not hold {quoted(digest)}")
        if digest_of(data) != digest:
            raise NotRecorded(f"the record is damaged: {digest} has other bytes")
        return data

    def needed(self, digest: str, limit: int) -> bytes:
        """Like `content`, for what nothing can be decided without; raises `UsageError`."""
        try:
            return self.content(digest, limit)
        except PolicyEngineError as error:
            raise self.refused(error.message) from None

    def refused(self, why: str) -> UsageError:
        """The error for a record from which nothing can be replayed."""
        return UsageError(f"{quoted(str(self._path))} is no record that can be replayed: {why}", HELP)


def _is_sha256(digest: str) -> bool:
    return len(digest) == 71 and digest.startswith("sha256:") and not digest[7:].strip("0123456789abcdef")
