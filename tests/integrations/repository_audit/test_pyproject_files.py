from integrations.repository_audit.pyproject_files import read_pyproject
from integrations.repository_audit.wanted import Origin

WHOLE = """\
[build-system]
requires = ["hatchling"]

[project]
dependencies = [
  "requests>=2",
  'idna==3.10',
]

[project.optional-dependencies]
socks = ["PySocks"]

[dependency-groups]
test = ["pytest", {include-group = "lint"}]
lint = ["ruff==0.1"]
"""


def test_dependencies_groups_and_builds_are_read_with_their_lines() -> None:
    found = [
        (item.name, item.place.origin, item.place.group, item.place.line)
        for item in read_pyproject("pyproject.toml", WHOLE)
    ]
    assert found == [
        ("requests", Origin.PROJECT, "", 6),
        ("idna", Origin.PROJECT, "", 7),
        ("pysocks", Origin.PROJECT, "socks", 11),
        ("pytest", Origin.PROJECT, "test", 14),
        ("ruff", Origin.PROJECT, "lint", 15),
        ("hatchling", Origin.BUILD, "", 2),
    ]


def test_a_file_that_is_not_toml_comes_back_as_a_problem() -> None:
    (found,) = read_pyproject("pyproject.toml", "[project")
    assert found.problem.startswith("it is not TOML")


def test_tables_of_the_wrong_kind_are_read_as_empty() -> None:
    text = 'project = 1\ndependency-groups = ["x"]\n[build-system]\nrequires = "hatchling"\n'
    assert read_pyproject("pyproject.toml", text) == []
