"""What tests of BSP programs need, Horn's own and yours: a throwaway ZooKeeper, and faults of many kinds."""

from .certificates import Certificates, make_certificates
from .ensemble import ZooKeeperEnsemble
from .expiry import expire
from .failpoints import fail_points
from .network import TCPNetwork
from .proxy import Link, TCPProxy
from .server import zookeeper_missing
from .zookeeper import ZooKeeperServer, must_have_zookeeper

__all__ = [
    "Certificates",
    "Link",
    "TCPNetwork",
    "TCPProxy",
    "ZooKeeperEnsemble",
    "ZooKeeperServer",
    "expire",
    "fail_points",
    "make_certificates",
    "must_have_zookeeper",
    "zookeeper_missing",
]
