"""How an error in a plugin's code is told: reason, advice and a short traceback."""

import os
import sys
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from utils.errors import (
    AuthoringError,
    IntegrationError,
    InvalidResult,
    TruelineError,
    UpstreamFailed,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from traceback import FrameSummary, TracebackException

TEXT_LIMIT = 16 * 1024
STACK_LIMIT = 200
_MOST_CAUSES = 20
LONGEST_WAIT_SECONDS = 1e9  # what an event may say
_SDK = os.path.dirname(os.path.abspath(__file__)) + os.sep  # noqa: PTH100, PTH120 - pathlib costs 6 ms
_TOLD_IN_FULL = (AuthoringError, InvalidResult, UpstreamFailed)  # only a cause's frames add to it


class Failure(NamedTuple):
    """What is told about an error in a plugin's code."""

    reason: str
    advice: str
    traceback: str | None
    cause: dict[str, Any] | None = None  # of an integration's error: what the job acts on

    @property
    def text(self) -> str:
        """The whole story in one string."""
        said = f"{self.reason}; {self.advice}" if self.advice else self.reason
        return f"{said}\n{self.traceback}" if self.traceback else said

    def as_error(self) -> dict[str, Any]:
        """Return the shape that events carry."""
        told = {"reason": self.reason, "advice": self.advice, "traceback": self.traceback}
        return told if self.cause is None else told | {"cause": self.cause}


def told_failure(error: BaseException) -> Failure:
    """Say what happened, with a traceback of the plugin's own frames where it helps."""
    if isinstance(error, _TOLD_IN_FULL):
        below = short_traceback(error.__cause__) if error.__cause__ else None
        return Failure(clean_text(error.reason), clean_text(error.advice), below)
    trace = short_traceback(error)
    cause = cause_of(error)
    if isinstance(error, TruelineError):
        return Failure(clean_text(error.reason), clean_text(error.advice), trace, cause)
    at = error_place(error)
    reason = f"{at}: {error_text(error)}" if at else error_text(error)
    return Failure(reason, f"see the traceback and fix {at or 'the code'}", trace, cause)


def cause_of(error: BaseException | None) -> dict[str, Any] | None:
    """Return the cause of an integration's error: of this one, one in its group, or its cause."""
    for _ in range(_MOST_CAUSES):
        if error is None:
            break
        if isinstance(error, IntegrationError):
            return {"kind": str(error.cause), "retry_after": _wait_of(error)}
        if isinstance(error, BaseExceptionGroup):
            found = (cause_of(one) for one in error.exceptions)
            return next((cause for cause in found if cause), None)
        error = error.__cause__
    return None


def error_text(error: BaseException) -> str:
    """Return `Type: message` on one bounded line."""
    try:
        said = error.msg if isinstance(error, SyntaxError) else error  # its text repeats the place
        message = " ".join(str(said).split())
    except Exception:  # noqa: BLE001 - a plugin's __str__ may raise anything
        message = "(its message cannot be shown)"
    name = type(error).__name__
    return clean_text(f"{name}: {message}" if message else name, 1000)


def error_place(error: BaseException) -> str:
    """Return the innermost `file:line` of the plugin that the error passed, or an empty string."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{shown_path(error.filename)}:{error.lineno or 1}"
    place = ""
    step = error.__traceback__
    while step:
        if is_plugin_file(step.tb_frame.f_code.co_filename):
            place = f"{shown_path(step.tb_frame.f_code.co_filename)}:{step.tb_lineno}"
        step = step.tb_next
    return place


def short_traceback(error: BaseException) -> str:
    """Format the error with the plugin's frames and the place of raising, paths made short."""
    try:
        from traceback import TracebackException  # noqa: PLC0415 - 2 ms, only once something failed
    except OSError:  # the plugin has used up the open files, or the memory
        return error_text(error)
    whole = TracebackException.from_exception(error, limit=_deep_limit(error.__traceback__))
    _shorten(whole, set())
    return clean_text("".join(whole.format()).rstrip())


def frame_place(frame: FrameType | None) -> str:
    """Return the innermost `file:line` of the plugin that a running call stands in."""
    while frame:
        if is_plugin_file(frame.f_code.co_filename):
            return f"{shown_path(frame.f_code.co_filename)}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def short_stack(frame: FrameType | None) -> str | None:
    """Format the plugin's frames of a running call, and the one that it stands in."""
    try:
        from traceback import StackSummary, walk_stack  # noqa: PLC0415 - same as above
    except OSError:
        return None
    stack = StackSummary.extract(walk_stack(frame), limit=STACK_LIMIT) if frame else []
    told = "".join(StackSummary.from_list(_plugin_frames(stack[::-1])).format()).rstrip()
    return clean_text(f"Stack (most recent call last):\n{told}") if told else None


def is_plugin_file(file: str) -> bool:
    """Tell whether a file belongs to the snapshot that is being run."""
    root = _integrations_folder()
    return bool(root) and file.startswith(root + os.sep)


def shown_path(file: str) -> str:
    """Shorten a path to how its author knows it: from `integrations/` or the package on."""
    root = _integrations_folder()
    if root and file.startswith(root + os.sep):
        return "integrations" + file[len(root) :]
    _, packages, rest = file.rpartition(f"{os.sep}site-packages{os.sep}")
    return rest if packages else file


def clean_text(text: str, limit: int = TEXT_LIMIT) -> str:
    """Make any string fit to be sent and stored: no NUL, no lone surrogate, bounded."""
    if len(text) > limit:
        half = limit // 2
        text = (
            f"{text[:half]}\n... {len(text) - 2 * half:,} characters left out ...\n{text[-half:]}"
        )
    if "\x00" in text:
        text = text.replace("\x00", "\\x00")
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _wait_of(error: IntegrationError) -> float | None:
    wait = getattr(error, "retry_after", None)  # a plugin may have set it
    if not isinstance(wait, int | float) or not 0 <= wait < float("inf"):
        return None
    return min(wait, LONGEST_WAIT_SECONDS)


def _integrations_folder() -> str:
    package = sys.modules.get("integrations")
    return next(iter(getattr(package, "__path__", ())), "")


def _deep_limit(trace: TracebackType | None) -> int | None:
    """Bound what endless recursion adds: its first 50 frames tell it all."""
    depth = 0
    while trace and depth <= 200:
        depth, trace = depth + 1, trace.tb_next
    return 50 if depth > 200 else None


def _shorten(told: "TracebackException | None", seen: set[int]) -> None:
    if told is None or id(told) in seen:
        return
    seen.add(id(told))
    told.stack[:] = _plugin_frames(told.stack)
    if getattr(told, "filename", None):  # of a SyntaxError
        told.filename = shown_path(told.filename)
    for other in (told.__cause__, told.__context__, *(told.exceptions or ())):
        _shorten(other, seen)


def _plugin_frames(stack: "Sequence[FrameSummary]") -> list[Any]:
    kept = [
        frame
        for position, frame in enumerate(stack)
        if is_plugin_file(frame.filename) or (position == len(stack) - 1 and not _is_ours(frame))
    ]
    for frame in kept:
        frame.line  # noqa: B018 - reads the source line while the path is still whole
        frame.filename = shown_path(frame.filename)
    return kept


def _is_ours(frame: Any) -> bool:
    return bool(frame.filename.startswith((_SDK, "<frozen importlib")))
