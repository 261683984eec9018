"""What `trueline check` looks for, one module for each kind of thing."""
