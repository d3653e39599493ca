"""Zegel: secure mail and file exchange that a public body runs itself."""

__version__ = "0.1.0"
