from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from utils.notes import Note
from worker.catalogue import Catalogue, Good, Offer, catalogue_of
from worker.catalogue_file import CatalogueFile
from worker.environment import Environment
from worker.job_order import Prepared

C1 = "1" * 40


@pytest.fixture
def written(prepare: Callable[[str], Prepared]) -> Catalogue:
    good = Good(prepare("dns"), "tree", ({"name": "look", "type": "collector"},), "gold")
    broken = Offer("web", C1, None, Note("it broke", "mend it"), retry=True)
    return catalogue_of(C1, [Offer("dns", C1, good), broken])


@pytest.fixture
def file(tmp_path: Path, written: Catalogue) -> CatalogueFile:
    file = CatalogueFile(tmp_path / "catalogue.json", "file:///source")
    file.write(written)
    return file


def test_catalogue_is_read_as_it_was_written(
    file: CatalogueFile, written: Catalogue, environment: Environment
) -> None:
    found = written.pair("dns")

    read = file.read(lambda _: found.snapshot, lambda _: environment)

    assert read == written


def test_pair_whose_snapshot_or_environment_is_gone_is_left_out(
    file: CatalogueFile, environment: Environment, tmp_path: Path
) -> None:
    for read in (
        file.read(lambda _: None, lambda _: environment),
        file.read(lambda _: tmp_path, lambda _: None),
    ):
        assert read.commit == C1
        assert read.offers["dns"].good is None


def test_catalogue_of_another_source_is_not_taken_over(
    file: CatalogueFile, environment: Environment, tmp_path: Path
) -> None:
    assert file.read(lambda _: tmp_path, lambda _: environment).commit == C1
    other = CatalogueFile(tmp_path / "catalogue.json", "file:///other")

    assert other.read(lambda _: tmp_path, lambda _: environment) == Catalogue()


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"format": 1}'])
def test_unreadable_file_is_made_anew_and_said(
    file: CatalogueFile, environment: Environment, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "catalogue.json").write_bytes(content)

    with capture_logs() as logs:
        assert file.read(lambda _: tmp_path, lambda _: environment) == Catalogue()

    assert [entry["event"] for entry in logs] == ["catalogue not used"]


def test_missing_file_is_an_empty_catalogue(tmp_path: Path) -> None:
    file = CatalogueFile(tmp_path / "catalogue.json", "file:///source")
    file.write(Catalogue())

    assert file.read(lambda _: None, lambda _: None) == Catalogue()
