"""The daemon: snapshots, environments, execution, outbox, scheduling. It meets the API over HTTP."""
