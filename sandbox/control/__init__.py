"""The control address of the sandbox: mail in, tenant and vault out, faults. Plain http on loopback."""

from sandbox.control.application import application

__all__ = ["application"]
