"""The guard of one sandbox: outside of it, it makes the calls that reach for other sockets.

It decides by the rules of `utils.destinations`. When it is gone, such calls fail.
"""

import ctypes
import errno
import select
import time
from typing import NamedTuple

from utils.caller import Caller
from utils.destinations import Refused
from utils.guard_filter import Numbers
from utils.guarded_call import (
    Connection,
    FirstOfMany,
    GuardedCall,
    Listening,
    Parcel,
    Transmission,
    read_parcel,
)
from utils.guarded_socket import GuardedSocket, Judge
from utils.notifications import Notifications, PendingCall

RETRY_SECONDS = 0.01  # of calls on sockets that don't tell when to try again
LOOK_SECONDS = 0.1  # how soon a signal ends a call that waits
MOST_WAITING = 1024
MOST_TOLD = 256
_WANTS_ROOM = select.POLLOUT
_LOW = 0xFFFFFFFF  # arguments of 32 bits


class _Waiting(NamedTuple):
    pending: PendingCall
    caller: Caller
    call: GuardedCall
    ends_at: float


class Guard:
    """One thread, which never waits for a single call."""

    def __init__(self, notifications: Notifications, judge: Judge, numbers: Numbers) -> None:
        self._notifications = notifications
        self._judge = judge
        self._numbers = numbers
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._poll = select.poll()
        self._poll.register(notifications, select.POLLIN)
        self._waiting: dict[int, _Waiting] = {}
        self._told: set[tuple[int, str]] = set()
        self._looked_at = 0.0

    def serve(self) -> None:
        """Answer until no process of the sandbox is left."""
        while True:
            for descriptor, events in self._poll.poll(self._patience()):
                if descriptor != self._notifications.fileno():
                    self._try_again(descriptor)
                elif self._notifications.is_hung_up(events):
                    return
                else:
                    self._take()
            self._look_after_the_waiting()

    def _patience(self) -> float | None:
        if not self._waiting:
            return None
        is_polled = all(one.call.is_polled for one in self._waiting.values())
        return 1000 * (LOOK_SECONDS if is_polled else RETRY_SECONDS)

    def _take(self) -> None:
        pending = self._notifications.receive()
        if pending is None:
            return
        try:
            result = self._begin(pending)
        except OSError as error:
            result = -(error.errno or errno.EIO)
        except Exception:  # noqa: BLE001 - the process's edge: what is not understood is refused
            result = -errno.EACCES
        if result is not None:
            self._notifications.answer(pending, result)

    def _begin(self, pending: PendingCall) -> int | None:
        """Make a call; None when it has to wait."""
        caller = Caller(pending.thread, self._libc)
        is_kept = False
        try:
            call = self._prepare(pending, caller)
            try:
                if not self._notifications.still_waits(pending):
                    return -errno.EINTR
                return call.attempt()
            except BlockingIOError as error:
                is_kept = call.may_wait and len(self._waiting) < MOST_WAITING
                if not is_kept:
                    return call.progress() or -(error.errno or errno.EAGAIN)
                self._keep(pending, caller, call)
                return None
            finally:
                if not is_kept:
                    call.close()
        except Refused as refusal:
            if len(self._told) >= MOST_TOLD:
                self._told.clear()
            caller.tell(f"trueline: {refusal.strerror}\n", self._told)
            raise
        finally:
            if not is_kept:
                caller.close()

    def _prepare(self, pending: PendingCall, caller: Caller) -> GuardedCall:
        mine = GuardedSocket(caller, _signed(pending.arguments[0]))
        try:
            return self._judged(pending, caller, mine)
        except BaseException:
            mine.close()
            raise

    def _judged(self, pending: PendingCall, caller: Caller, mine: GuardedSocket) -> GuardedCall:
        numbers, arguments = self._numbers, pending.arguments
        if pending.number == numbers.listen:
            return Listening(mine, _signed(arguments[1]))
        if pending.number == numbers.connect:
            target = self._judge.to_connect(caller, mine, arguments[1], arguments[2] & _LOW)
            return Connection(self._libc, mine, target)
        parts = (self._libc, caller, mine)
        if pending.number == numbers.sendto:
            start, size, flags, name, name_size = arguments[1:]
            place = (name, name_size & _LOW)
            parcel = Parcel(place, [(start, size)], (0, 0), flags & _LOW)
            return Transmission(*parts, parcel, self._judge)
        if pending.number == numbers.sendmsg:
            parcel = read_parcel(caller, arguments[1], arguments[2] & _LOW)
            return Transmission(*parts, parcel, self._judge)
        parcel = read_parcel(caller, arguments[1], arguments[3] & _LOW)
        return FirstOfMany(*parts, parcel, self._judge)

    def _keep(self, pending: PendingCall, caller: Caller, call: GuardedCall) -> None:
        patience = call.socket.patience_seconds()
        ends_at = float("inf") if patience is None else time.monotonic() + patience
        descriptor = call.socket.fileno()
        self._waiting[descriptor] = _Waiting(pending, caller, call, ends_at)
        if call.is_polled:
            self._poll.register(descriptor, _WANTS_ROOM)

    def _try_again(self, descriptor: int) -> None:
        waiting = self._waiting.get(descriptor)
        if waiting is None:
            return
        try:
            result = waiting.call.attempt()
        except BlockingIOError:
            return
        except OSError as error:
            result = waiting.call.progress() or -(error.errno or errno.EIO)
        self._finish(descriptor, result)

    def _look_after_the_waiting(self) -> None:
        now = time.monotonic()
        for descriptor, waiting in list(self._waiting.items()):
            if not waiting.call.is_polled:
                self._try_again(descriptor)
        if now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        for descriptor, waiting in list(self._waiting.items()):
            if not self._notifications.still_waits(waiting.pending):
                self._finish(descriptor, None)
            elif now >= waiting.ends_at or _is_signalled(waiting.caller):
                number = errno.EAGAIN if now >= waiting.ends_at else errno.EINTR
                self._finish(descriptor, waiting.call.progress() or -number)

    def _finish(self, descriptor: int, result: int | None) -> None:
        waiting = self._waiting.pop(descriptor)
        if waiting.call.is_polled:
            self._poll.unregister(descriptor)
        waiting.call.close()
        waiting.caller.close()
        if result is not None:
            self._notifications.answer(waiting.pending, result)


def _is_signalled(caller: Caller) -> bool:
    try:
        return caller.is_signalled()
    except OSError:
        return True  # it is gone


def _signed(argument: int) -> int:
    return ctypes.c_int(argument & _LOW).value
