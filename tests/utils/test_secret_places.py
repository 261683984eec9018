from utils.secret_places import outermost, sorted_secrets


def test_place_inside_another_is_left_out() -> None:
    assert outermost(["/a/b", "/a", "/ab", "/c/0"]) == ("/a", "/ab", "/c/0")


def test_secret_object_around_a_reference_becomes_the_secrets_beside_it() -> None:
    config = {"login": {"user": "u", "keys": ["k", "env:K"], "more": {"pin": 1}}, "zone": "env:Z"}
    found = sorted_secrets(config, ["/login"])
    assert found.references == ("/login/keys/1",)
    assert set(found.secrets) == {"/login/user", "/login/keys/0", "/login/more"}
    assert found.config == config


def test_what_is_kept_is_taken_as_it_is() -> None:
    config = {"a": {"b": "env:B", "c": "literal:env:C"}}
    found = sorted_secrets(config, ["/a"], kept=["/a"])
    assert (found.secrets, found.references, found.texts) == (("/a",), (), ())
    assert found.config == config


def test_escapes_and_faults_are_found_at_any_depth() -> None:
    found = sorted_secrets({"a": ["literal:env:C", "file:x"]}, ["/a"])
    assert found.config == {"a": ["env:C", "file:x"]}
    assert [pointer for pointer, _ in found.faults] == ["/a/1"]
