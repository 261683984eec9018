"""The daemon: snapshots, environments, execution, outbox, scheduling. It calls the API by HTTP."""
