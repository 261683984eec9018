"""Tests of what is wrong; their folder is a package so that its stack ends with it."""
