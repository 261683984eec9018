"""What uv and pip really printed, shortened, for requirements whose lines are known."""

import pytest

from worker.build_failure import BuildCause
from worker.diagnosis import TAIL_CHARACTERS, Order, clean_tail
from worker.requirement import Requirement, as_requirements

ORDER = Order(
    "dns",
    (Requirement("fastapi==0.50.0", 2), Requirement("docopt==0.6.2", 4), Requirement("idna", 5)),
    as_requirements(["pydantic>=2,<3", "requests>=2,<3"]),
)
PRINTED = {
    "uv: unknown package": (
        (
            "error: No solution found when resolving dependencies\n  cause: Because docopt was not"
            " found in the package registry and you require docopt==0.6.2, we can conclude that"
            " your requirements are unsatisfiable."
        ),
        (BuildCause.NOT_FOUND, 4, "'docopt==0.6.2'"),
    ),
    "uv: unknown version": (
        (
            "error: No solution found when resolving dependencies\n  cause: Because there is no"
            " version of docopt==0.6.2 and you require docopt==0.6.2, we can conclude that your"
            " requirements are unsatisfiable."
        ),
        (BuildCause.NOT_FOUND, 4, "'docopt==0.6.2'"),
    ),
    "uv: a package that another one asks for": (
        (
            "error: No solution found\n  cause: Because mylib was not found in the package registry"
            " and theirs==1 depends on mylib, we can conclude that theirs==1 cannot be used."
        ),
        (BuildCause.NOT_FOUND, None, "'mylib'"),
    ),
    "uv: conflict": (
        (
            "error: No solution found when resolving dependencies\n  cause: Because fastapi==0.50.0"
            " depends on pydantic>=0.32.2,<2.0.0 and you require pydantic>=2,<3, we can conclude"
            " that your requirements and fastapi==0.50.0 are incompatible."
        ),
        (BuildCause.CONFLICT, 2, "'pydantic<3,>=2' is a base requirement"),
    ),
    "uv: no wheel": (
        (
            "error: No solution found\n  cause: Because docopt==0.6.2 has no usable wheels and you"
            " require docopt==0.6.2, we can conclude that your requirements are unsatisfiable."
        ),
        (BuildCause.NO_WHEEL, 4, "no wheel of 'docopt==0.6.2'"),
    ),
    "uv: hash": (
        ("error: Failed to download `idna==3.20`\n  cause: Hash mismatch for `idna==3.20`"),
        (BuildCause.HASH_MISMATCH, 5, "'idna'"),
    ),
    "uv: nobody listens": (
        (
            "error: Request failed after 3 retries in 7.6s\n  cause: Failed to fetch:"
            " http://127.0.0.1:9/simple/idna/\n  cause: client error (Connect)"
        ),
        (BuildCause.INDEX_UNREACHABLE, None, "cannot be reached"),
    ),
    "uv: disk": (
        (
            "error: Failed to install: idna\n  cause: failed to copy file\n  cause: No space left"
            " on device (os error 28)"
        ),
        (BuildCause.DISK_FULL, None, "the disk is full"),
    ),
    "pip: unknown version": (
        (
            "Collecting fastapi (from -r requirements.txt (line 2))\nERROR: Could not find a"
            " version that satisfies the requirement docopt==0.6.2 (from versions: 0.6.1)\nERROR:"
            " No matching distribution found for docopt==0.6.2"
        ),
        (BuildCause.NOT_FOUND, 4, "'docopt==0.6.2'"),
    ),
    "pip: conflict": (
        (
            "Collecting idna (from -r requirements.txt (line 5))\nERROR: Cannot install -r"
            " requirements.txt (line 2) and pydantic<3 and >=2 because these package versions have"
            " conflicting dependencies.\nERROR: ResolutionImpossible: for help visit a page"
        ),
        (BuildCause.CONFLICT, 2, "'pydantic<3,>=2' is a base requirement"),
    ),
    "pip: hash": (
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n"
            "    idna==3.20 from https://packages.example/idna-3.20-py3-none-any.whl:"
        ),
        (BuildCause.HASH_MISMATCH, 5, "'idna'"),
    ),
    "pip: nobody listens": (
        (
            "WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError'\n"
            "ERROR: No matching distribution found for docopt==0.6.2"
        ),
        (BuildCause.INDEX_UNREACHABLE, None, "cannot be reached"),
    ),
    "something else": ("Segmentation fault", (BuildCause.UNKNOWN, None, "cannot be built")),
}


@pytest.mark.parametrize("case", PRINTED)
def test_what_a_tool_printed_becomes_cause_line_and_fix(case: str) -> None:
    printed, (cause, line, named) = PRINTED[case]
    error = ORDER.diagnosed(printed)
    assert (error.cause, error.line) == (cause, line)
    assert named in error.reason
    assert error.reason.startswith("integration 'dns': ")
    assert "next sync" in error.advice
    assert error.log_tail


@pytest.mark.parametrize("cause", [c for c in BuildCause if c is not BuildCause.BAD_REQUIREMENT])
def test_every_cause_has_a_problem_and_a_next_step(cause: BuildCause) -> None:
    error = ORDER.failure(cause)
    assert "{" not in error.reason
    assert error.advice


def test_a_name_within_another_name_is_not_blamed() -> None:
    order = Order("dns", (Requirement("yaml", 1), Requirement("ruamel-yaml", 2)), ())
    printed = "error: Because there is no version of ruamel.yaml==9 and you require ruamel-yaml==9"
    assert order.diagnosed(printed).line == 2


def test_the_log_shows_no_credentials_and_no_control_characters() -> None:
    tail = clean_tail(
        "\x1b[31merror\x1b[0m: https://user:p%40ss@packages.example/simple\r\nnext\rlast"
        "\x00\x08\u202e\x9b31m"
    )
    assert "p%40ss" not in tail
    assert "user" not in tail
    assert tail.startswith("error: https://packages.example/simple\nnext\nlast")
    assert not any(character in tail for character in "\x1b\x00\x08\r\u202e\x9b")


def test_the_log_is_cut_at_its_beginning() -> None:
    tail = clean_tail("\n".join(f"line {number}" for number in range(5000)))
    assert len(tail) <= TAIL_CHARACTERS
    assert tail.startswith("[...] line ")
    assert tail.endswith("\nline 4999")
