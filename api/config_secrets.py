"""Seals the secrets of a deployment's config, and opens them for a lease."""

from pathlib import Path


class SecretBox:
    """The key of the secrets at rest; its file is made at the first use."""

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file
