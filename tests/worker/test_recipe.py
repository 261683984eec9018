import platform
from dataclasses import replace

import pytest

from worker.recipe import Recipe, interpreter_tag
from worker.requirement import as_requirements
from worker.requirements import parse_requirements

RECIPE = Recipe(
    interpreter="cpython-3.11.7-linux",
    base=as_requirements(["requests>=2,<3"]),
    requirements=as_requirements(["boto3==1.26.0", "idna>=3,<4"]),
    source_builds=False,
    sdk_digest="0" * 64,
)


def test_order_comments_and_spacing_do_not_matter() -> None:
    text = "# ours\nIDNA <4, >=3   # and theirs\n\nboto3 == 1.26.0\nboto3==1.26.0\n"
    same = replace(RECIPE, requirements=parse_requirements(text, "dns"))
    assert same.key == RECIPE.key
    assert same.lock_key == RECIPE.lock_key


@pytest.mark.parametrize(
    "other",
    [
        replace(RECIPE, interpreter="cpython-3.12.1-linux"),
        replace(RECIPE, base=as_requirements(["requests>=2.1,<3"])),
        replace(RECIPE, requirements=as_requirements(["boto3==1.27.0", "idna>=3,<4"])),
        replace(RECIPE, base=(), requirements=(*RECIPE.requirements, *RECIPE.base)),
        replace(RECIPE, source_builds=True),
    ],
)
def test_whatever_else_changes_names_another_environment_and_lock(other: Recipe) -> None:
    assert other.key != RECIPE.key
    assert other.lock_key != RECIPE.lock_key


def test_another_sdk_names_another_environment_with_the_same_lock() -> None:
    other = replace(RECIPE, sdk_digest="1" * 64)
    assert other.key != RECIPE.key
    assert other.lock_key == RECIPE.lock_key


def test_keys_are_fit_for_file_names() -> None:
    assert len(RECIPE.key) == 24
    assert RECIPE.key.isalnum()


def test_the_interpreter_is_named_with_version_and_platform() -> None:
    tag = interpreter_tag()
    assert platform.python_version() in tag
    assert platform.machine() in tag
