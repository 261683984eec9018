"""Tells a repository's tests, examples, templates and documentation from the rest."""

import re
from pathlib import PurePosixPath

SAMPLE_FOLDER = re.compile(
    r"__tests__|demos?|docs?|e2e|examples?|fixtures?|mocks?|samples?|specs?|test_?data|testing|tests?",
    re.IGNORECASE,
)
TEST_DATA_FOLDER = re.compile(
    r"(?:__)?(?:fixtures?|test_?data|mocks?|samples?)(?:__)?", re.IGNORECASE
)
SAMPLE_FILE = re.compile(
    r"test_.*|.*[_.-](?:test|tests|spec|example|sample|dist|template|tmpl)(?:\.\w+)*"
    r"|conftest\.py|.*\.(?:md|rst|adoc|j2|erb|po|pot)",
    re.IGNORECASE,
)


def is_sample_path(path: str) -> bool:
    """Whether what stands in the file is there to be read or to be tested with."""
    where = PurePosixPath(path)
    in_folder = any(SAMPLE_FOLDER.fullmatch(folder) for folder in where.parts[:-1])
    return in_folder or SAMPLE_FILE.fullmatch(where.name) is not None


def is_test_data(path: str) -> bool:
    """Whether the file is what a test reads, wrong on purpose maybe, and never what runs."""
    folders = PurePosixPath(path).parts[:-1]
    return any(TEST_DATA_FOLDER.fullmatch(folder) for folder in folders)
