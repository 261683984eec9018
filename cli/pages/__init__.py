"""The documentation page of each integration, made from what stands in its files."""
