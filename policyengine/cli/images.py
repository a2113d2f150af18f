"""Which arguments of `eval` are policies and which are images, and where the images are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from policyengine.errors import InvalidReference, UsageError
from policyengine.evidence.problems import quoted
from policyengine.language.source import SUFFIX
from policyengine.oci import Reference, is_digest

if TYPE_CHECKING:
    from policyengine.cli.manifests import Named
    from policyengine.engine import Request

MARKER = "oci-layout"
"""The file that makes a folder an image layout (image specification, `image-layout.md`)."""


class Arguments(Struct, frozen=True):
    """The references and policies that were named."""

    references: tuple[str, ...]
    policies: tuple[str, ...]


class Image(Struct, frozen=True):
    """One image to decide about; `shown` is what stands before the digest in reports, where it is not the reference."""

    request: Request
    shown: str = ""


def sorted_out(arguments: Sequence[str], policies: Sequence[str], listed: Sequence[Named] = ()) -> Arguments:
    """What names a file or folder is a policy path, the rest are references; `listed` are those that files name.

    Raises `UsageError` where either is missing, or where something is plainly meant to be the other thing.
    """
    paths = [argument for argument in arguments if os.path.lexists(argument)]
    references = [argument for argument in arguments if argument not in paths]
    for path in paths:
        if os.path.lexists(f"{path}/{MARKER}"):
            raise UsageError(f"{quoted(path)} is an image layout, not policies", f"write --oci-layout {path}@sha256:…")
        if _names_image(path):
            advice = f"write ./{path} for the file or folder, or run this in another folder"
            raise UsageError(f"{quoted(path)} names an image, and a file or folder that is here", advice)
    for reference in references:
        if reference.endswith((SUFFIX, "/")) or reference.startswith(("./", "../", "~")):
            raise UsageError(f"there is no {quoted(reference)}", "name the files or folders that hold your policies")
    if not references and not listed:
        raise UsageError("no image was named", "write registry.example.com/repository@sha256:… before the policies")
    if not paths and not policies:
        plain = [reference for reference in references if ":" not in reference and "@" not in reference]
        missing = f"there is no file or folder {quoted(plain[-1])}" if plain else "no policy was named"
        raise UsageError(missing, "name the files or folders that hold your policies")
    return Arguments((*references, *(each.text for each in listed)), (*policies, *paths))


def _names_image(text: str) -> bool:
    """Whether `text` is a whole reference: a folder of that name among the sources must not take the image's place."""
    try:
        return bool(Reference.parse(text).target)
    except InvalidReference:
        return False


def in_layouts(references: Sequence[str], repository: str | None, platform: str | None) -> list[Image]:
    """The images that `path@digest` or `path:tag` name; they stand for `repository`.

    Raises `InvalidReference` and `UsageError`.
    """
    name = Reference.parse(repository) if repository else None
    if name is not None and (name.tag or name.digest):
        raise UsageError(f"{quoted(repository or '')} is more than a repository", f"write --repository {name.name}")
    return [_in_layout(reference, name, platform) for reference in references]


def _in_layout(text: str, name: Reference | None, platform: str | None) -> Image:
    from policyengine.engine import Request
    from policyengine.registry.layout import Layout, parse_layout_reference

    path, target = parse_layout_reference(text)
    tag, digest = (None, target) if is_digest(target) else (target, None)
    registry, repository = (name.registry, name.repository) if name else ("", str(path.absolute()).removeprefix("/"))
    request = Request(Reference(registry, repository, tag, digest), Layout(path), platform)
    return Image(request, "" if name else f"{path}:{tag}" if tag else str(path))


def in_registries(references: Sequence[str]) -> list[Reference]:
    """The references to images in registries; raises `InvalidReference` for the first that is none."""
    parsed = []
    for text in references:
        layout = text.rpartition("@")[0] or text.rpartition(":")[0]
        if layout and os.path.lexists(f"{layout}/{MARKER}"):
            raise UsageError(f"{quoted(layout)} is an image layout", f"write --oci-layout {text}")
        try:
            reference = Reference.parse(text)
            reference.target  # noqa: B018 # raises where there is neither a tag nor a digest
        except InvalidReference as error:
            raise _hinted(error, text) from None
        parsed.append(reference)
    return parsed


def _hinted(error: InvalidReference, text: str) -> InvalidReference:
    """`error`, with the other thing that the argument may have been meant to be."""
    if "/" in text and ":" not in text and "@" not in text:
        return InvalidReference(error.message, f"{error.help}; or is it a policy path? there is no file {quoted(text)}")
    return error
