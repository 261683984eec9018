"""Audits GitHub organisations and repositories by the published REST API."""
