"""What a person sees of the worker's log while it starts: commit and environments."""

from typing import Any

from rich.console import Console

from cli.render import text


class Progress:
    """Prints the log lines that matter as they come."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, line: dict[str, Any]) -> None:
        """Take one line of the worker's log."""
        match line.get("event"):
            case "commit taken":
                source = text(line.get("source"))
                self._console.print(
                    f"commit       {text(str(line.get('commit'))[:10])} of {source}"
                )
            case "environment build started":
                self._console.print(f"environment  {text(line['integration'])}: building ...")
            case "environment ready":
                self._console.print(f"environment  {text(line['integration'])}: {_built(line)}")
            case "environment broken" | "integration broken":
                self._print_broken(line)
            case _:
                pass

    def _print_broken(self, line: dict[str, Any]) -> None:
        name = text(line.get("integration"))
        self._console.print(f"[red]broken[/]       {name}: {text(line.get('reason'))}")
        self._console.print(f"  [cyan]next[/]       {text(line.get('advice'))}")


def _built(line: dict[str, Any]) -> str:
    seconds = line.get("seconds")
    return "there already" if seconds is None else f"built in {float(seconds):.1f} s"
