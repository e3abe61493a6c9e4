"""What tests of BSP programs need, Horn's own and yours: throwaway ZooKeeper servers that can be made to fail."""

from .certificates import Certificates, make_certificates
from .ensemble import ZooKeeperEnsemble
from .expiry import expire
from .server import zookeeper_missing
from .zookeeper import ZooKeeperServer, must_have_zookeeper

__all__ = [
    "Certificates",
    "ZooKeeperEnsemble",
    "ZooKeeperServer",
    "expire",
    "make_certificates",
    "must_have_zookeeper",
    "zookeeper_missing",
]
