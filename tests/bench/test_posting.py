from bench.posting import measure


def test_both_sides_are_measured() -> None:
    plain, keyed = measure(rounds=3)
    assert "Idempotency-Key" in keyed.what
    assert all(row.ours > 0 and row.beside > 0 for row in (plain, keyed))
