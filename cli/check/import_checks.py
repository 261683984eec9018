"""Checks of imports: is there something in the integration's environment that brings them."""

import ast
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

import utils
from cli.check import rules
from cli.check.finding import Finding
from cli.check.requirement_checks import FILE
from cli.check.subject import Subject, found
from cli.reading.source_file import SourceFile, modules_of
from utils.suggest import did_you_mean
from worker.build_failure import BuildFailed
from worker.requirements import parse_requirements, read_base_requirements

_SDK = Path(utils.__file__).parent
# Distributions whose modules have another name than they have; the common ones.
_MODULES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "attrs": ("attr", "attrs"),
        "beautifulsoup4": ("bs4",),
        "gitpython": ("git",),
        "ldap3": ("ldap3",),
        "msgraph-sdk": ("msgraph", "kiota_abstractions"),
        "opencv-python": ("cv2",),
        "pillow": ("PIL",),
        "protobuf": ("google",),
        "psycopg2-binary": ("psycopg2",),
        "pycryptodome": ("Crypto",),
        "pygithub": ("github",),
        "pyjwt": ("jwt",),
        "pymysql": ("pymysql", "MySQLdb"),
        "pyopenssl": ("OpenSSL",),
        "pyserial": ("serial",),
        "pyyaml": ("yaml",),
        "python-ldap": ("ldap", "ldif"),
        "scikit-learn": ("sklearn",),
        "setuptools": ("setuptools", "pkg_resources"),
    }
)
_AFFIXES = ("python-", "py-", "-python", "-py", "-binary", "-sdk", "-client")


def import_findings(subject: Subject) -> Iterator[Finding]:
    """Check what the integration's code imports, its tests left out."""
    brought = _brought(subject)
    for file in subject.folder.code:
        excused = _excused(file)
        for line, module in modules_of(file):
            top = module.partition(".")[0]
            if line in excused or not top or top in sys.stdlib_module_names:
                continue
            if top in {"integrations", "utils"}:
                yield from _own(subject, file, line, module)
            elif brought is not None and not _is_brought(top, brought):
                what = f"no requirement brings {top!r}"
                fix = f"add the package that provides it to {subject.folder.shown}/{FILE}"
                yield found(rules.IMPORT_MISSING, file, line, what, fix)


def _brought(subject: Subject) -> frozenset[str] | None:
    """Return the names of what is installed; None where the requirements cannot be read."""
    file = subject.folder.file(FILE)
    try:
        own = parse_requirements(file.text if file else "", subject.folder.name)
    except BuildFailed:
        return None
    return frozenset(requirement.name for requirement in own) | _base()


@cache
def _base() -> frozenset[str]:
    return frozenset(requirement.name for requirement in read_base_requirements())


def _is_brought(module: str, distributions: frozenset[str]) -> bool:
    return any(_may_bring(name, module) for name in distributions)


@cache
def _may_bring(distribution: str, module: str) -> bool:
    if distribution in _MODULES:
        return module in _MODULES[distribution]
    wanted = module.lower().replace("_", "-")
    bare = distribution
    for affix in _AFFIXES:
        bare = bare.removeprefix(affix) if affix.endswith("-") else bare.removesuffix(affix)
    return wanted in {distribution, bare} or distribution.startswith((f"{wanted}-", f"{wanted}."))


def _excused(file: SourceFile) -> set[int]:
    """Return the lines of imports that may fail: in a `try`, or for type checkers alone."""
    excused: set[int] = set()
    optional = [node for node in file.nodes_of(ast.Try) if node.handlers]
    typing = [
        node for node in file.nodes_of(ast.If) if file.name_of(node.test).endswith("TYPE_CHECKING")
    ]
    bodies = [*(node.body for node in optional), *(node.body for node in typing)]
    for part in (part for body in bodies for part in body):
        excused.update(_import_lines(part))
    return excused


def _import_lines(statement: ast.stmt) -> Iterator[int]:
    for node in ast.walk(statement):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node.lineno


def _own(subject: Subject, file: SourceFile, line: int, module: str) -> Iterator[Finding]:
    home = subject.repository.root if module.startswith("integrations") else _SDK.parent
    if _is_module(home, module):
        return
    parent, _, last = module.rpartition(".")
    folder = home.joinpath(*parent.split("."))
    beside = [path.stem for path in folder.iterdir()] if folder.is_dir() else []
    what = f"there is no module {module}{did_you_mean(last, beside)}"
    fix = "correct the name, or add the missing file"
    if module.startswith("utils"):
        fix = "utils is Trueline's own: see docs/reference for what it has"
    yield found(rules.IMPORT_OWN, file, line, what, fix)


def _is_module(home: Path, module: str) -> bool:
    path = home.joinpath(*module.split("."))
    return path.is_dir() or path.with_name(f"{path.name}.py").is_file()
