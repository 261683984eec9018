"""Tests of faults on recorded exchanges."""

import pytest

from utils.exchange_faults import Fault, Trouble, page_after, spoiled
from utils.exchange_file import Exchange, Reply

NEXT = {"link": '<https://x.example/items?page=2>; rel="next"'}


def exchange(url: str, task: str = "list", **more: object) -> Exchange:
    made = Exchange(task, "GET", f"https://x.example{url}", {}, None, 200, {}, {"json": [1, 2]})
    return made._replace(**more)  # type: ignore[arg-type]  # fields of the tuple


PAGES = [exchange("/items", headers=NEXT), exchange("/user"), exchange("/items?page=2")]


@pytest.mark.parametrize("fault", ["401", "403", "429", "500"])
def test_a_refusal_has_its_status(fault: str) -> None:
    found = spoiled(PAGES, 1, Fault(fault))

    assert found is not None
    assert isinstance(found.outcome, Reply)
    assert (found.place, found.outcome.status) == (1, int(fault))
    assert ("retry-after" in found.outcome.headers) is (fault == "429")


def test_a_cut_off_body_is_a_part_of_it() -> None:
    found = spoiled(PAGES, 0, Fault.CUT_OFF)

    assert found is not None
    assert isinstance(found.outcome, Trouble)
    assert found.outcome.reply is not None
    assert found.outcome.reply.body == b"[1,"


@pytest.mark.parametrize("fault", [Fault.CUT_OFF, Fault.NOT_JSON])
def test_an_answer_without_a_body_cannot_be_cut_off(fault: Fault) -> None:
    assert spoiled([exchange("/a", body=None)], 0, fault) is None


@pytest.mark.parametrize(
    "link", [NEXT["link"], '</items?page=2>; rel="next"', "<?page=2>; rel=next"]
)
def test_the_page_that_a_link_names_is_the_one_that_is_missing(link: str) -> None:
    found = spoiled([exchange("/items", headers={"link": link}), *PAGES[1:]], 0, Fault.NO_NEXT_PAGE)

    assert found is not None
    assert isinstance(found.outcome, Reply)
    assert (found.place, found.outcome.status) == (2, 404)


def test_the_last_page_has_no_next_one() -> None:
    assert spoiled(PAGES, 2, Fault.NO_NEXT_PAGE) is None


def test_without_a_link_the_next_of_the_same_path_is_the_next_page() -> None:
    cursors = [exchange("/items"), exchange("/items?cursor=b"), exchange("/items?cursor=c")]

    assert [page_after(cursors, index) for index in range(3)] == [1, 2, None]


@pytest.mark.parametrize(
    "other",
    [exchange("/users?page=2"), exchange("/items?page=2", task="b"), exchange("/items")],
)
def test_another_path_task_or_the_same_request_again_is_no_next_page(other: Exchange) -> None:
    assert page_after([exchange("/items"), other], 0) is None
