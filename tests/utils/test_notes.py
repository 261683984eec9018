from utils.errors import SourceError
from utils.notes import Note


def test_a_note_keeps_what_an_error_says() -> None:
    note = Note.of(SourceError("it is away", "wait"))
    assert note == Note("it is away", "wait")
    assert note.as_json() == {"reason": "it is away", "advice": "wait"}
