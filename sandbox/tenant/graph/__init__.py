"""A strict local stand-in for Microsoft Graph v1.0: mail and change notifications."""

from sandbox.tenant.graph.application import application
from sandbox.tenant.graph.delta_tokens import TokenLoss
from sandbox.tenant.graph.notifier import Notifier
from sandbox.tenant.graph.tenant import Delivered, Held, HeldFile, Tenant

__all__ = ["Delivered", "Held", "HeldFile", "Notifier", "Tenant", "TokenLoss", "application"]
