from api.audit_table import audit
from api.tables import metadata


def test_every_index_ends_with_what_lists_are_sorted_by() -> None:
    """What reads them stands in test_listing."""
    assert metadata.tables["audit"] is audit
    for index in audit.indexes:
        assert [column.name for column in index.columns][-3:] == ["changed", "at", "id"]
