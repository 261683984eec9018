import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from worker.store import Missing, NotAsPublished, Store, Taken
from worker.trash import Trash

Provide = Callable[..., list[Path]]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def asked() -> list[Missing]:
    """What had to be made."""
    return []


@pytest.fixture
def provide(tmp_path: Path, asked: list[Missing]) -> Provide:
    """Ask a store for folders of these names; each holds one file."""

    def make(missing: Missing) -> Mapping[str, Taken]:
        asked.append(missing)
        made = {}
        for name in missing.names:
            path = tmp_path / f"made-{name}-{len(asked)}"
            (path / "inner").mkdir(parents=True)
            (path / "inner" / "file").write_text(name)
            made[name] = Taken(path, "/prefix")
        return made

    return lambda store, *names: [tree.path for tree in store.provide(names, make, 10)]


def test_what_is_there_is_not_made_again(
    store: Store, provide: Provide, asked: list[Missing], tmp_path: Path
) -> None:
    provide(store, "a", "b")
    paths = provide(Store(tmp_path), "b", "c", "a")  # a worker that starts later
    assert asked == [Missing(frozenset("ab"), False), Missing(frozenset("c"), False)]
    assert [path.name for path in paths] == ["b", "c", "a"]
    tree = store.find("a")
    assert tree is not None
    assert tree.prefix == "/prefix"


def test_it_is_closed_to_writing_and_listing(store: Store, provide: Provide) -> None:
    (path,) = provide(store, "a")
    assert not (path / "inner").stat().st_mode & 0o222
    assert not (path / "inner" / "file").stat().st_mode & 0o222
    assert not store.directory.stat().st_mode & 0o444


def test_what_was_changed_is_set_aside_and_made_anew(
    store: Store, provide: Provide, asked: list[Missing], tmp_path: Path
) -> None:
    (path,) = provide(store, "a")
    before = path.stat().st_ino
    (path / "inner" / "file").chmod(0o644)
    (path / "inner" / "file").write_text("b")
    assert Store(tmp_path).find("a") is None
    provide(Store(tmp_path), "a")
    assert asked[-1].was_damaged
    assert (path / "inner" / "file").read_text() == "a"
    assert path.stat().st_ino != before
    Trash(tmp_path / "trash").empty()
    assert list((tmp_path / "trash").iterdir()) == []


def test_threads_that_want_overlapping_folders_make_each_once(
    store: Store, provide: Provide, asked: list[Missing]
) -> None:
    barrier = threading.Barrier(3)

    def ask(*names: str) -> None:
        barrier.wait()
        provide(store, *names)

    wanted = (("a", "b", "c"), ("c", "b", "a"), ("b", "d"))
    threads = [threading.Thread(target=ask, args=names) for names in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(name for missing in asked for name in missing.names) == ["a", "b", "c", "d"]


def test_only_what_is_unused_and_old_is_reclaimed(store: Store, provide: Provide) -> None:
    used, old, _young = provide(store, "used", "old", "young")
    for name in ("used", "old"):
        os.utime(store.directory.parent / "store-marks" / name, (0, 0))
    store.links.symlink(f"{used.parent.parent}/link", "target", "old")
    assert store.reclaim(lambda: {"used"}, grace_seconds=3600) == ["old"]
    assert not old.exists()
    assert store.find("old") is None
    assert store.find("used") is not None
    assert not (store.links.directory / "old").exists()


def test_nothing_is_reclaimed_while_something_is_built_or_unknown(
    store: Store, provide: Provide, tmp_path: Path
) -> None:
    provide(store, "a")
    with Store(tmp_path).in_use():
        assert store.reclaim(set, 0) == []
    assert store.reclaim(lambda: None, 0) == []
    assert store.reclaim(set, 0) == ["a"]


def test_marks_without_a_folder_are_not_taken_for_one(
    store: Store, provide: Provide, asked: list[Missing], tmp_path: Path
) -> None:
    (path,) = provide(store, "a")
    path.rename(tmp_path / "gone")
    assert Store(tmp_path).find("a") is None
    assert store.find("a") is None
    assert provide(store, "a") == [path]
    assert len(asked) == 2


def test_what_is_not_as_published_is_not_stored(store: Store, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "file").write_text("a")

    def make(_missing: Missing) -> Mapping[str, Taken]:
        return {"a": Taken(tmp_path / "made", hashes={"file": "0" * 64})}

    with pytest.raises(NotAsPublished, match="file of a"):
        store.provide(["a"], make, 10)
    assert store.find("a") is None
