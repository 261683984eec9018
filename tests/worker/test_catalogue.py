from collections.abc import Callable

import pytest

from utils.notes import Note
from worker.catalogue import Catalogue, Good, NotRunnable, Offer, catalogue_of
from worker.job_order import Prepared

C1, C2 = "1" * 40, "2" * 40
Prepare = Callable[[str], Prepared]


@pytest.fixture
def good(prepare: Prepare) -> Good:
    return Good(prepare("dns"), "tree", ())


def test_ready_integration_gives_its_pair(good: Good) -> None:
    catalogue = catalogue_of(C1, [Offer("dns", C1, good)])

    assert catalogue.pair("dns") is good.prepared
    assert catalogue.prepared == (good.prepared,)
    assert not catalogue.wants_retry


def test_broken_integration_gives_its_last_good_pair(good: Good) -> None:
    offer = Offer("dns", C2, good, Note("it broke", "mend it"), retry=True)
    catalogue = catalogue_of(C2, [offer])

    assert catalogue.pair("dns") is good.prepared
    assert not offer.is_ready
    assert catalogue.wants_retry


def test_broken_integration_without_a_last_good_pair_says_why() -> None:
    catalogue = catalogue_of(C2, [Offer("dns", C2, None, Note("it broke", "mend it"))])

    with pytest.raises(NotRunnable, match="it broke") as caught:
        catalogue.pair("dns")

    assert caught.value.advice == "mend it"


def test_unknown_integration_gets_a_suggestion(good: Good) -> None:
    catalogue = catalogue_of(C1, [Offer("dns", C1, good)])

    with pytest.raises(NotRunnable, match="did you mean 'dns'"):
        catalogue.pair("dnss")


def test_replacing_an_offer_leaves_the_old_catalogue_as_it_was(good: Good) -> None:
    before = catalogue_of(C1, [Offer("dns", C1, good)])

    after = before.with_offer(Offer("dns", C2, good))

    assert before.offers["dns"].judged_at == C1
    assert after.offers["dns"].judged_at == C2
    assert Catalogue().commit is None
