import pytest

from worker.lease import Lease


def test_lease_is_one_attempt_and_cannot_be_changed() -> None:
    lease = Lease("job", 2, "token")

    assert lease == Lease("job", 2, "token")
    assert lease != Lease("job", 3, "token")
    with pytest.raises(AttributeError):
        lease.attempt = 3  # type: ignore[misc]  # that is what is tried
