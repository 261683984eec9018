import json
from pathlib import Path

import pytest

from utils.references import Reference, parse_reference
from worker.allowed_references import Allowance, ReferenceRefused, read_allowed


def reference(text: str) -> Reference:
    found = parse_reference(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("pattern", "text", "covered"),
    [
        ("env:GITHUB_*", "env:GITHUB_TOKEN", True),
        ("env:GITHUB_*", "env:GITLAB_TOKEN", False),
        ("env:GITHUB_*", "env:MY_GITHUB_TOKEN", False),
        ("env:A", "env:AB", False),
        ("file:/run/secrets/github/*", "file:/run/secrets/github/token", True),
        ("file:/run/secrets/github/*", "file:/run/secrets/github/a/token", False),
        ("file:/run/secrets/github/**", "file:/run/secrets/github/a/token", True),
        ("file:/run/secrets/github/*", "file:/run/secrets/githubx", False),
        ("file:/run/a.b", "file:/run/axb", False),
        ("vault:kv/data/github/*", "vault:kv/data/github/bot#token", True),
        ("vault:kv/data/github/*", "vault:kv/data/github/a/b#token", False),
        ("vault:kv/data/github/*", "vault:kv/data/dns#token", False),
        ("vault:kv/data/dns#token", "vault:kv/data/dns#token", True),
        ("vault:kv/data/dns#token", "vault:kv/data/dns#root", False),
        ("vault:kv/data/dns#r*", "vault:kv/data/dns#root", True),
        ("vault:*", "env:X", False),
    ],
)
def test_pattern_covers_what_it_says(pattern: str, text: str, covered: bool) -> None:  # noqa: FBT001 - a column of the table
    assert Allowance(pattern).covers(reference(text)) is covered


@pytest.mark.parametrize(
    ("pattern", "folder"),
    [
        ("file:/run/secrets/*", "/run/secrets"),
        ("file:/run/secrets/token", "/run/secrets"),
        ("file:/run/*/token", "/run"),
        ("file:/**", "/"),
    ],
)
def test_folder_of_a_pattern_has_no_wildcard(pattern: str, folder: str) -> None:
    assert Allowance(pattern).folder == Path(folder)


def test_nothing_is_allowed_without_a_file() -> None:
    with pytest.raises(ReferenceRefused, match="'dns' may not use env:TOKEN") as error:
        read_allowed(None).find("dns", reference("env:TOKEN"))
    assert "TRUELINE_REFERENCES_FILE" in error.value.advice
    assert '{"dns": ["env:TOKEN"]}' in error.value.advice


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("allowed.json", '{"dns": ["env:DNS_*"]}'),
        ("allowed.toml", 'dns = ["env:DNS_*"]'),
    ],
)
def test_file_is_json_or_toml_and_for_one_integration(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    allowed = read_allowed(file)
    assert allowed.find("dns", reference("env:DNS_TOKEN")) == Allowance("env:DNS_*")
    with pytest.raises(ReferenceRefused) as error:
        allowed.find("web", reference("env:DNS_TOKEN"))
    assert f"in {file}, add" in error.value.advice


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[",
        '["env:X"]',
        '{"dns": "env:X"}',
        '{"dns": [1]}',
        *(json.dumps({"dns": [text]}) for text in ("X", "*", "file:run/x", "file:/a/../b/*")),
        json.dumps({"dns": ["vault:kv/%2e%2e/*"]}),
        json.dumps({"dns": ["env:TRUELINE_*"]}),
        "\xff",
    ],
)
def test_wrong_file_allows_nothing_and_says_so(tmp_path: Path, content: str) -> None:
    file = tmp_path / "allowed.json"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(ReferenceRefused, match="cannot be used"):
        read_allowed(file)
    with pytest.raises(ReferenceRefused, match="No such file"):
        read_allowed(tmp_path / "none.json")
