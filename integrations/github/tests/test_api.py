from integrations.github.api import address, found_in, mark_unseen, row_of
from integrations.github.refusal import Refusal
from utils.base_runner import TaskContext
from utils.task_context import JobView

OFF = Refusal(403, "Dependabot alerts are disabled for this repository.")


def test_what_goes_into_an_address_is_quoted() -> None:
    repository = {"full_name": "acme/dot.files"}
    path = "/repos/acme/dot.files/branches/a%2Fb%23c/protection"
    assert address(repository, "branches", "a/b#c", "protection") == path


def test_off_is_a_state_only_where_a_feature_may_be_off() -> None:
    assert row_of("acme/shop", OFF, may_be_off=True)["state"] == "off"
    assert row_of("acme/shop", OFF)["state"] == "unseen"


def test_what_was_found_is_that_of_the_repositories_that_were_seen() -> None:
    rows = [row_of("acme/shop", [1]), row_of("acme/site", OFF), row_of("acme/attic", [])]
    assert list(found_in(rows)) == [("acme/shop", [1]), ("acme/attic", [])]


def test_each_reason_is_told_once_with_a_few_names() -> None:
    ctx = TaskContext("t", JobView({}, {}, {}, {}, {}), {})
    rows = [row_of(f"acme/{number}", Refusal(404, "Not Found")) for number in range(7)]
    mark_unseen(ctx, [*rows, row_of("acme/x", Refusal(403, "No")), row_of("acme/y", [])])
    assert ctx.evidence().partial == (
        "acme/0, acme/1, acme/2, acme/3, acme/4 and 2 more: 404 Not Found",
        "acme/x: 403 No",
    )
