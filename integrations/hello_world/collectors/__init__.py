"""Collectors gather data."""
