"""Which files of a repository are tests, examples, templates or documentation."""

import re
from pathlib import PurePosixPath

SAMPLE_FOLDER = re.compile(
    r"__tests__|demos?|docs?|e2e|examples?|fixtures?|mocks?|samples?|specs?|test_?data|testing|tests?",
    re.IGNORECASE,
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
