"""Envelopes and trust in, verified identities out, or the reason why not. Never reads a policy.

    trust.py          what is trusted: `Trust.load`, the statement for a repository, its certificates
    trustpolicy.py    the rules of a trust policy          truststore.py  the folders of certificates
    identities.py     distinguished names and their match  places.py      where in a file a problem is
    result.py         `SignatureResult`: the five checks and their outcome
    certificates.py   one certificate, a chain, the profiles that the specification asks for
    algorithms.py     which algorithm a key signs with, and the check of one signature
    timestamps.py     RFC 3161 tokens                      cms.py         the signed data inside them
    revocation.py     is a chain revoked?                  inquiry.py     all that is asked about one certificate
    ocsp.py crl.py    which answers count                  answers.py     answers that were fetched, and kept
    cbor.py der.py    strict readers of encodings
    notation/         Notary Project envelopes: manifest, COSE, JWS, payload, and `verify`

`trust`, `trustpolicy` and `result` are cheap to import; what imports `cryptography` (about 65 ms)
is imported when there is a signature to verify or a certificate to show.
"""
