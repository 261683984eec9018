"""Insights judge data."""
