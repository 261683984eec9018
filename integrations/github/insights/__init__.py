"""Tasks that judge what the API told."""
