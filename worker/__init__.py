"""The daemon: snapshots, environments, execution, outbox, scheduling; it meets the API over HTTP."""
