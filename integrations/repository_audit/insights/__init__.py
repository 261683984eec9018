"""Tasks that judge what the collectors read."""
