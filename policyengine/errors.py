"""Every exception this package raises on purpose.

    PolicyEngineError            `code`, one sentence, `help`, `exit_code`
    ├── UsageError          (2)  a wrong option, a file that is not there, a layout that is none
    ├── InvalidReference    (2)  an image reference or digest that breaks the grammar
    ├── PolicyError         (2)  policies that do not compile: carries their diagnostics
    ├── TrustError          (2)  a trust policy or trust store that breaks its rules
    ├── RegistryError       (3)  content could not be had, for a reason outside the artifact
    │   ├── NotFound             the registry answers that it is not there
    │   ├── Unauthorized         no valid login, or no right to read
    │   ├── RateLimited          asked to come back later
    │   └── Unreachable          no connection, no answer in time, a server fault
    ├── ContentError        (1)  the artifact's own bytes are wrong: never retried, never trusted
    │   ├── DigestMismatch       bytes that do not have their digest or size
    │   ├── TooLarge             more bytes, entries or levels than `limits` allow
    │   └── Malformed            a manifest, index or layout that breaks its specification
    ├── EvidenceError       (1)  a document that cannot be read, with the place
    └── VerificationError   (1)  a signature that does not verify, with the failed step

Messages are one sentence in lower case without a full stop; `help` says what to do about it.
All of them survive pickling, since audits send them between processes.
"""

from __future__ import annotations

from typing import Any


class PolicyEngineError(Exception):
    """What a caller may catch to handle any failure of this package."""

    code = "PE000"
    exit_code = 3

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message, help)
        self.message = message
        self.help = help

    def __str__(self) -> str:
        return self.message


class UsageError(PolicyEngineError):
    """The command or call itself is wrong; nothing was evaluated."""

    code = "PE100"
    exit_code = 2


class InvalidReference(PolicyEngineError):
    """A reference, digest or tag that breaks the distribution specification's grammar."""

    code = "PE110"
    exit_code = 2


class PolicyError(PolicyEngineError):
    """Policies that do not compile; `diagnostics` holds every problem found, in order."""

    code = "PE120"
    exit_code = 2

    def __init__(self, message: str, help: str = "", diagnostics: tuple[Any, ...] = ()) -> None:
        super().__init__(message, help)
        self.args = (message, help, diagnostics)
        self.diagnostics = diagnostics


class TrustError(PolicyEngineError):
    """A trust policy or trust store that breaks the Notary Project's rules."""

    code = "PE130"
    exit_code = 2


class RegistryError(PolicyEngineError):
    """Content could not be had for a reason outside the artifact; `retry` says whether to try again."""

    code = "PE300"
    exit_code = 3
    retry = False


class NotFound(RegistryError):
    """The registry or layout answers that the content is not there."""

    code = "PE301"


class Unauthorized(RegistryError):
    """The registry refuses to serve the content to this login."""

    code = "PE302"


class RateLimited(RegistryError):
    """The registry asks to come back later."""

    code = "PE303"
    retry = True


class Unreachable(RegistryError):
    """No connection, no answer in time, or a fault of the server."""

    code = "PE304"
    retry = True


class ContentError(PolicyEngineError):
    """The artifact's own bytes are wrong; trying again cannot help."""

    code = "PE400"
    exit_code = 1


class DigestMismatch(ContentError):
    """Bytes that do not have the digest or size that their descriptor states."""

    code = "PE401"


class TooLarge(ContentError):
    """More bytes, entries or levels than `limits` allow."""

    code = "PE402"


class Malformed(ContentError):
    """A manifest, index or descriptor that breaks its specification."""

    code = "PE403"


class EvidenceError(PolicyEngineError):
    """A document that cannot be read.

    `line` and `column` count from 1, `offset` is a byte position from 0; each is `None` where the
    format gives no such place.
    """

    code = "PE500"
    exit_code = 1

    def __init__(
        self,
        message: str,
        help: str = "",
        line: int | None = None,
        column: int | None = None,
        offset: int | None = None,
    ) -> None:
        super().__init__(message, help)
        self.args = (message, help, line, column, offset)
        self.line, self.column, self.offset = line, column, offset


class VerificationError(PolicyEngineError):
    """A signature that does not verify; `check` names the failed one of the five checks."""

    code = "PE600"
    exit_code = 1

    def __init__(self, message: str, help: str = "", check: str = "integrity") -> None:
        super().__init__(message, help)
        self.args = (message, help, check)
        self.check = check
