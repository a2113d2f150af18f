"""`explain CODE`: what a diagnostic or an error means, and what to do about it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from policyengine.errors import PolicyEngineError, UsageError
from policyengine.evidence.problems import closest, quoted
from policyengine.language.codes import TITLES
from policyengine.reports.json import dump, given
from policyengine.reports.look import Page

CODE = re.compile(r"(?:[EW]|PE)[0-9]{3}", re.IGNORECASE)
PAGES = "diagnostics"
"""The folder of the pages: in the wheel inside the package, in a checkout below `docs`."""

EXITS = {
    1: "exit code 1: the image, or what it was held against, did not pass; trying again gives the same answer",
    2: "exit code 2: the command, the policies or the trust policy are wrong; nothing was decided, and nothing fetched",
    3: "exit code 3: nobody could decide; nothing was allowed",
}

ADVICE: Mapping[str, str] = {
    "PE000": "This is a fault of policyengine, not of your input. Run the command again with -v, and report what it "
    "prints.",
    "PE100": "Read the sentence beside the code and its help; `policyengine COMMAND --help` shows every option with "
    "examples.",
    "PE110": "Write a reference as registry/repository@sha256:… or registry/repository:tag. Letters of a repository "
    "are lower case, and a digest has all of its digits.",
    "PE120": "`policyengine check` shows every problem with its line; `policyengine explain CODE` says what each code "
    "means.",
    "PE130": "`policyengine trust` shows the trust policy and the place of the mistake. Until it is mended no "
    "signature counts.",
    "PE300": "The registry answered in a way that says nothing about the image. Look at what it said; if it is "
    "overloaded, try again.",
    "PE301": "The registry says that this image or document is not there. Compare the name, the tag and the digest "
    "with what was pushed; some registries say so to logins without the right to read, too.",
    "PE302": "Log in with `docker login` or `oras login`, or name the file of logins with --registry-config. The login "
    "needs the right to read.",
    "PE303": "The registry limits requests. Wait for as long as it says, log in (most limits are lower without), or "
    "ask with fewer --workers.",
    "PE304": "Look whether the name resolves, whether a proxy is needed, and whether --ca-file or --plain-http is "
    "missing. Trying again may help.",
    "PE400": "The bytes that the registry serves break a rule. Push the artifact again with a tool of today; trying "
    "again does not help.",
    "PE401": "Somebody changed the bytes, or they were cut short on their way into the registry. Do not use them; push "
    "the artifact again, and find out how this came about.",
    "PE402": "A document, manifest or list is larger than what this program reads of one. Attach less of it, or split "
    "it.",
    "PE403": "The manifest or index breaks the image specification at the place that the sentence names. Push it again "
    "with another tool.",
    "PE500": "`policyengine read FILE` shows what is wrong with a document, and where. Have the tool write it again; a "
    "document that cannot be read counts against the image.",
    "PE600": "The sentence names the step that failed. `policyengine trust` shows who is trusted; sign again with such "
    "an identity, or mend the trust policy if it is wrong.",
}
"""What to do about each error."""


class Explained(Struct, frozen=True):
    """A code, its title in a few words, and what there is to say about it, as Markdown."""

    code: str
    title: str
    text: str


def asked(arguments: Sequence[str]) -> bool:
    """Whether all `arguments` have the form of a code."""
    return bool(arguments) and all(CODE.fullmatch(argument) for argument in arguments)


def explained(code: str) -> Explained:
    """What a code means; raises `UsageError` for one that nothing has."""
    code, errors = code.upper(), _errors()
    if code in TITLES:
        return Explained(code, TITLES[code], _page(code))
    if code in errors:
        return _error(errors[code])
    near = closest(code, (*TITLES, *errors))
    help = f"did you mean `{near}`?" if near else "see `policyengine check --codes` for those of diagnostics"
    raise UsageError(f"there is no code {quoted(code)}", help)


def _page(code: str) -> str:
    """The page of a diagnostic without its title; where the pages are not installed, where to find them."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / PAGES, package.parent / "docs" / PAGES):
        file = folder / f"{code}.md"
        if file.is_file():
            return file.read_text(encoding="utf-8").partition("\n")[2].strip()
    return f"The page docs/diagnostics/{code}.md of the documentation shows a wrong and a right example."


def _errors() -> dict[str, type[PolicyEngineError]]:
    """Every class of errors by its code; of several with one code the first in the tree."""
    found: dict[str, type[PolicyEngineError]] = {}
    waiting = [PolicyEngineError]
    while waiting:
        kind = waiting.pop(0)
        found.setdefault(kind.code, kind)
        waiting += kind.__subclasses__()
    return found


def _error(kind: type[PolicyEngineError]) -> Explained:
    """What an error's class says of itself, how the command ends with it, and what to do."""
    said = inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0]
    title = " ".join(said.split()).rstrip(".")
    parts = [ADVICE.get(kind.code, ""), f"{EXITS[kind.exit_code][:1].upper()}{EXITS[kind.exit_code][1:]}."]
    return Explained(kind.code, f"{title[:1].lower()}{title[1:]}", "\n\n".join(part for part in parts if part))


# ---------------------------------------------------------------------------- for people and for programs


def text(page: Page, codes: Sequence[Explained]) -> str:
    """Title and page of each, as text: headings and fences of Markdown are left out, code is indented."""
    for each in codes:
        page.blank()
        page.line((each.code, "bold red" if each.code[0] != "W" else "bold yellow"), (f": {each.title}", "bold"))
        page.blank()
        _markdown(page, each.text)
    return page.text()


def _markdown(page: Page, markdown: str) -> None:
    for line, code in _paragraphs(markdown):
        if code and line:
            page.line(line, indent=4, wrap=False)
        elif line:
            page.line(line, hang=0)
        else:
            page.blank()


def _paragraphs(markdown: str) -> Iterator[tuple[str, bool]]:
    """The lines to show, each with whether it is code: a paragraph is one line, wrapped by whoever shows it."""
    waiting: list[str] = []
    fenced = False
    for line in (*markdown.split("\n"), ""):
        if line.startswith("```"):
            fenced = not fenced
        elif fenced:
            yield line, True
        elif line:
            waiting.append(line.lstrip("# "))
        else:
            yield " ".join(waiting), False
            yield "", False
            waiting.clear()


def document(codes: Sequence[Explained]) -> str:
    """The codes as JSON, their text as Markdown."""
    listed = [given(code=each.code, title=each.title, text=each.text) for each in codes]
    return dump({"schemaVersion": "1", "codes": listed})
