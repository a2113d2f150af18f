"""A dozen decisions built by hand: what every report must be able to show."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

from policyengine.decision.model import (
    Decision,
    DocumentResult,
    PlatformResult,
    PolicySetSummary,
    Reason,
    RuleResult,
    SignatureResult,
    Subject,
    Violation,
    WaiverResult,
)  # fmt: skip
from tests.reports.agents import HOSTILE

AT = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
REPOSITORY = "registry.example.com/prod/order-api"
CHECKS = {
    "integrity": "passed", "authenticity": "passed", "authenticTimestamp": "passed", "expiry": "passed",
    "revocation": "skipped",
}  # fmt: skip
FILE = "policies/production.policy"


def digest(seed: str) -> str:
    return "sha256:" + (seed * 64)[:64]


IMAGE, SCAN, SBOM, SIGNED_IMAGE, SIGNED_SCAN, SIGNED_SBOM = map(digest, ("34cd", "5a", "5b", "e1", "e2", "e3"))
SUBJECT = Subject(f"{REPOSITORY}:1.4", REPOSITORY, IMAGE, "application/vnd.oci.image.manifest.v1+json")
POLICIES = PolicySetSummary(digest("b0"), ("production",), None, {"production.max_medium": 50})


def rule(name: str, status: str = "passed", *violations: Violation, effect: str = "deny", **more: object) -> RuleResult:
    title = str(more.pop("title", name.replace("-", " ")))
    written = str(more.pop("written", effect))
    known = {"path": FILE, "line": 7, **more}
    return RuleResult(f"production.{name}", written, effect, title, status, violations, **known)  # type: ignore[arg-type]


def signature(own: str, subject: str, **more: object) -> SignatureResult:
    values: dict[str, object] = {
        "status": "verified", "checks": CHECKS, "identity": "C=US, O=acme, CN=release", "trust_policy": "order-api",
        "signed_at": datetime(2026, 11, 22, 17, 30, tzinfo=UTC), **more,
    }  # fmt: skip
    return SignatureResult(own, subject, "cose", **values)  # type: ignore[arg-type]


SIGNATURES = (signature(SIGNED_IMAGE, IMAGE), signature(SIGNED_SCAN, SCAN), signature(SIGNED_SBOM, SBOM))
USED_SCAN = DocumentResult(SCAN, "application/sarif+json", "used", "scan", "trivy", "sarif", None, (SIGNED_SCAN,))
USED_SBOM = DocumentResult(SBOM, "application/spdx+json", "used", "sbom", "syft", "spdx", None, (SIGNED_SBOM,))


def decision(word: str, *rules: RuleResult, **more: object) -> Decision:
    values: dict[str, object] = {
        "subject": SUBJECT, "at": AT, "policy_set": POLICIES, "evidence": (USED_SCAN, USED_SBOM),
        "signatures": SIGNATURES, **more,
    }  # fmt: skip
    return Decision(word, rules=rules, **values)  # type: ignore[arg-type]


def finding(number: int) -> Violation:
    text = f"CVE-2024-{number:04} (CRITICAL) in pkg:deb/debian/openssl@3.0.{number}, fixed in 3.0.{number + 1}"
    return Violation(text, f"CVE-2024-{number:04} in pkg:deb/debian/openssl@3.0.{number}", "violated", None, (SCAN,))


ALLOW = decision("allow", rule("image-signed"), rule("scanned"), rule("no-critical"), rule("unused", "not-applicable"))

DENY = decision(
    "deny",
    rule("image-signed"),
    rule("backlog", "violated", Violation("61 medium findings, the limit is 50", None, "violated"), effect="warn"),
    rule(
        "no-critical", "violated", finding(1), finding(2), title="no fixable critical finding", line=9,
        help="Upgrade the package, or ask the owner of this policy for a waiver.",
    ),
)  # fmt: skip

UNDETERMINED = decision(
    "deny",
    rule("image-signed"),
    rule(
        "licenses", "undetermined",
        Violation("licenses", None, "undetermined", "no usable sbom: 1 found, not signed by a trusted identity"),
        line=31,
    ),
    evidence=(
        USED_SCAN,
        DocumentResult(
            SBOM, "application/spdx+json", "untrusted", "sbom", "syft", "spdx", "not signed by a trusted identity",
            (SIGNED_SBOM,),
        ),
        DocumentResult(digest("77"), "text/plain", "irrelevant"),
    ),
    signatures=(
        *SIGNATURES[:2],
        signature(
            SIGNED_SBOM, SBOM, status="rejected", identity=None, trust_policy=None, signed_at=None,
            reason="the certificate `CN=stranger` leads to no trusted root",
            checks={**CHECKS, "authenticity": "failed"},
        ),
    ),
)  # fmt: skip

ERROR = decision(
    "error",
    rule("image-signed"),
    rule(
        "scanned", "undetermined",
        Violation("scanned", None, "undetermined", "registry.example.com does not answer", outside=True, retry=True),
    ),
    evidence=(),
    signatures=SIGNATURES[:1],
    reasons=(Reason("unavailable", "registry.example.com does not answer", True),),
)  # fmt: skip

UNRESOLVED = decision(
    "error", subject=Subject(f"{REPOSITORY}:1.4", REPOSITORY, "", ""), evidence=(), signatures=(),
    reasons=(Reason("PE304", "registry.example.com does not answer", True),),
)  # fmt: skip

NO_POLICY = decision(
    "deny", rule("image-signed", "not-applicable"),
    reasons=(Reason("no-policy-applies", "no policy applies to this image"),),
)  # fmt: skip

WAIVED = decision(
    "allow",
    rule("image-signed"),
    rule("fixable", "waived", Violation(finding(3).message, finding(3).element, "violated", None, (SCAN,), waiver=0)),
    waivers=(
        WaiverResult(
            "production.fixable", "payments@example.com", "not reachable: TLS is terminated upstream", "SEC-991",
            date(2026, 12, 31), "used", 1, FILE, 40,
        ),
        WaiverResult("production.licenses", "legal@example", "bought", None, date(2026, 6, 30), "expired", 0, FILE, 44),
        WaiverResult("production.fixable", "web@example.com", "gone", None, date(2027, 1, 1), "unused", 0, FILE, 48),
    ),
)  # fmt: skip

DOWNGRADED = decision(
    "allow",
    rule("image-signed", "violated", Violation("image signed", None, "violated"), effect="warn", written="deny"),
    policy_set=PolicySetSummary(digest("b0"), ("production",), "dev", {"production.max_medium": 200}),
    evidence=(), signatures=(), warnings=("the trust store `ca:release` is empty",),
)  # fmt: skip

THOUSAND = decision("deny", rule("no-critical", "violated", *map(finding, range(1000))))

BAD = " ".join(text for text in HOSTILE if not any("\ud800" <= c <= "\udfff" for c in text))
HOSTILE_TEXT = decision(
    "deny",
    rule("no-critical", "violated", Violation(BAD, BAD, "violated", BAD, (SCAN,), help=BAD), title=BAD, help=BAD),
    evidence=(DocumentResult(SCAN, BAD, "untrusted", None, BAD, BAD, BAD, (SIGNED_SCAN,), (BAD,)),),
    signatures=(signature(SIGNED_SCAN, SCAN, identity=BAD, reason=BAD, status="rejected"),),
    reasons=(Reason("x", BAD),), warnings=(BAD,),
    waivers=(WaiverResult(BAD, BAD, BAD, BAD, date(2026, 12, 31), "used", 1, BAD, 1),),
    subject=Subject(BAD, BAD, IMAGE, BAD, BAD),
)  # fmt: skip

AMD, ARM = digest("a64"), digest("a93")
INDEX = decision(
    "deny",
    rule("image-signed"),
    rule(
        "no-critical", "violated",
        Violation(finding(1).message, finding(1).element, "violated", platform="linux/arm64"),
        title="no fixable critical finding",
    ),
    subject=Subject(f"{REPOSITORY}@{IMAGE}", REPOSITORY, IMAGE, "application/vnd.oci.image.index.v1+json"),
    platforms=(PlatformResult("linux/amd64", AMD, "allow"), PlatformResult("linux/arm64", ARM, "deny")),
    evidence=(
        DocumentResult(SCAN, "application/sarif+json", "used", "scan", "trivy", "sarif", platform="linux/arm64"),
    ),
    signatures=(signature(SIGNED_IMAGE, IMAGE), signature(SIGNED_SCAN, ARM, platform="linux/arm64")),
)  # fmt: skip

CASES: Mapping[str, tuple[Decision, ...]] = {
    "allow": (ALLOW,), "deny": (DENY,), "undetermined": (UNDETERMINED,), "error": (ERROR,),
    "unresolved": (UNRESOLVED,), "no-policy": (NO_POLICY,), "waived": (WAIVED,), "downgraded": (DOWNGRADED,),
    "thousand": (THOUSAND,), "hostile": (HOSTILE_TEXT,), "index": (INDEX,), "several": (ALLOW, DENY, UNRESOLVED),
}  # fmt: skip
