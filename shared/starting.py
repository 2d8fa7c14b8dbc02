"""What an app starts with: its settings, and the configuration that they name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from shared.configuration import Configuration
from shared.configuration_file import read_configuration
from shared.errors import StartRefused
from shared.settings import Settings, SourcesBlob, read_settings, sources_file

_T = TypeVar("_T")


@dataclass(frozen=True)
class Start:
    """Both, or what is wrong with them. A configuration that is a blob in storage is read later."""

    settings: Settings | None
    configuration: Configuration | None
    of_settings: tuple[str, ...]
    of_configuration: tuple[str, ...]

    @property
    def faults(self) -> tuple[str, ...]:
        """All that is wrong, in one list."""
        return self.of_settings + self.of_configuration


def read_start(environment: Mapping[str, str], root: Path) -> Start:
    """Settings and configuration, checked without network; `root` is the app's own folder."""
    settings, of_settings = _checked(lambda: read_settings(environment, root))
    file = sources_file(environment, root)
    if isinstance(file, SourcesBlob):
        return Start(settings, None, of_settings, ())
    configuration, of_configuration = _checked(lambda: read_configuration(file))
    return Start(settings, configuration, of_settings, of_configuration)


def _checked(read: Callable[[], _T]) -> tuple[_T | None, tuple[str, ...]]:
    try:
        return read(), ()
    except StartRefused as refused:
        return None, refused.faults
