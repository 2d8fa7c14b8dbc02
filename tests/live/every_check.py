"""All checks, in the order in which they are run."""

from __future__ import annotations

from tests.live import (  # noqa: F401 - they register themselves, in this order
    azure,
    graph_delta,
    graph_errors,
    graph_messages,
    graph_subscriptions,
    vault_documents,
    vault_login,
    vault_uploads,
)
from tests.live.fact import CHECKS

__all__ = ["CHECKS"]
