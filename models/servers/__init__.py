"""Parameter servers: peers that hold shards of the parameters, to which workers push and from which they pull.

A worker pushes and pulls through `Servers`; a server runs `Server`, which hands what arrives to the strategy's `serve`.

    worker → server     push: step, rates, D of the shard      pull: the clock to wait for      take      done
    server → worker     parameters: they can be read           part: iteration and part of it

The parameters themselves lie in memory that servers and workers share: each server makes the steps of its shard there,
and a pull reads them.
"""

from .client import Servers
from .pushes import Pushes
from .server import Server
from .store import Store

__all__ = ["Pushes", "Server", "Servers", "Store"]
