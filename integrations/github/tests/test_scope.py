import pytest

from integrations.github.scope import PUBLIC_API, read_scope
from utils.errors import IntegrationNotConfigured


def test_the_public_api_is_the_usual_one() -> None:
    scope = read_scope({"token": "t", "organisation": "acme"})
    assert (scope.base_url, scope.shown) == (PUBLIC_API, "acme")


def test_some_repositories_of_an_organisation_are_taken_in_whatever_their_case() -> None:
    scope = read_scope({"token": "t", "organisation": "acme", "repositories": ["Acme/Shop"]})
    assert scope.shown == "1 repositories of acme"
    assert scope.takes_in("acme/shop")
    assert not scope.takes_in("acme/site")


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"organisation": "acme"}, "no token"),
        ({"token": "t"}, "neither `organisation` nor `repositories`"),
        ({"token": "t", "organisation": "acme/../x"}, "no name of an account"),
        ({"token": "t", "repositories": ["shop"]}, "no full name"),
        ({"token": "t", "repositories": ["acme/shop?x=1"]}, "no full name"),
    ],
)
def test_a_config_that_names_nothing_is_told(config: dict[str, object], reason: str) -> None:
    with pytest.raises(IntegrationNotConfigured, match=reason):
        read_scope(config)
