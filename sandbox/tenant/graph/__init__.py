"""A strict local stand-in for Microsoft Graph v1.0: mail and change notifications."""

from sandbox.tenant.graph.application import application
from sandbox.tenant.graph.delta_tokens import TokenLoss
from sandbox.tenant.graph.held import Delivered, Held, HeldFile
from sandbox.tenant.graph.manner import Link, Manner, Scan
from sandbox.tenant.graph.notifier import Notifier
from sandbox.tenant.graph.tenant import Tenant

__all__ = [
    "Delivered",
    "Held",
    "HeldFile",
    "Link",
    "Manner",
    "Notifier",
    "Scan",
    "Tenant",
    "TokenLoss",
    "application",
]
