"""Tasks that judge what was seen."""
