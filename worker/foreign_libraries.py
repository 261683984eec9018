"""Finds packages whose compiled libraries look for those of another package beside themselves."""

import mmap
import os
import re
from pathlib import Path

from worker.tree_marks import files_below

_SHARED_OBJECT = re.compile(r"\.so(\.[\w.]+)?$")
_UPWARD = re.compile(rb"\$ORIGIN(?P<up>(?:/\.\.)+(?:/[\w.+-]+)*)/?[:\0]")
_COMMON = re.compile(r"\.|lib(64)?|lib(64)?/python[^/]*(/site-packages)?")


def looks_outside(tree: Path) -> bool:
    """Say whether a library in this folder has a search path that leads out of the package.

    A loader goes up from where a library really lies: from a stored folder that would lead to
    nothing of the environment. A path that is only a leftover costs some links more.
    """
    return any(
        _leads_out(tree, name)
        for name, stat in files_below(tree)
        if stat.st_size and _SHARED_OBJECT.search(name)
    )


def _leads_out(tree: Path, name: str) -> bool:
    if (tree / name).is_symlink():
        return False
    with (
        (tree / name).open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as m,
    ):
        found = {match["up"] for match in _UPWARD.finditer(m)}
    folder = os.path.dirname(name)  # noqa: PTH120 - of a relative name
    for up in found:
        target = os.path.normpath(folder + os.fsdecode(up))
        if _COMMON.fullmatch(target) or target.startswith("..") or not (tree / target).exists():
            return True
    return False
