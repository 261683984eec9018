import io

from rich.console import Console

from cli.progress import Progress


def test_progress_tells_commit_builds_and_breakage() -> None:
    out = io.StringIO()
    progress = Progress(Console(file=out, width=200, no_color=True))
    for line in (
        {"event": "commit taken", "commit": "0123456789abcdef", "source": "file:///x"},
        {"event": "environment build started", "integration": "a"},
        {"event": "environment ready", "integration": "a", "seconds": 1.25},
        {"event": "environment ready", "integration": "b", "seconds": None},
        {"event": "integration broken", "integration": "c", "reason": "oops", "advice": "fix"},
        {"event": "something else"},
    ):
        progress(line)
    said = out.getvalue()
    for part in ("0123456789 of file:///x", "a: building", "a: built in 1.2 s", "b: there already"):
        assert part in said
    assert "c: oops" in said
    assert "fix" in said
