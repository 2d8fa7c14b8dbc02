"""Taking settings out of the environment, and noting what is wrong with each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from shared.settings_list import SETTINGS

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DEFAULTS = {setting.name: setting.default for setting in SETTINGS if setting.default is not None}


def is_loopback(url: str) -> bool:
    """Whether `url` names this machine."""
    return urlsplit(url).hostname in LOOPBACK_HOSTS


def listed(names: Iterable[str]) -> str:
    """The names, as they stand in a sentence."""
    return ", ".join(names)


class SettingsReader:
    """Takes values out of the environment; `faults` is what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.faults: list[str] = []

    def fault(self, name: str, wrong: str) -> None:
        """Note what is wrong with the setting `name`, and what to do."""
        self.faults.append(f"setting {name}: {wrong}")

    def optional(self, name: str) -> str:
        """The value without space around it, its default, or nothing."""
        value = self._environment.get(name, "").strip()
        return value or _DEFAULTS.get(name, "")

    def required(self, name: str, remedy: str) -> str:
        """The value, whose absence is a fault with this remedy."""
        value = self.optional(name)
        if not value:
            self.fault(name, f"is not set. {remedy}")
        return value

    def identifier(self, name: str, form: re.Pattern[str], remedy: str, *, needed: str = "") -> str:
        """An id of this form; `needed` is what to do when it is missing, if it must not be."""
        value = self.required(name, needed) if needed else self.optional(name)
        if value and not form.fullmatch(value):
            self.fault(name, f"is not an id. {remedy}")
        return value

    def address(self, name: str, value: str) -> str:
        """`value`, which must be https, or http on a loopback address."""
        if not value:
            return ""
        try:
            parts = urlsplit(value)
            usable = bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable or parts.username or parts.password or parts.query or parts.fragment:
            self.fault(name, "is not an address. Write it as https://HOST, without user, query or fragment.")
        elif parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(value)):
            self.fault(name, "must begin with https:// (http:// is for loopback addresses only).")
        return value
