"""A real time stamping authority: `openssl ts -reply` behind HTTP."""

from __future__ import annotations

import subprocess
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from tests.verification.responder import OPENSSL
from tests.verification.signing import Chain

CONFIGURATION = """
[tsa]
default_tsa = this
[this]
serial = serial
signer_cert = tsa.pem
certs = chain.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256, sha384, sha512
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


class Stamper:
    """Answers requests with the key and the chain of an authority, from files in `folder`."""

    def __init__(self, folder: Path, chain: Chain) -> None:
        self.folder = folder
        key = chain.leaf.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        files = {"tsa.pem": chain.leaf.pem, "tsa.key": key, "serial": b"01\n", "tsa.cnf": CONFIGURATION.encode()}
        files["chain.pem"] = b"".join(holder.pem for holder in chain.holders[1:])
        for name, content in files.items():
            (folder / name).write_bytes(content)

    def __call__(self, request: bytes) -> bytes:
        """The answer to a TimeStampReq."""
        assert OPENSSL
        (self.folder / "request").write_bytes(request)
        command = [OPENSSL, "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "request", "-out", "answer"]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)
        return (self.folder / "answer").read_bytes()
