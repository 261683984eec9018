"""Hello world: the smallest integration that shows every part."""
