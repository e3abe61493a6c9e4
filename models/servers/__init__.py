"""Parameter servers: peers that hold shards of the parameters, to which workers push and from which they pull.

A worker pushes and pulls through `Servers`; a server runs `Server`, which hands what arrives to the strategy's `serve`.

    worker → server     push: step, rates, D of the shard      pull: the clock to wait for      take      done
    server → worker     parameters: the shard                  part: iteration and part of it
"""

from .client import Servers
from .server import Server
from .shard import Shard
from .store import Store

__all__ = ["Server", "Servers", "Shard", "Store"]
