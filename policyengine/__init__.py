"""Decides whether a container image may pass, from its signatures, scans and SBOMs."""

__version__ = "0.1.0"
