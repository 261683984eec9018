import dataclasses

import pytest

from worker.job_order import Description, JobEnd, JobOrder


def test_order_runs_all_tasks_and_has_no_secrets_unless_told() -> None:
    order = JobOrder("job", 1, "name", {})
    assert (order.secrets, order.only) == ((), None)


def test_what_flows_between_modules_cannot_be_changed() -> None:
    for value in (JobOrder("job", 1, "name", {}), JobEnd("success"), Description()):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, dataclasses.fields(value)[0].name, "changed")
