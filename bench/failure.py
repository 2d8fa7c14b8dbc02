"""What stops a bench."""

from __future__ import annotations


class BenchFailed(Exception):
    """Something did not come about; the message ends with what the program concerned has logged."""
