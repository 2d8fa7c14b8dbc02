"""Faults that are provoked in the services of the sandbox: set from Python or at the control address.

Storage has none: Azurite is a process of its own, which no middleware stands before.
"""

from sandbox.faults.fault import AnyFault, Commit, Cut, Down, Expire, Fault, Latency, Sever, Status
from sandbox.faults.faults import Faults, Placed
from sandbox.faults.services import ServiceFaults

__all__ = [
    "AnyFault",
    "Commit",
    "Cut",
    "Down",
    "Expire",
    "Fault",
    "Faults",
    "Latency",
    "Placed",
    "ServiceFaults",
    "Sever",
    "Status",
]
