from worker.warm_state import WarmState


def test_state_is_told_with_its_reason() -> None:
    assert WarmState("unfit", "it starts a thread").as_json() == {
        "state": "unfit",
        "reason": "it starts a thread",
    }
    assert WarmState("idle").as_json() == {"state": "idle", "reason": None}
