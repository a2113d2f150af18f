"""Builds the example: `python examples/order-api/build.py`, always the same bytes.

Two images of one service, `clean` and `vulnerable`, in one OCI image layout. Each carries a Trivy
scan (SARIF) and an SBOM (SPDX), attached as `oras attach` does it, and Notation signatures (COSE)
on the image, the scan and the SBOM, written as `notation sign` writes them. Beside the layout: the
trust policy and the trust store that accept them.

The documents are those that Trivy wrote about the vulnerable image. The clean image has the fixed
version of every package that they complain about, an SBOM that says so, and an empty scan.

THE KEYS ARE TEST KEYS. They are derived from the public seed below, so everybody has them: a
signature by them proves nothing. Never trust the example's root outside this example.
"""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HERE = Path(__file__).parent
SEED = "order-api example, test keys only, known to everybody"
REPOSITORY = "registry.example.com/prod/order-api"

CREATED = datetime(2026, 11, 22, 17, 30, tzinfo=UTC)
SIGNED = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
VALID = datetime(2026, 1, 1, tzinfo=UTC), datetime(2046, 1, 1, tzinfo=UTC)

LABELS = {
    "org.opencontainers.image.source": "https://github.com/example/order-api",
    "org.opencontainers.image.title": "order-api",
}

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
SIGNATURE = "application/vnd.cncf.notary.signature"
PAYLOAD = "application/vnd.cncf.notary.payload.v1+json"

FIXED = {
    "curl": ("7.88.1-10", "7.88.1-10+deb12u4"),
    "openssl": ("3.0.9-1", "3.0.15-1~deb12u1"),
    "jquery": ("3.3.9", "3.4.0"),
    "lodash": ("4.17.4", "4.17.12"),
    "Werkzeug": ("0.11.1", "0.15.3"),
}
"""Of each vulnerable package: the version in the vulnerable image, and the one in the clean image."""

SCANNED = (
    "7b9381fe80c121c95fef486d892660d5a71b6ccad0523ec4ab91feb667549109",
    "9841f6e0d9f03d38e19f02eadbc983f023aa7f9e9cb9d9152f477a66ae169e50",
    "5e79f7b155bc773c6b00dadbbe5e9b9ad7486163c0c9781b9a02519143c85c58",
    "fc3351a4fc6826c2b0885ff0befa213a8506fa6a517f5c7cd933a76f6a8e3328",
)
"""The digests in Trivy's documents: the manifest, the configuration, the layer unpacked and packed."""

Descriptor = dict[str, Any]


def compact(value: object) -> bytes:
    """`value` as the JSON that Go's tools write: no white space, keys in the given order."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def rfc3339(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


# --- test keys and certificates -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Signer:
    """A test key with its certificate chain, leaf first."""

    key: ec.EllipticCurvePrivateKey
    chain: tuple[x509.Certificate, ...]

    @property
    def certificates(self) -> list[bytes]:
        """The chain as DER, leaf first."""
        return [certificate.public_bytes(serialization.Encoding.DER) for certificate in self.chain]

    def pem(self) -> bytes:
        """The chain as PEM text, leaf first."""
        return b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in self.chain)

    def key_pem(self) -> bytes:
        """The private key as PEM text; the tests hand it to `notation`."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def derived(name: str) -> int:
    """A number that depends on nothing but the seed and `name`."""
    return int.from_bytes(sha256(f"{SEED}: {name}".encode()).digest())


def known_key(name: str) -> ec.EllipticCurvePrivateKey:
    """The P-256 key that everybody can derive for `name`."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    return ec.derive_private_key(derived(name) % (order - 1) + 1, ec.SECP256R1())


def subject(name: str) -> x509.Name:
    """The subject of `name`: trusted identities need a country, a state and an organisation."""
    parts = {
        NameOID.COUNTRY_NAME: "US",
        NameOID.STATE_OR_PROVINCE_NAME: "WA",
        NameOID.ORGANIZATION_NAME: "Example Orders",
        NameOID.COMMON_NAME: name,
    }
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts.items()])


def key_usage(*, authority: bool) -> x509.KeyUsage:
    """Signing certificates for an authority, signing data for the rest, and nothing beside it."""
    others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only")
    nothing = dict.fromkeys((*others, "decipher_only"), False)
    return x509.KeyUsage(digital_signature=not authority, key_cert_sign=authority, crl_sign=authority, **nothing)


def certificate(name: str, issuer: str) -> x509.Certificate:
    """The certificate of `name` by `issuer`; an authority if both are the same."""
    key, authority = known_key(name).public_key(), name == issuer
    builder = (
        x509.CertificateBuilder(subject(issuer), subject(name), key, derived(name) >> 97, *VALID)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=0 if authority else None), critical=True)
        .add_extension(key_usage(authority=authority), critical=True)
    )
    if authority:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    else:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(known_key(issuer).public_key())
        builder = builder.add_extension(usage, critical=False).add_extension(identifier, critical=False)
    return builder.sign(known_key(issuer), hashes.SHA256(), ecdsa_deterministic=True)


def signer(name: str, root: str) -> Signer:
    """The test key of `name`, certified by the test authority `root`."""
    return Signer(known_key(name), (certificate(name, root), certificate(root, root)))


# --- the layout ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Layout:
    """An OCI image layout that is being written to `folder`."""

    folder: Path
    entries: list[Descriptor] = field(default_factory=list)

    def blob(self, media_type: str, content: bytes) -> Descriptor:
        """Store `content`; its descriptor."""
        digest = sha256(content).hexdigest()
        path = self.folder / "blobs" / "sha256" / digest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def manifest(self, value: Mapping[str, Any], **entry: object) -> Descriptor:
        """Store the manifest `value` and list it in the index, with what `entry` adds there."""
        described = self.blob(MANIFEST, compact({"schemaVersion": 2, "mediaType": MANIFEST, **value}))
        self.entries.append(described | entry)
        return described

    def close(self) -> None:
        """Write the two files that make the folder a layout."""
        (self.folder / "oci-layout").write_bytes(compact({"imageLayoutVersion": "1.0.0"}))
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": self.entries}
        (self.folder / "index.json").write_bytes(compact(index))


def image(layout: Layout, variant: str, files: Mapping[str, bytes]) -> Descriptor:
    """Store an image of one layer that holds `files`, tagged `variant`.

    The layer is not compressed: what gzip writes depends on the library at hand.
    """
    layer = layout.blob("application/vnd.oci.image.layer.v1.tar", tar(files))
    config = {
        "architecture": "amd64",
        "os": "linux",
        "created": rfc3339(CREATED),
        "config": {"User": "10001", "Entrypoint": ["python3", "/app/main.py"], "Labels": LABELS},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    }
    configured = layout.blob("application/vnd.oci.image.config.v1+json", compact(config))
    named = {"org.opencontainers.image.ref.name": variant}
    return layout.manifest({"config": configured, "layers": [layer]}, annotations=named)


def tar(files: Mapping[str, bytes]) -> bytes:
    """An archive of `files`, by path, that depends on nothing else."""
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mtime = len(content), int(CREATED.timestamp())
            archive.addfile(entry, BytesIO(content))
    return buffer.getvalue()


def attach(layout: Layout, target: Descriptor, artifact_type: str, title: str, content: bytes) -> Descriptor:
    """Attach the document `content` to `target` as `oras attach` does: the index tells no type."""
    empty = layout.blob("application/vnd.oci.empty.v1+json", b"{}") | {"data": "e30="}
    layer = layout.blob("application/json", content)
    value = {
        "artifactType": artifact_type,
        "config": empty,
        "layers": [layer | {"annotations": {"org.opencontainers.image.title": title}}],
        "subject": target,
        "annotations": {"org.opencontainers.image.created": rfc3339(CREATED)},
    }
    return layout.manifest(value)


def sign(layout: Layout, target: Descriptor, by: Signer) -> Descriptor:
    """Sign `target` as `notation sign --signature-format cose` does."""
    thumbprints = [sha256(der).hexdigest() for der in by.certificates]
    annotations = {
        "io.cncf.notary.x509chain.thumbprint#S256": compact(thumbprints).decode(),
        "org.opencontainers.image.created": rfc3339(SIGNED),
    }
    value = {
        "config": layout.blob(SIGNATURE, b"{}"),
        "layers": [layout.blob("application/cose", envelope(target, by))],
        "subject": target,
        "annotations": annotations,
    }
    return layout.manifest(value, annotations=annotations, artifactType=SIGNATURE)


def envelope(target: Descriptor, by: Signer) -> bytes:
    """The COSE_Sign1 envelope over `target`, as the Notary Project specifies it."""
    scheme = "io.cncf.notary.signingScheme"
    headers = {
        1: -7,  # ES256
        2: [scheme],
        3: PAYLOAD,
        "io.cncf.notary.signingTime": cbor2.CBORTag(1, int(SIGNED.timestamp())),
        scheme: "notary.x509",
    }
    protected, payload = cbor2.dumps(headers), compact({"targetArtifact": target})
    signed = cbor2.dumps(["Signature1", protected, b"", payload])
    unprotected = {33: by.certificates, "io.cncf.notary.signingAgent": "order-api example"}
    return cbor2.dumps(cbor2.CBORTag(18, [protected, unprotected, payload, es256(by.key, signed)]))


def es256(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """The signature r‖s of `message`, without randomness (RFC 6979)."""
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
    return r.to_bytes(32) + s.to_bytes(32)


# --- what is in the images ----------------------------------------------------------------------


def contents(versions: Mapping[str, str]) -> dict[str, bytes]:
    """The files of an image that has the packages of `FIXED` in `versions`."""
    debian = "\n".join(
        f"Package: {n}\nVersion: {versions[n]}\nStatus: install ok installed\n" for n in ("curl", "openssl")
    )
    node = {"dependencies": {name: versions[name] for name in ("jquery", "lodash")}}
    return {
        "etc/os-release": b'ID=debian\nVERSION_ID="12"\n',
        "var/lib/dpkg/status": debian.encode(),
        "app/main.py": b'print("order-api")\n',
        "app/package.json": compact(node),
        "app/requirements.txt": f"Flask==3.0.3\nWerkzeug=={versions['Werkzeug']}\n".encode(),
    }


def replaced(value: Any, words: Mapping[str, str]) -> Any:
    """`value` with the `words` replaced in every text of it."""
    match value:
        case dict():
            return {key: replaced(item, words) for key, item in value.items()}
        case list():
            return [replaced(item, words) for item in value]
        case str():
            for old, new in words.items():
                value = value.replace(old, new)
    return value


def document(name: str, words: Mapping[str, str]) -> Any:
    """Trivy's document `name`, with the `words` replaced in it."""
    return replaced(json.loads((HERE / "documents" / name).read_bytes()), words)


def names(layout: Layout, variant: str, target: Descriptor) -> dict[str, str]:
    """What Trivy called the image it scanned and its parts, and what they are called here."""
    manifest = json.loads((layout.folder / "blobs" / "sha256" / target["digest"][7:]).read_bytes())
    layer, config = manifest["layers"][0]["digest"], manifest["config"]["digest"]
    digests = dict(zip(SCANNED, (target["digest"], config, layer, layer), strict=True))
    return {old: new.removeprefix("sha256:") for old, new in digests.items()} | {
        "localhost:5000/prod/order-api-vulnerable:1": f"{REPOSITORY}:{variant}",
        "localhost:5000/prod/order-api-vulnerable": REPOSITORY,
        "localhost%3A5000%2Fprod%2Forder-api-vulnerable": REPOSITORY.replace("/", "%2F"),
        "order-api-vulnerable": "order-api",
    }


def scan(words: Mapping[str, str], *, clean: bool) -> bytes:
    """Trivy's SARIF; a clean one as Trivy writes it: a run with neither rules nor results."""
    log = document("trivy.sarif.json", words)
    if clean:
        log["runs"][0]["results"] = []
        log["runs"][0]["tool"]["driver"]["rules"] = []
    return pretty(log)


def sbom(words: Mapping[str, str], *, clean: bool) -> bytes:
    """Trivy's SPDX document; for the clean image with the fixed versions."""
    listed = document("sbom.spdx.json", words)
    if clean:
        listed["packages"] = list(fixed(listed["packages"]))
    return pretty(listed)


def fixed(packages: list[Any]) -> Iterator[Any]:
    """The SBOM's `packages`, those of `FIXED` in the clean image's version."""
    for package in packages:
        if package["name"] in FIXED:
            old, new = FIXED[package["name"]]
            words = {f" {old}": f" {new}", f"@{old}": f"@{new.replace('+', '%2B')}"}
            yield replaced(package, words) | {"versionInfo": new}
        else:
            yield package


def pretty(value: object) -> bytes:
    """`value` as the JSON that Trivy writes."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


# --- the whole ----------------------------------------------------------------------------------


def pipeline(layout: Layout, variant: str, release: Signer, ci: Signer) -> Descriptor:
    """Build, scan, attach and sign one image, as a pipeline would; its descriptor."""
    clean = variant == "clean"
    built = image(layout, variant, contents({name: pair[clean] for name, pair in FIXED.items()}))
    words = names(layout, variant, built)
    sarif = attach(layout, built, "application/sarif+json", "trivy.sarif.json", scan(words, clean=clean))
    spdx = attach(layout, built, "application/spdx+json", "sbom.spdx.json", sbom(words, clean=clean))
    sign(layout, built, release)
    sign(layout, sarif, ci)
    sign(layout, spdx, ci)
    return built


def trust(folder: Path, root: Signer) -> None:
    """Write Notation's trust policy and trust store to `folder`."""
    store = folder / "truststore" / "x509" / "ca" / "order-api"
    store.mkdir(parents=True)
    (store / "root.crt").write_bytes(root.chain[-1].public_bytes(serialization.Encoding.PEM))
    statement = {
        "name": "order-api",
        "registryScopes": [REPOSITORY],
        "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:order-api"],
        "trustedIdentities": ["x509.subject: C=US, ST=WA, O=Example Orders"],
    }
    (folder / "trustpolicy.json").write_bytes(pretty({"version": "1.0", "trustPolicies": [statement]}))


def build(folder: Path) -> dict[str, Descriptor]:
    """Write `layout/` and `notation/` below `folder`, in place of what is there; the images by tag."""
    for made in ("layout", "notation"):
        shutil.rmtree(folder / made, ignore_errors=True)
    release, ci = signer("release", "order-api test root"), signer("ci", "order-api test root")
    layout = Layout(folder / "layout")
    images = {variant: pipeline(layout, variant, release, ci) for variant in ("clean", "vulnerable")}
    layout.close()
    trust(folder / "notation", release)
    return images


if __name__ == "__main__":
    for tag, descriptor in build(HERE).items():
        print(f"{tag}\t{descriptor['digest']}")
