"""Decisions for people, programs and pipelines: one file per format."""

FORMATS = ("table", "json", "sarif", "junit", "github", "azure", "gitlab", "markdown", "html", "tap", "mermaid", "vsa")
"""The formats of `-o`, the default first; each is the module of its name."""
