"""The SDK that plugins import, what their child process runs, and the one reader of sources."""

__version__ = "0.1.0"
