"""Watches URLs from outside: certificates, redirects, headers, cookies, status and speed."""
