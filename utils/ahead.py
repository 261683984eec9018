"""What a warm process imports ahead: parts of the SDK that each of its jobs would import anew.

They are imported where they are first used, so that jobs without them don't wait for them.
"""

import re
import sys
from collections.abc import Iterable
from importlib import import_module

_CLIENT, _TOOLS, _BESIDE = "utils.http", "utils.task_tools", "utils.side_by_side"
_TOOL = re.compile(r"\.(http|cache|logger|progress)\b")


def import_ahead(integration: str, *, beside: bool) -> None:
    """Import what an integration's loaded files name; `beside`: its tasks run side by side."""
    names = modules_for(_loaded_texts(integration), beside=beside)
    for name in names:
        import_module(name)
    if _CLIENT in names:
        import_module("utils.http_transport").authorities()


def modules_for(texts: Iterable[str], *, beside: bool) -> list[str]:
    """Return what code uses by its words.

    One that means something else costs an import, and one that is not found an import a job.
    """
    found = {name for text in texts for name in _TOOL.findall(text)}
    wanted = {_BESIDE: beside, _TOOLS: bool(found), _CLIENT: "http" in found}
    return [name for name, is_wanted in wanted.items() if is_wanted]


def _loaded_texts(integration: str) -> list[str]:
    prefix = f"integrations.{integration}."
    modules = [module for name, module in sys.modules.items() if name.startswith(prefix)]
    paths = [getattr(module, "__file__", None) for module in modules]
    return [_text(path) for path in paths if isinstance(path, str)]


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - pathlib costs 6 ms
            return file.read()
    except (OSError, ValueError):
        return ""  # it is no file: a plugin may have made a module by itself
