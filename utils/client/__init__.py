"""Clients of Trueline's own API; what is imported from here is loaded when it is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from utils.client.api import Trueline
    from utils.client.errors import ApiAway, ApiProblem

__all__ = ["ApiAway", "ApiProblem", "Trueline"]


def __getattr__(name: str) -> Any:
    """Load a part at its first use: plugins that want another one pay for that alone."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "api" if name == "Trueline" else "errors"
    return getattr(import_module(f"{__name__}.{home}"), name)
