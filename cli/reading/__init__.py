"""What stands in an integrations repository, read without running any of it."""
