import pytest

from integrations.repository_audit.sample_paths import is_sample_path, is_test_data


@pytest.mark.parametrize(
    "path",
    [
        "tests/key.pem",
        "a/Fixtures/b/c.py",
        "docs/setup.txt",
        "src/test_login.py",
        "src/login_test.go",
        "ui/form.spec.ts",
        "README.md",
        ".env.example",
        "config.template.yaml",
        "conftest.py",
    ],
)
def test_tests_examples_and_documentation_are_samples(path: str) -> None:
    assert is_sample_path(path)


@pytest.mark.parametrize(
    "path", [".env", "src/contest.py", "latest/settings.py", "deploy/prod.yaml", "testament.py"]
)
def test_ordinary_files_are_not(path: str) -> None:
    assert not is_sample_path(path)


def test_what_tests_read_is_told_from_the_tests() -> None:
    assert is_test_data("tests/fixtures/bad/requirements.txt")
    assert is_test_data("pkg/testdata/x")
    assert not is_test_data("tests/requirements.txt")
