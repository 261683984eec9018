import pytest

from utils.errors import InvalidResult
from utils.failures import clean_text
from utils.findings import checked_finding
from utils.secret_forms import forms_of_all
from utils.tasks import TaskType
from worker.cut_secrets import cut_places
from worker.redaction import MARK, Redactor

SECRET = "eyJh.bGci.OiJS.UzI1.NiIs.InR5.cCI6.IkpX.VCJ9.dGVz.dGVz.dGVz.dGVz.c2Vj.cmV0.xQ"
FORMS = forms_of_all([SECRET])
REDACTOR = Redactor([SECRET])


def parts_of_secret(text: str, size: int = 8) -> list[str]:
    return [
        part
        for form in FORMS
        for at in range(len(form) - size + 1)
        if (part := form[at : at + size]) in text
    ]


@pytest.mark.parametrize("limit", range(40, 110))
def test_secret_that_the_sdk_cut_in_a_long_text_shows_no_part(limit: int) -> None:
    cut = clean_text(f"{'a' * 30}{SECRET}{'b' * 30}", limit)
    assert "left out" in cut
    assert not parts_of_secret(REDACTOR.redact_text(cut))


@pytest.mark.parametrize("where", ["key", "id", "severity"])
def test_secret_that_the_sdk_cut_in_a_refusal_shows_no_part(where: str) -> None:
    resources = [{"id": SECRET}, {"id": SECRET, **({"severity": SECRET} if where != "id" else {})}]
    returned = {"data": {}, **({SECRET: 1} if where == "key" else {"resources": resources})}
    if where == "severity":
        del resources[0]
    with pytest.raises(InvalidResult) as refused:
        checked_finding(returned, TaskType.INSIGHT, 10_000)
    redacted = REDACTOR.redact_text(str(refused.value))
    assert MARK in redacted
    assert not parts_of_secret(redacted)


@pytest.mark.parametrize("form", FORMS)
def test_both_sides_of_a_cut_are_found_in_every_form(form: str) -> None:
    for at in range(8, len(form) - 8):
        text = f"x {form[:at]}\n... 12 characters left out ...\n{form[-at:]} y"
        assert REDACTOR.redact_text(text) == f"x {MARK}\n... 12 characters left out ...\n{MARK} y"


def test_part_of_a_secret_that_nobody_cut_there_stays() -> None:
    for text in (f"{SECRET[:20]} is a beginning", f"... it ends with {SECRET[-20:]}", "a... b"):
        assert not list(cut_places(text, FORMS))


def test_closer_look_at_a_line_misses_no_cut_secret_of_it() -> None:
    narrowed = REDACTOR.narrow(f'{{"errors": ["{SECRET[:40]}..."]}}'.encode())
    assert narrowed is not None
    assert narrowed.redact_json([f"{SECRET[:40]}..."]) == [f"{MARK}..."]
