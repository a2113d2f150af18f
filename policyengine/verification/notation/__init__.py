"""Notary Project signatures: `verify.verify` is the way in, `manifest` tells which manifests are signatures."""
