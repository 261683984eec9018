"""Tasks that look at the URLs."""
