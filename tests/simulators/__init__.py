"""Servers that behave as forges do, over real git repositories."""
