"""Tasks that ask the API."""
