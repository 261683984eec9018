"""The start of a new integration."""
