"""One module for each trigger: decode, call one thing in `shared/`, answer. `MODULES` are all of them."""

from handlers import (
    dead_letters,
    doctor,
    filing,
    lifecycle,
    mailbox,
    notifications,
    staging,
    subscriptions,
    sweep,
    watch,
)

MODULES = (
    notifications,
    lifecycle,
    staging,
    filing,
    mailbox,
    subscriptions,
    sweep,
    watch,
    dead_letters,
    doctor,
)
