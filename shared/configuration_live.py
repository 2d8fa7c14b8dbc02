"""The configuration that is in force now, for parts that live longer than it."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping, ValuesView

from shared.configuration import Configuration, Source
from shared.errors import Unavailable


class LiveConfiguration:
    """Holds the configuration in force; there may be none before the first one was read."""

    def __init__(self, first: Configuration | None = None) -> None:
        self._current = first

    @property
    def current(self) -> Configuration:
        """The one in force. Raises Unavailable before the first one was read."""
        if self._current is None:
            raise Unavailable("the configuration was not read yet", origin="storage")
        return self._current

    @property
    def sources(self) -> Mapping[str, Source]:
        """Its sources by their names in keys; this mapping has those of a later configuration, too."""
        return _LiveSources(self)

    @property
    def watched(self) -> Mapping[str, Source]:
        """Those of them that are enabled: what is fetched already is filed all the same."""
        return _LiveSources(self, only_enabled=True)

    def take(self, configuration: Configuration) -> None:
        """Put another one in force. Who goes through the sources at this moment sees those of before."""
        self._current = configuration


class _LiveSources(Mapping[str, Source]):
    """Raises Unavailable before the first configuration was read: none is not the same as none yet."""

    def __init__(self, live: LiveConfiguration, *, only_enabled: bool = False) -> None:
        self._live = live
        self._only_enabled = only_enabled
        self._of: Configuration | None = None
        self._by_name: Mapping[str, Source] = {}

    def __getitem__(self, name: str) -> Source:
        return self._now()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def values(self) -> ValuesView[Source]:
        """Those in force now: who goes through them does so to the end, whatever is in force then."""
        return self._now().values()

    def items(self) -> ItemsView[str, Source]:
        """The same with their names."""
        return self._now().items()

    def _now(self) -> Mapping[str, Source]:
        if (current := self._live.current) is not self._of:
            self._of, self._by_name = (
                current,
                {
                    source.key_name: source
                    for source in current.source
                    if source.enabled or not self._only_enabled
                },
            )
        return self._by_name
