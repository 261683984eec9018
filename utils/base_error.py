"""The base of every error that Trueline raises."""


class TruelineError(Exception):
    """Base of every error of ours.

    `reason` names the thing and what is wrong with it; `advice` is the next step and is true in
    the present state. `str()` joins both.
    """

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason, advice)
        self.reason = reason
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.reason}; {self.advice}" if self.advice else self.reason
