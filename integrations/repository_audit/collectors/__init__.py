"""Tasks that read the repository."""
