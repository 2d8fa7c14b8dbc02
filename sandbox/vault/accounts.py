"""Who may log in, with an account of M-Files or one of a Windows domain."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.vault.authentication import Authentication


@dataclass(frozen=True)
class Account:
    """An account, and the user that it is in the vault; `domain` is empty for one of M-Files itself."""

    username: str
    password: str
    domain: str
    user: int


class Accounts:
    """The accounts of a server."""

    def __init__(self, first: Account) -> None:
        self._first = (first.domain.casefold(), first.username)
        self._accounts = {self._first: first}

    @property
    def first(self) -> Account:
        """The account that was there from the beginning."""
        return self._accounts[self._first]

    def change(self, account: Account) -> None:
        """Add an account, or put it in the place of the one of the same domain and user name."""
        self._accounts[account.domain.casefold(), account.username] = account

    def of(self, authentication: Authentication) -> Account:
        """The account that somebody logs in with. Raises KeyError when there is none."""
        return self._accounts[(authentication.domain or "").casefold(), authentication.username]

    def accept(self, authentication: Authentication) -> bool:
        """Whether these credentials are valid at present.

        A Windows account needs its domain and `WindowsUser`, and one of M-Files neither: how the server takes
        a mixture is unverified, so it is refused.
        """
        try:
            account = self.of(authentication)
        except KeyError:
            return False
        windows = bool(account.domain)
        return authentication.password == account.password and bool(authentication.windows_user) == windows
