"""Signing for rehearsals: with keys in files, what Notation writes, so that a whole pipeline can be played through.

    keys.py       a test key with its certificate, where Notation keeps such things
    signer.py     a private key and its chain, read from files, and what they sign
    envelopes.py  COSE and JWS envelopes
    stamping.py   RFC 3161 timestamps, asked for
    artifact.py   the manifest that binds an envelope to what it signs

Nothing here decides anything, and whoever decides imports nothing of it.
"""
