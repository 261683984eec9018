"""Changes to modules, made as soon as each is imported, and taken back in the end."""

import importlib.util
import sys
from collections.abc import Callable, Mapping
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, TypeAlias

Hook: TypeAlias = Callable[[ModuleType, Callable[[Any, str, Any], None]], None]


class LateHooks(MetaPathFinder):
    """Calls a hook once its module is there; what hooks replace comes back at `remove`."""

    def __init__(self, hooks: Mapping[str, Hook]) -> None:
        self._hooks = dict(hooks)
        self._replaced: list[tuple[Any, str, Any]] = []
        self._looking: set[str] = set()

    def install(self) -> None:
        """Begin: hook what is imported already, and wait for the rest."""
        for name in self._hooks:
            if name in sys.modules:
                self.ready(sys.modules[name])
        sys.meta_path.insert(0, self)

    def remove(self) -> None:
        """Give back what was there before."""
        sys.meta_path.remove(self)
        for owner, name, value in reversed(self._replaced):
            setattr(owner, name, value)
        self._replaced.clear()

    def replace(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute until `remove`."""
        self._replaced.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    def ready(self, module: ModuleType) -> None:
        """Call the hook of a module that was imported."""
        self._hooks[module.__name__](module, self.replace)

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """Find a module that has a hook as others would, and have it hooked once it ran."""
        del path, target
        if fullname not in self._hooks or fullname in self._looking:
            return None
        self._looking.add(fullname)
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._looking.discard(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _HookedLoader(spec.loader, self)
        return spec


class _HookedLoader(Loader):
    def __init__(self, loader: Loader, hooks: LateHooks) -> None:
        self._loader = loader
        self._hooks = hooks

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._hooks.ready(module)
