from flask import Flask, g

from api.principal import LOOPBACK, Principal, Role, current_principal


def test_without_tokens_whoever_is_on_this_machine_is_its_admin() -> None:
    with Flask(__name__).test_request_context():
        assert current_principal() == LOOPBACK
        assert current_principal().role is Role.ADMIN


def test_the_principal_of_a_request_is_the_one_that_was_found() -> None:
    someone = Principal("ada", Role.VIEWER, "t1")
    with Flask(__name__).test_request_context():
        g.principal = someone
        assert current_principal() is someone
