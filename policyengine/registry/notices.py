"""What registries want their users to know: `Warning` headers (distribution specification, "Warnings")."""

from __future__ import annotations

import re
import threading

from policyengine.oci import quoted
from policyengine.registry.targets import Origin
from policyengine.registry.transport import Response

LOGGER = "policyengine.registry"
"""The logger that is told; without another handler its warnings go to standard error."""

NOTICES = 10
"""Different ones that are passed on for one image."""

_CHARACTER = r"[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff]"
_WARNING = re.compile(rf'299 - "((?:{_CHARACTER})+)"')


class Notices:
    """Passes on what one server says, each text once, in quotes, printable and cut short."""

    def __init__(self, server: Origin) -> None:
        self._server = server
        self._said: set[str] = set()
        self._lock = threading.Lock()

    def heed(self, response: Response) -> None:
        """Pass on the warnings of an answer."""
        for name, value in response.headers:
            text = warning(value) if name.lower() == "warning" else ""
            if text and self._is_new(text):
                import logging

                logging.getLogger(LOGGER).warning("warning: %s says %s", self._server, quoted(text, 500))

    def _is_new(self, text: str) -> bool:
        with self._lock:
            new = text not in self._said and len(self._said) < NOTICES
            if new:
                self._said.add(text)
            return new


def warning(header: str) -> str:
    """The text of a `Warning` header, of the one form that the specification has; empty for any other."""
    found = _WARNING.fullmatch(header)
    if not found:
        return ""
    return re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL).encode("latin-1").decode(errors="replace")
