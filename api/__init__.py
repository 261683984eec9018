"""The HTTP API, its tables, violations and the web page."""
