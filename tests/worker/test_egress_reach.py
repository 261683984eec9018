from worker.egress_reach import LONGEST_HOST, MOST_ROWS, ReachRecord


def test_connections_to_one_place_are_counted_in_one_row() -> None:
    record = ReachRecord()
    for _ in range(2):
        row = record.note("a.example", 443, allowed=True)
        row.bytes_sent += 10
    record.note("a.example", 443, allowed=False, reason="why")
    first, second = record.rows()
    assert (first["connections"], first["bytes_sent"], first["allowed"]) == (2, 20, True)
    assert (second["connections"], second["reason"], second["allowed"]) == (1, "why", False)


def test_job_that_tries_names_without_end_fills_no_record() -> None:
    record = ReachRecord()
    for number in range(3 * MOST_ROWS):
        row = record.note(f"{number}." + "x" * 500, 443, allowed=False)
        row.bytes_sent += 1
    assert len(record.rows()) == MOST_ROWS
    assert record.omitted == 2 * MOST_ROWS
    assert max(len(row["host"]) for row in record.rows()) == LONGEST_HOST
