"""What the compiler has to say about a policy: one problem, located, with the way out."""

from __future__ import annotations

from msgspec import Struct

from policyengine.language.syntax import Span


class Diagnostic(Struct, frozen=True):
    """One problem. `code` is stable (`E012`, `W003`); `severity` is `error` or `warning`.

    `message` is one lower-case sentence, `notes` say more, `help` says what to do, `suggestion` is the
    text to put in place of the underlined one.
    """

    code: str
    severity: str
    message: str
    span: Span
    notes: tuple[str, ...] = ()
    help: str | None = None
    suggestion: str | None = None


def order(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    """The order in which problems are shown: by file, then by place."""
    span = diagnostic.span
    return span.path, span.line, span.column, diagnostic.code


class Problems:
    """Collects the problems of one run of the compiler."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []

    def error(
        self, code: str, span: Span, message: str, *notes: str, help: str | None = None, suggestion: str | None = None
    ) -> None:
        """Something that must not be compiled."""
        self.found.append(Diagnostic(code, "error", message, span, notes, help, suggestion))

    def warn(
        self, code: str, span: Span, message: str, *notes: str, help: str | None = None, suggestion: str | None = None
    ) -> None:
        """Something that compiles and probably is not meant."""
        self.found.append(Diagnostic(code, "warning", message, span, notes, help, suggestion))

    @property
    def errors(self) -> bool:
        """Whether anything must not be compiled."""
        return any(diagnostic.severity == "error" for diagnostic in self.found)
