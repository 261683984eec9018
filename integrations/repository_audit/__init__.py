"""Audits a Git repository: files, requirements, secrets, commits and branches."""
