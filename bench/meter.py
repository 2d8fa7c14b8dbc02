"""What a process of its own uses: processor time and memory, read from outside."""

from __future__ import annotations

from pathlib import Path

import psutil

_MB = 1_000_000


class Meter:
    """Reads a process and the processes below it: on Windows the app's interpreter is a child."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)

    def cpu(self) -> float:
        """Seconds of processor time until now, of user and system."""
        return sum(sum(one.cpu_times()[:2]) for one in self._all())

    def memory(self) -> float:
        """MB that are resident now."""
        return float(sum(one.memory_info().rss for one in self._all())) / _MB

    def peak(self) -> float:
        """MB that were resident at the most, since the start or since `forget_peak`.

        Linux and Windows keep it; elsewhere it is what is resident now.
        """
        status = self._status
        if status.exists():
            for line in status.read_text(encoding="utf-8").splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024 / _MB
        return (
            sum(getattr(one.memory_info(), "peak_wset", one.memory_info().rss) for one in self._all()) / _MB
        )

    def forget_peak(self) -> bool:
        """Begin the peak anew; whether the system can (Linux alone: man7.org, proc_pid_clear_refs)."""
        try:
            (self._status.parent / "clear_refs").write_text("5", encoding="ascii")
        except OSError:
            return False
        return True

    @property
    def _status(self) -> Path:
        return Path(f"/proc/{self._process.pid}/status")

    def _all(self) -> list[psutil.Process]:
        return [self._process, *self._process.children(recursive=True)]
