"""What tests of BSP programs need, Horn's own and yours: a throwaway ZooKeeper."""

from .zookeeper import ZooKeeperServer, must_have_zookeeper, zookeeper_missing

__all__ = [
    "ZooKeeperServer",
    "must_have_zookeeper",
    "zookeeper_missing",
]
