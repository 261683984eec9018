import click

from cli.context import client, environ, settings


def test_a_client_goes_where_the_variables_of_the_start_say() -> None:
    variables = {"TRUELINE_API_URL": "http://127.0.0.1:1234/"}
    with click.Context(click.Command("any"), obj=variables):
        assert environ() == variables
        assert settings().api_url == "http://127.0.0.1:1234"
        with client() as api:
            assert api.url == "http://127.0.0.1:1234"
