"""`policyengine trust`: whose signatures count, and where."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from policyengine.cli.commands import Command, option, shared, trusting

if TYPE_CHECKING:
    from policyengine.cli.terminal import Terminal
    from policyengine.reports.look import Page
    from policyengine.verification.trustview import CertificateView, StatementView, StoreView, TrustView

EXAMPLES = """\b
Examples:
  policyengine trust
  policyengine trust --trust-policy trustpolicy.json --trust-store truststore -o json

Exit codes: 0 valid · 2 not valid, with the place
"""


@click.command("trust", cls=Command, epilog=EXAMPLES)
@trusting
@option("--at", "--effective-time", "at", metavar="TIME", help="The instant to look at it (RFC 3339); now.")
@option("-o", "--output", "outputs", topic="Output", multiple=True, metavar="FORMAT[=PATH]", help="table or json.")
@shared
def command(
    terminal: Terminal, trust_policy: str | None, trust_store: str | None, at: str | None, outputs: tuple[str, ...]
) -> int:
    """Show whose signatures are trusted for which repositories: the trust policy, and the certificates it names."""
    from policyengine.cli.instants import moment
    from policyengine.cli.output import outputs as parsed
    from policyengine.cli.output import put
    from policyengine.reports.json import dump
    from policyengine.verification.trust import Trust
    from policyengine.verification.trustview import describe

    wanted = parsed(outputs, ("table", "json"))
    trust = Trust.load(Path(trust_policy) if trust_policy else None, Path(trust_store) if trust_store else None)
    view = describe(trust, moment(at))
    for output in wanted:
        put(terminal, output, dump(document(view)) if output.format == "json" else text(terminal, view))
    return 0


def document(view: TrustView) -> dict[str, Any]:
    """What is trusted, for programs."""
    return {
        "schemaVersion": "1",
        "trustPolicy": view.policy_file,
        "trustStore": view.store_dir,
        "statements": [_statement(statement) for statement in view.statements],
        "warnings": list(view.warnings),
    }


def _statement(statement: StatementView) -> dict[str, Any]:
    return {
        "name": statement.name,
        "registryScopes": list(statement.scopes),
        "level": statement.level,
        "override": dict(statement.override),
        "checks": dict(statement.actions),
        "verifyTimestamp": statement.verify_timestamp,
        "trustedIdentities": list(statement.identities),
        "trustStores": [_store(store) for store in statement.stores],
        "warnings": list(statement.warnings),
    }


def _store(store: StoreView) -> dict[str, Any]:
    return {"name": store.name, "folder": store.folder, "certificates": [_certificate(c) for c in store.certificates]}


def _certificate(certificate: CertificateView) -> dict[str, Any]:
    return {
        "subject": certificate.subject,
        "sha256": certificate.fingerprint,
        "notBefore": _time(certificate.not_before),
        "notAfter": _time(certificate.not_after),
    }


def _time(instant: datetime) -> str:
    from policyengine.reports.instant import rfc3339

    return rfc3339(instant)


def text(terminal: Terminal, view: TrustView) -> str:
    """What is trusted, for people."""
    from policyengine.reports.look import Page

    page = Page(terminal.look())
    page.line(("trust policy", "bold"), f"  {view.policy_file}", wrap=False)
    page.line(("trust store", "bold"), f"   {view.store_dir}", wrap=False)
    _warnings(page, view.warnings, 0)
    for statement in view.statements:
        page.blank()
        _show(page, statement)
    return page.text()


def _show(page: Page, statement: StatementView) -> None:
    page.line((statement.name, "bold"), f"  for {', '.join(statement.scopes)}")
    overridden = ", ".join(f"{check}: {action}" for check, action in statement.override.items())
    page.line(f"level {statement.level}", f" ({overridden})" if overridden else "", indent=2)
    page.line(f"signed by {', '.join(statement.identities) or 'nobody'}", indent=2)
    for store in statement.stores:
        page.line(store.name, ("" if store.certificates else "  no certificate", "yellow"), indent=2)
        for certificate in store.certificates:
            until = f"until {_time(certificate.not_after)}"
            page.line(certificate.subject, f"  {until}  ", (certificate.fingerprint[:16], "dim"), indent=4)
    _warnings(page, statement.warnings, 2)


def _warnings(page: Page, warnings: tuple[str, ...], indent: int) -> None:
    for warning in warnings:
        page.line(("warning: ", "yellow"), warning, indent=indent)
