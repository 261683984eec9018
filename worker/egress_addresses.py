"""Which addresses jobs are led to: none that only the worker's machine reaches, unless allowed."""

from collections.abc import Iterable

from utils.address_kinds import Address, Exemption, special_kind
from utils.address_kinds import read_exemptions as read_exemptions_of

SETTING = "TRUELINE_EGRESS_PRIVATE"


def read_exemptions(text: str) -> tuple[Exemption, ...]:
    """Read the setting; raises SettingsError."""
    return read_exemptions_of(text, SETTING)


def why_closed(address: Address, port: int, exempt: Iterable[Exemption] = ()) -> str | None:
    """Say why no job is led to an address; None when it may be."""
    if any(one.covers(address, port) for one in exempt):
        return None
    found = special_kind(address)
    return found and f"{address} is {found}"
