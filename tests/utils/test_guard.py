from collections.abc import Callable
from typing import Any

RunGuarded = Callable[..., Any]


def test_calls_that_wait_do_not_hold_up_others(
    run_guarded: RunGuarded, busy_server: int, open_server: int
) -> None:
    found = run_guarded(
        """
def wait():
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("=qq", 2, 0))
    answers.append(tried(client.connect, ("127.0.0.1", arguments[0])))
answers = []
threads = [threading.Thread(target=wait) for _ in range(8)]
for thread in threads: thread.start()
for _ in range(50):
    socket.create_connection(("127.0.0.1", arguments[1]), 2).close()
early = len(answers)
for thread in threads: thread.join()
print(json.dumps([early, answers]))
""",
        busy_server,
        open_server,
        ports=[busy_server, open_server],
    )
    assert found == [0, ["EAGAIN"] * 8]


def test_signal_ends_a_call_that_waits_and_leaves_the_others(
    run_guarded: RunGuarded, busy_server: int
) -> None:
    found = run_guarded(
        """
import signal
class Alarm(Exception): pass
def ring(*_): raise Alarm
signal.signal(signal.SIGALRM, ring)
signal.setitimer(signal.ITIMER_REAL, 0.3)
try:
    socket.socket().connect(("127.0.0.1", arguments[0]))
except Alarm:
    print(json.dumps("rang"))
""",
        busy_server,
        ports=[busy_server],
    )
    assert found == "rang"


def test_caller_that_is_killed_while_it_waits_is_forgotten(
    run_guarded: RunGuarded, busy_server: int, open_server: int
) -> None:
    found = run_guarded(
        """
pid = os.fork()
if pid == 0:
    socket.socket().connect(("127.0.0.1", arguments[0]))
time.sleep(0.1)
os.kill(pid, 9)
os.waitpid(pid, 0)
print(json.dumps(tried(socket.socket().connect, ("127.0.0.1", arguments[1]))))
""",
        busy_server,
        open_server,
        ports=[busy_server, open_server],
    )
    assert found == "done"


def test_descriptors_that_are_no_sockets_get_the_answers_that_they_would(
    run_guarded: RunGuarded,
) -> None:
    found = run_guarded("""
LIBC = ctypes.CDLL(None, use_errno=True)
def call(name, *given):
    ctypes.set_errno(0)
    answer = getattr(LIBC, name)(*given)
    return "done" if answer >= 0 else errno.errorcode[ctypes.get_errno()]
address = struct.pack("=H", 2) + bytes(14)
local = socket.socket(socket.AF_UNIX)
inet = socket.socket()
print(json.dumps([
    call("connect", 0, address, 16), call("connect", 99, address, 16), call("connect", -1, None, 0),
    call("connect", inet.fileno(), None, 16), call("connect", inet.fileno(), address, 1),
    call("connect", inet.fileno(), address, 4096), call("connect", local.fileno(), address, 16),
    call("connect", inet.fileno(), bytes(16), 16), call("listen", 0, 1),
    call("sendmsg", inet.fileno(), None, 0), call("sendmmsg", inet.fileno(), None, 1, 0),
]))
""")
    assert found == [
        *("ENOTSOCK", "EBADF", "EBADF"),
        *("EFAULT", "EINVAL"),
        *("EINVAL", "EINVAL"),
        *("done", "ENOTSOCK"),  # an address of no family takes a connection away
        *("EFAULT", "EFAULT"),
    ]


def test_socket_that_waits_again_does_not_hold_up_the_guard(
    run_guarded: RunGuarded, busy_server: int, open_server: int
) -> None:
    found = run_guarded(
        """
def by_time(port):
    socket.create_connection(("127.0.0.1", port), 30).close()
def try_it():
    client = socket.socket()
    def change():
        for _ in range(2000):
            client.setblocking(True)
            client.setblocking(False)
    threading.Thread(target=change, daemon=True).start()
    client.connect_ex(("127.0.0.1", arguments[0]))
for _ in range(30):
    threading.Thread(target=try_it, daemon=True).start()
answers = [tried(by_time, arguments[1]) for _ in range(20)]
print(json.dumps(answers), flush=True)
os._exit(0)
""",
        busy_server,
        open_server,
        ports=[busy_server, open_server],
    )
    assert found == ["done"] * 20
