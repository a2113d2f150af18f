"""Links in files that say whom to trust: refused, but for those of a ConfigMap or Secret that Kubernetes mounts.

A mounted `NAME` is a link to `..data/NAME` beside it, and `..data` one to a folder beside it, which is swapped as
a whole when the content changes. Such links lead nowhere that whoever may write them could not write anyway.
"""

from __future__ import annotations

from pathlib import Path

DATA = "..data"
"""The link that a mount keeps to its current content; entries that begin with two dots are its own."""


def is_stray_link(path: Path) -> bool:
    """Whether `path` is a symbolic link that no mount would have written; raises `OSError`."""
    return path.is_symlink() and not _is_mounted(path)


def is_own(path: Path) -> bool:
    """Whether `path` is what a mount keeps beside the names that it shows: `..data`, and the folder behind it."""
    data = path.parent / DATA
    return _is_current(data) and path.name in (DATA, str(data.readlink()))


def _is_mounted(path: Path) -> bool:
    """Whether the link is the mount's: to its own name in `..data`, and no link there."""
    data = path.parent / DATA
    here = path.readlink() == Path(DATA) / path.name
    return here and _is_current(data) and not (data / path.name).is_symlink()


def _is_current(data: Path) -> bool:
    """Whether `..data` is a link to a folder beside it that has a mount's name."""
    if not data.is_symlink():
        return False
    name = str(data.readlink())
    folder = data.with_name(name) if name.startswith("..") and Path(name).name == name != ".." else None
    return folder is not None and folder.is_dir() and not folder.is_symlink()
