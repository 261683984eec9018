import json
from collections.abc import Callable
from pathlib import Path

import pytest

from utils.errors import ManifestError
from utils.manifest import ENTRY_LIMIT, SIZE_LIMIT_BYTES, Manifest, manifest_at, read_manifest
from utils.mirror import Mirror

FIXTURES = Path(__file__).parents[1] / "fixtures" / "manifests"

# The fixture, the name it is rejected under, what its reason and its advice say.
BAD_ENTRIES = [
    ("unknown_key", "bad", "unknown key 'enabeld' (did you mean 'enabled'?)", "push"),
    ("missing_title", "bad", "the key 'title' is missing", "push"),
    ("wrong_types", "bad", "enabled: input should be a valid boolean", "push"),
    ("bad_name", "Bad-Name", "small letters", "push"),
    ("no_name", "entry 2", "the key 'name' is missing", "push"),
    ("not_an_object", "entry 2", "is not an object", "write it as"),
    ("no_folder", "goood", "no folder integrations/goood (did you mean 'good'?)", "add the folder"),
    ("no_entry", "bad", "integrations/bad has no entry.py", "push"),
    ("schema_not_valid", "bad", "/type: 'integr' is none of array", "correct it"),
    ("schema_not_an_object", "bad", 'schema: /type: the schema of a config has "type"', "add"),
    ("schema_remote_ref", "bad", "schema: /properties/a/$ref: 'https://", "$defs"),
    ("schema_bad_pattern", "bad", "schema: /properties/a: the pattern '(['", "correct it"),
    ("schema_unknown_draft", "bad", "is no known draft (did you mean 'https://", "leave it out"),
]
BAD_DOCUMENTS = [
    ("not_json", r"not JSON: line 2, column 11"),
    ("not_utf8", r"not UTF-8: byte 12 is 0xf6"),
    ("not_a_list", r"not a list"),
    ("duplicate_keys", r"the key 'title' twice"),
    ("empty_file", r"integrations\.json is empty"),
]


@pytest.fixture
def read(
    tmp_path: Path,
    run_git: Callable[..., str],
    commit_files: Callable[..., str],
    mirror_of: Callable[..., Mirror],
) -> Callable[[str], Manifest]:
    """Commit a fixture and read its manifest from git's objects."""

    def read_fixture(name: str) -> Manifest:
        repository = tmp_path / name
        repository.mkdir()
        run_git(repository, "init", "--quiet")
        fixture = FIXTURES / name
        files = {
            str(path.relative_to(fixture)): path.read_bytes()
            for path in fixture.rglob("*")
            if path.is_file()
        }
        return manifest_at(mirror_of(repository), commit_files(repository, files))

    return read_fixture


def entry(**fields: object) -> dict[str, object]:
    return {"name": "one", "title": "One", **fields}


def parsed(*entries: object) -> Manifest:
    return read_manifest(json.dumps(entries).encode(), {"one", "two"})


def test_a_fine_manifest_gives_its_entries_with_defaults(read: Callable[[str], Manifest]) -> None:
    manifest = read("fine")
    assert manifest.rejected == ()
    good, small, bad = manifest.entries
    assert (good.name, good.title, good.description) == ("good", "Good", "Stays usable.")
    assert good.schema == {"type": "object"}
    assert (small.description, small.enabled, small.schema) == ("", True, {})
    assert not bad.enabled


def test_declared_hosts_are_kept_and_none_are_told_from_an_empty_list() -> None:
    hosts = ["api.example.com", "*.example.com:8443", "[2001:db8::1]:443"]
    manifest = parsed(entry(hosts=hosts), entry(name="two", hosts=[]))
    assert [one.hosts for one in manifest.entries] == [tuple(hosts), ()]
    assert parsed(entry()).entries[0].hosts is None


@pytest.mark.parametrize(
    ("hosts", "reason", "advice"),
    [
        (
            ["a.example", "https://b.example/x"],
            "hosts, item 2: 'https://b.example/x' is a URL",
            "alone",
        ),
        ("a.example", "hosts: input should be a valid list", "push"),
        ([443], "hosts: input should be a valid string", "push"),
        (["a.example"] * 201, "hosts: list should have at most 200 items", "push"),
    ],
)
def test_hosts_that_cannot_be_declared_reject_their_entry(
    hosts: object, reason: str, advice: str
) -> None:
    manifest = parsed(entry(hosts=hosts), entry(name="two"))
    (rejected,) = manifest.rejected
    assert reason in rejected.reason
    assert advice in rejected.advice
    assert [one.name for one in manifest.entries] == ["two"]


@pytest.mark.parametrize(("fixture", "name", "reason", "advice"), BAD_ENTRIES)
def test_a_bad_entry_spoils_only_itself(
    read: Callable[[str], Manifest], fixture: str, name: str, reason: str, advice: str
) -> None:
    manifest = read(fixture)
    assert [entry.name for entry in manifest.entries] == ["good"]
    (rejected,) = manifest.rejected
    assert rejected.name == name
    assert reason in rejected.reason
    assert "entry 2" in rejected.reason
    assert advice in rejected.advice


def test_every_entry_of_a_name_that_stands_twice_is_rejected(
    read: Callable[[str], Manifest],
) -> None:
    manifest = read("duplicate_names")
    assert [entry.name for entry in manifest.entries] == ["good"]
    assert [one.name for one in manifest.rejected] == ["bad", "bad", "bad"]
    assert "'bad' stands in entries 1, 3 and 4" in manifest.rejected[0].reason


@pytest.mark.parametrize(("fixture", "reason"), BAD_DOCUMENTS)
def test_an_unreadable_document_is_one_clear_error(
    read: Callable[[str], Manifest], fixture: str, reason: str
) -> None:
    with pytest.raises(ManifestError, match=reason) as failed:
        read(fixture)
    assert "integrations.json" in str(failed.value)
    assert failed.value.advice


def test_all_fixtures_are_used() -> None:
    used = {case[0] for case in (*BAD_ENTRIES, *BAD_DOCUMENTS)} | {"fine", "duplicate_names"}
    assert used == {path.name for path in FIXTURES.iterdir()}


def test_a_commit_without_manifest_is_a_manifest_error(
    repository: Path, commit_files: Callable[..., str], mirror_of: Callable[..., Mirror]
) -> None:
    (repository / "integrations.json").unlink()
    with pytest.raises(ManifestError, match=r"has no file integrations\.json"):
        manifest_at(mirror_of(repository), commit_files(repository, {}))


def test_an_integration_with_an_escaping_link_is_rejected_from_git_alone(
    repository: Path, commit_files: Callable[..., str], mirror_of: Callable[..., Mirror]
) -> None:
    (repository / "integrations/alpha/out").symlink_to("/etc/passwd")
    names = [{"name": name, "title": name} for name in ("alpha", "beta")]
    commit = commit_files(repository, {"integrations.json": json.dumps(names)})
    manifest = manifest_at(mirror_of(repository), commit)
    assert [entry.name for entry in manifest.entries] == ["beta"]
    assert "leads out of the repository" in manifest.rejected[0].reason


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[NaN]",
        b"[1" + b"0" * 5_000 + b"]",
        b" " * (SIZE_LIMIT_BYTES + 1),
        json.dumps([0] * (ENTRY_LIMIT + 1)).encode(),
    ],
)
def test_bombs_and_odd_numbers_are_refused(text: bytes) -> None:
    with pytest.raises(ManifestError):
        read_manifest(text, [])


def test_a_byte_order_mark_does_no_harm() -> None:
    assert read_manifest(b"\xef\xbb\xbf[]", []) == Manifest((), ())


@pytest.mark.parametrize("name", ["", "a" * 65, "1a", "a-b", "A", "a\n", "é", "a/b", "..", 3, None])
def test_names_that_are_no_folder_names_are_rejected(name: object) -> None:
    manifest = parsed(entry(name=name), entry(name="two"))
    assert [one.name for one in manifest.entries] == ["two"]
    assert manifest.rejected[0].reason.isprintable()


def test_text_that_cannot_be_stored_rejects_its_entry() -> None:
    for title in ("\x00", "\ud800"):
        manifest = parsed(entry(title=title), entry(name="two"))
        assert [one.name for one in manifest.entries] == ["two"]
        assert "NUL" in manifest.rejected[0].reason


def test_a_schema_nested_too_deeply_rejects_its_entry() -> None:
    schema: dict[str, object] = {"type": "object"}
    for _ in range(100):
        schema = {"type": "object", "properties": {"a": schema}}
    manifest = parsed(entry(schema=schema), entry(name="two"))
    assert [one.name for one in manifest.entries] == ["two"]
    assert "levels deep" in manifest.rejected[0].reason


def test_problems_of_a_folder_are_the_reason() -> None:
    manifest = read_manifest(json.dumps([entry()]).encode(), ["one"], {"one": "it is cursed"})
    assert manifest.rejected[0].reason == "entry 1 (one): it is cursed"
