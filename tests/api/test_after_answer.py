from flask import Flask, abort

from api.after_answer import after_answer


def test_act_follows_the_answer_even_one_that_is_an_error() -> None:
    app, done = Flask(__name__), []

    @app.get("/<int:status>")
    def answer(status: int) -> str:
        after_answer(lambda: done.append(status))
        assert status not in done
        if status >= 400:
            abort(status)
        return "well"

    for status in (200, 404):
        response = app.test_client().get(f"/{status}", buffered=True)
        assert response.status_code == status
        response.close()
    assert done == [200, 404]


def test_act_of_one_request_is_not_done_again_by_the_next() -> None:
    app, done = Flask(__name__), []

    @app.get("/<word>")
    def answer(word: str) -> str:
        if word == "act":
            after_answer(lambda: done.append(word))
        return word

    for word in ("act", "rest"):
        app.test_client().get(f"/{word}", buffered=True).close()
    assert done == ["act"]
