"""What a certificate says, read without trusting it."""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509


@dataclass(frozen=True)
class Certificate:
    """The facts of one certificate that insights judge and people look for."""

    subject: str
    issuer: str
    names: tuple[str, ...]  # subject alternative names: DNS names and addresses
    not_before: datetime
    not_after: datetime
    serial_number: str


def read_certificate(der: bytes) -> Certificate:
    """Return what a certificate says; raises ValueError when it is none."""
    read = x509.load_der_x509_certificate(der)
    return Certificate(
        subject=read.subject.rfc4514_string(),
        issuer=read.issuer.rfc4514_string(),
        names=_names(read),
        not_before=read.not_valid_before_utc,
        not_after=read.not_valid_after_utc,
        serial_number=f"{read.serial_number:x}",
    )


def _names(read: x509.Certificate) -> tuple[str, ...]:
    try:
        found = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = found.get_values_for_type(x509.IPAddress)
    return (*found.get_values_for_type(x509.DNSName), *(str(address) for address in addresses))
