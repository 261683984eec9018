"""Tests of the command; their folder is a package so that its stack ends with it."""
