"""Removing a job's znodes: by its launcher, by the launcher's janitor, or by whoever finds them later.

They may meet, and a new job of the same name may start at any moment. So whoever removes first creates the job's
`sweeper`, and removes that together with the job's node, at the very end: until then no other can remove the job, and
none can be created in its place.
"""

import logging
from collections.abc import Iterable
from contextlib import suppress

from kazoo.client import TransactionRequest
from kazoo.exceptions import NodeExistsError, NoNodeError, NotEmptyError

from .layout import launcher_of, sweeper_of
from .session import Session

logger = logging.getLogger("horn.bsp")


def remove_job(session: Session, root: str, owners: Iterable[int] = ()) -> bool:
    """Remove a job, unless it has a living launcher.

    Args:
        session: who removes.
        root: the job's node.
        owners: sessions of launchers that do not count as living.

    Returns:
        Whether the job is gone, which it is not when it lives, or when another removes it just now.

    Raises:
        CoordinatorLost, BSPError: as `Session.call`.
    """
    sweeper = sweeper_of(root)
    try:
        session.create(sweeper, ephemeral=True)
    except NoNodeError:
        return True
    except NodeExistsError:
        stat = session.stat(sweeper)
        if stat is None or stat.ephemeralOwner != session.id:
            return False
    # Asked now that no other can put a new job in the place of this one.
    launcher = session.stat(launcher_of(root))
    if launcher is not None and launcher.ephemeralOwner not in owners:
        session.delete(sweeper)
        return False

    def finish(transaction: TransactionRequest) -> None:
        transaction.delete(sweeper)
        transaction.delete(root)

    while True:
        for name in session.children(root):
            if name != "sweeper":
                remove_tree(session, f"{root}/{name}")
        try:
            session.commit(finish)
        except NotEmptyError:
            continue  # a dying worker was late
        except NoNodeError:
            logger.debug("%s is gone: the answer to its removal was lost", root)
        return True


def remove_tree(session: Session, path: str) -> None:
    """Remove a znode with all below. Late requests of dying workers may add some meanwhile: then again."""
    while True:
        try:
            children = session.children(path)
        except NoNodeError:
            return
        for child in children:
            remove_tree(session, f"{path}/{child}")
        with suppress(NotEmptyError):
            with suppress(NoNodeError):
                session.delete(path)
            return
