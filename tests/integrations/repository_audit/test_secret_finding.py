from integrations.repository_audit.secret_finding import hashed_secret


def test_a_hash_is_stable_differs_by_secret_and_is_short() -> None:
    assert hashed_secret("first value") == hashed_secret("first value")
    assert hashed_secret("first value") != hashed_secret("second value")
    assert len(hashed_secret("x")) == 16
