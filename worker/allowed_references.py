"""Which references to secrets each integration may use: the operator's file, read for each job."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from utils.references import BadReference, Reference, parse_reference
from worker.errors import WorkerError

SETTING = "TRUELINE_REFERENCES_FILE"
_FILE = TypeAdapter(dict[str, list[str]])


class ReferenceRefused(WorkerError):  # noqa: N818 - reads as the state it reports
    """A reference may not be used here, or leads to nothing that can be used."""


@dataclass(frozen=True)
class Allowance:
    """One pattern: `*` stands for anything inside one part of a path, `**` for any parts."""

    text: str

    def covers(self, reference: Reference) -> bool:
        """Tell whether a reference is allowed by it; one without a field allows every field."""
        text = str(reference)
        if reference.scheme == "vault" and "#" not in self.text:
            text = f"vault:{reference.place}"
        parts = re.split(r"(\*\*|\*)", self.text)
        wild = {"*": "[^/#]*", "**": ".*"}
        return bool(
            re.fullmatch("".join(wild.get(part) or re.escape(part) for part in parts), text)
        )

    @property
    def folder(self) -> Path:
        """The folder that its files have to be in, wherever links lead."""
        path = Path(self.text.removeprefix("file:"))
        parts = path.parent.parts
        wild = next((at for at, part in enumerate(parts) if "*" in part), len(parts))
        return Path(*parts[:wild])


@dataclass(frozen=True)
class AllowedReferences:
    """What each integration may use."""

    by_integration: Mapping[str, tuple[Allowance, ...]]
    file: Path | None

    def find(self, integration: str, reference: Reference) -> Allowance:
        """Return what allows it; raises ReferenceRefused that says what to add."""
        for allowance in self.by_integration.get(integration, ()):
            if allowance.covers(reference):
                return allowance
        where = (
            f"in {self.file}, add" if self.file else f"set {SETTING} on the worker to a file with"
        )
        raise ReferenceRefused(
            f"integration {integration!r} may not use {reference} on this worker",
            f"when it should: {where} {json.dumps({integration: [str(reference)]})}",
        )


def read_allowed(file: Path | None) -> AllowedReferences:
    """Read the operator's file, TOML or JSON; without one nothing is allowed.

    Raises ReferenceRefused.
    """
    if file is None:
        return AllowedReferences({}, None)
    try:
        given = _FILE.validate_python(_parsed(file))
    except OSError as error:
        raise _unusable(file, str(error.strerror)) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _unusable(file, f"{'/'.join(map(str, first['loc']))}: {first['msg']}") from error
    except ValueError as error:  # of TOML, JSON or UTF-8
        raise _unusable(file, str(error)) from error
    return AllowedReferences(
        {name: tuple(_allowance(file, text) for text in texts) for name, texts in given.items()},
        file,
    )


def _parsed(file: Path) -> Any:
    text = file.read_text("utf-8")
    return tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)


def _allowance(file: Path, text: str) -> Allowance:
    example = text.replace("*", "x")
    if text.startswith("vault:") and "#" not in text:
        example += "#field"
    try:
        is_reference = parse_reference(example) is not None
    except BadReference as error:
        raise _unusable(file, f"{text!r}: {error.reason}") from error
    if not is_reference:
        raise _unusable(file, f"{text!r} is no pattern of references")
    return Allowance(text)


def _unusable(file: Path, why: str) -> ReferenceRefused:
    return ReferenceRefused(
        f"{SETTING}: {file} cannot be used: {why}",
        'write {"integration": ["env:NAME", "file:/folder/*", "vault:kv/data/folder/*"]}, '
        "or the same as TOML in a file that ends in .toml",
    )
