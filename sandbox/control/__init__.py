"""The control address of the sandbox: deliver mail, read the tenant and the vault. Plain http on loopback."""

from sandbox.control.application import application

__all__ = ["application"]
