from integrations.github.verdict import counted, judged, resource, without_allowed

KIM = resource("acme/shop:kim", "kim may write", login="kim")


def test_without_resources_it_passes_with_its_message() -> None:
    result = judged([], "all is well", "access")
    assert (result["violation"], result["message"]) == (False, "all is well")


def test_what_two_pages_name_is_one_violation() -> None:
    result = judged([KIM, dict(KIM)], "all is well", "access", "accesses")
    assert (result["resources"], result["message"]) == ([KIM], "1 access")


def test_an_allow_list_does_not_mind_case() -> None:
    assert without_allowed([KIM], ["KIM"], "login") == []
    assert without_allowed([KIM], ["lee"], "login") == [KIM]


def test_more_than_one_are_counted_in_the_plural() -> None:
    assert counted(1, "key") == "1 key"
    assert counted(2000, "key") == "2,000 keys"
    assert counted(0, "person", "people") == "0 people"
