"""The `trueline` command."""
