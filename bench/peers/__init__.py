"""What users would pick instead, doing the same tiny work on the same machine in the same run."""

from bench.peers.comparison import measure

__all__ = ["measure"]
