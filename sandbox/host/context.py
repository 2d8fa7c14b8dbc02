"""The `context` argument of a function: it has what `azure.functions.Context` names."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TraceContext:
    """Where an invocation stands in a distributed trace."""

    trace_parent: str
    trace_state: str = ""
    attributes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def below(cls, received: str | None) -> TraceContext:
        """A new span, in the trace that `received` (a W3C `traceparent`) names, else in a new one."""
        parts = (received or "").split("-")
        trace = parts[1] if len(parts) == 4 and len(parts[1]) == 32 else secrets.token_hex(16)
        return cls(f"00-{trace}-{secrets.token_hex(8)}-01")


@dataclass(frozen=True)
class RetryContext:
    """No retry policy is run here, so this is always the first try."""

    retry_count: int = 0
    max_retry_count: int = 0
    exception: None = None


@dataclass(frozen=True)
class InvocationContext:
    """What a function can ask about its own invocation."""

    invocation_id: str
    function_name: str
    function_directory: str
    thread_local_storage: threading.local
    trace_context: TraceContext
    retry_context: RetryContext = RetryContext()
