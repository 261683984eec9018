"""The tests, in folders as the source has them."""
