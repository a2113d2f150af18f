"""What the rules of one policy look at: the facts it may see, and the instant."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from policyengine.evidence.model import Collection, Gap, Image, singular


class View:
    """One image's facts as one policy sees them, at the instant `at` (aware, UTC).

    `collections` maps the names an expression can write (`findings`, a declared kind's plural) to what is
    known of them; what was never gathered is one gap, not an empty collection.
    """

    __slots__ = ("at", "collections", "conflicts", "image")

    def __init__(self, image: Image, collections: Mapping[str, Collection[Any]], at: datetime) -> None:
        self.image = image
        self.collections = collections
        self.at = at
        self.conflicts: Any = None

    def collection(self, name: str) -> Collection[Any]:
        """The collection called `name`."""
        known = self.collections.get(name)
        return known if known is not None else Collection(gaps=(Gap(f"no usable {singular(name)}: none was gathered"),))
