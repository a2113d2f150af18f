"""Everything that is asked because of one certificate: its OCSP responders, then its issuer's revocation lists.

Trust store and trust policy specification, "Certificate Revocation Evaluation", for a single certificate. What
an answer has to satisfy is in `ocsp`, `crl` and `answers`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from msgspec import Struct

from policyengine import limits
from policyengine.decision.model import RevocationAnswer
from policyengine.errors import VerificationError
from policyengine.strictjson import quoted
from policyengine.verification import answers, crl, ocsp
from policyengine.verification.answers import Answers, Found, Question, Revoked
from policyengine.verification.certificates import Certificate
from policyengine.verification.revocation import Status

A = TypeVar("A", str, crl.Address)

OCSP, LIST, DELTA = "ocsp", "crl", "delta-crl"
GOOD, REVOKED, UNUSABLE = "good", "revoked", "unusable"


class Inquiry(Struct):
    """Everything that is asked because of one certificate of a chain, by the monotonic clock's `until`."""

    asked: Answers
    certificate: Certificate
    issuer: Certificate
    at: datetime
    signed_at: datetime | None
    until: float
    told: list[RevocationAnswer] = []

    def status(self) -> Status:
        """OCSP first; a list only where no responder gives a valid answer."""
        found = self._ocsp() or self._list(self.certificate, self.signed_at)
        if found is None:
            why = "; ".join(f"{quoted(told.url, 120)}: {told.reason}" for told in self.told)
            why = why or "it names no address that can be asked"
            return Status(tuple(self.told), f"the revocation of {self.certificate} cannot be determined: {why}")
        return Status(tuple(self.told), f"{self.certificate} is {found.entry}" if found.revoked else "", found.revoked)

    # Asking

    def _first(
        self, kind: str, certificate: Certificate, addresses: Sequence[A], ask: Callable[[A], Found]
    ) -> Found | None:
        """The first valid answer of several addresses; all that were asked are noted, and so is what they said."""
        for address in addresses[: limits.REVOCATION_ADDRESSES]:
            asked = (certificate.subject, kind, str(address)[: limits.MESSAGE_CHARACTERS])
            try:
                found = ask(address)
            except VerificationError as fault:
                self.told.append(RevocationAnswer(*asked, UNUSABLE, reason=fault.message))
                continue
            answer = REVOKED if found.revoked else GOOD
            reason = str(found.entry) if found.entry is not None else None
            self.told.append(RevocationAnswer(*asked, answer, found.this_update, found.next_update, reason))
            return found
        return None

    def _fetched(self, question: Question, limit: int, seconds: float) -> bytes:
        """What is answered, within the time that is left for the whole chain."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise VerificationError(f"asking about the chain took longer than {limits.REVOCATION_SECONDS:g} seconds")
        return self.asked.ask(self.at, question, limit, min(seconds, left))

    # OCSP

    def _ocsp(self) -> Found | None:
        return self._first(OCSP, self.certificate, ocsp.addresses(self.certificate), self._response)

    def _response(self, address: str) -> Found:
        """What a responder says, if it may say anything: a delegate that can be revoked must not be."""
        question = ocsp.question(address, self.certificate, self.issuer)
        data = self._fetched(question, limits.OCSP_BYTES, limits.OCSP_SECONDS)
        response = ocsp.read(data, self.certificate, self.issuer, self.at, self.signed_at)
        if response.responder is not None:
            its = self._list(response.responder, None)
            if its is None or its.revoked:
                fate = f"is {its.entry}" if its else "cannot be said not to be revoked"
                raise VerificationError(f"the responder {response.responder} {fate}")
        return response.found

    # Revocation lists

    def _list(self, certificate: Certificate, signed_at: datetime | None) -> Found | None:
        """What the first valid list says; a list that has expired still proves what it lists for good."""

        def ask(address: crl.Address) -> Found:
            return self._look_up(address, lambda complete: judge(address, complete))

        def judge(address: crl.Address, complete: crl.List) -> Found:
            crl.check_scope(complete, certificate, address)
            answers.check_begun(complete.this_update, self.at)
            entry = crl.entry(complete, certificate)
            if entry is None or not crl.is_final(entry) or entry.excuses(signed_at):
                answers.check_current(complete.this_update, complete.next_update, self.at)
                entry = self._updated(entry, certificate, complete)
            return crl.judge(entry, complete, signed_at)

        return self._first(LIST, certificate, crl.addresses(certificate), ask)

    def _updated(self, entry: Revoked | None, certificate: Certificate, complete: crl.List) -> Revoked | None:
        """The entry with what a delta list says; where there is one it has to be had, or too much may be missing."""

        def ask(address: crl.Address) -> Found:
            return self._look_up(address, judge)

        def judge(delta: crl.List) -> Found:
            crl.check_delta(delta, complete)
            answers.check_current(delta.this_update, delta.next_update, self.at)
            return crl.judge(crl.entry(delta, certificate), delta, None)

        addresses = crl.delta_addresses(complete, certificate)
        if not addresses:
            return entry
        found = self._first(DELTA, certificate, addresses, ask)
        if found is None:
            raise VerificationError("the list has a delta list that could not be had")
        return crl.combined(entry, found.entry)

    def _look_up(self, address: crl.Address, judge: Callable[[crl.List], Found]) -> Found:
        """What `judge` makes of the list at an address: of the one that was kept, or else of a new one."""
        kept = self.asked.kept(address.url)
        if kept is not None:
            try:
                return judge(crl.read(kept, self.issuer))
            except VerificationError:
                pass  # it expired, its delta list has outrun it, or somebody changed it
        data = self._fetched(Question(address.url, address.url), limits.CRL_BYTES, limits.CRL_SECONDS)
        found = judge(crl.read(data, self.issuer))
        self.asked.keep(address.url, data)
        return found
