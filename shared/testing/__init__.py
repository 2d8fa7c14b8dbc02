"""Fakes with the interface of the real adapters; one contract suite holds for both."""
