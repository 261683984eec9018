"""The files of a new integration, made from the packaged templates."""

import json
from collections.abc import Mapping
from pathlib import Path

import jinja2

from cli.scaffold.wanted import Wanted

TEMPLATES = Path(__file__).parents[1] / "templates" / "integration"
_SUFFIX = ".j2"


def files_of(wanted: Wanted) -> Mapping[str, str]:
    """Return the text of each file, by its path in the integration's folder."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - code; what a person gave goes through `literal`
    )
    environment.filters["literal"] = json.dumps  # ASCII: Python and JSON read it alike
    given = {"name": wanted.name, "base_url": wanted.base_url, "secret": wanted.secret}
    made = {
        name.removesuffix(_SUFFIX): environment.get_template(name).render(given)
        for name in environment.list_templates(filter_func=lambda name: name.endswith(_SUFFIX))
    }
    return {**made, "collectors/__init__.py": '"""Collectors gather data."""\n'} | {
        "insights/__init__.py": '"""Insights judge data."""\n'
    }
