"""The vault's documents for a browser: read-only pages, so that a newcomer sees what was filed."""

from sandbox.vault.documents.application import application

__all__ = ["application"]
