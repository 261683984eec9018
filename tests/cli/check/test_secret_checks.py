import subprocess
from collections.abc import Callable
from pathlib import Path

from cli.check.checking import check_repository
from cli.check.secret_checks import secrets_in
from cli.reading.repository import Repository
from cli.reading.source_file import SourceFile

INTEGRATIONS = Path(__file__).parents[3] / "integrations"


def test_a_line_of_a_megabyte_takes_no_time() -> None:
    for text in (
        "a" * 1_000_000 + "://" + ":" * 1_000_000,
        '"token' * 200_000,
        "token: " * 200_000,
    ):
        assert list(secrets_in(SourceFile("x.json", text))) == []


def test_nothing_is_said_of_what_was_recorded() -> None:
    recorded = [*INTEGRATIONS.glob("*/tests/exchanges/*/*.json")]
    assert len(recorded) > 10
    for path in recorded:
        assert list(secrets_in(SourceFile(path.name, path.read_text()))) == []


def test_a_file_that_git_ignores_may_have_secrets(
    make_repository: Callable[..., Repository],
) -> None:
    repository = make_repository({".env": "API_KEY=Wq7-zzT4kLp9\n", "a.ini": "pwd = Wq7-zzT4kLp9"})
    subprocess.run(["git", "init", "-q", str(repository.root)], check=True, timeout=60)
    (repository.root / ".gitignore").write_text(".env\n")
    found = [one.path for one in check_repository(repository) if one.rule.id == "secret-in-code"]
    assert found == ["integrations/shop/a.ini"]
