"""Both ends of a new connection prove that they know the job's key, and who they are. No I/O here.

    connecting -> accepting   hello: magic, attempt, who connects, to whom, nonce
    accepting  -> connecting  verdict, one byte, on the attempt; nonce, proof
    connecting -> accepting   proof
    accepting  -> connecting  verdict on the rest

A proof is an HMAC-SHA256 with the job's key over the role of whoever proves, the job's name, the attempt, both
processes' numbers and both nonces: what was heard on one connection proves nothing on another one.
"""

import hmac
import secrets
import struct
from dataclasses import dataclass

KEY_SIZE = NONCE_SIZE = PROOF_SIZE = 32
_MAGIC = b"HornBSP1"
_HELLO = struct.Struct(f"<8sIII{NONCE_SIZE}s")
HELLO_SIZE = _HELLO.size
ANSWER_SIZE = NONCE_SIZE + PROOF_SIZE
CONNECTING, ACCEPTING = b"connecting", b"accepting"
WELCOME, OLD_ATTEMPT, DUPLICATE = b"W", b"A", b"D"
VERDICTS = {
    OLD_ATTEMPT: "it is of another attempt of the job",
    DUPLICATE: "it has a connection of that process already",
}
"""Why a connection was refused."""


class Refused(Exception):
    """The other end cannot prove what it claims; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A worker process, as it proves itself.

    Attributes:
        job: the job's name.
        attempt: which attempt of it.
        process: which process of it.
        key: the job's secret, `KEY_SIZE` bytes.
    """

    job: str
    attempt: int
    process: int
    key: bytes


@dataclass(frozen=True, slots=True)
class Hello:
    """The claims of whoever connects."""

    attempt: int
    process: int
    to: int
    nonce: bytes

    def packed(self) -> bytes:
        """Return the bytes of the claims."""
        return _HELLO.pack(_MAGIC, self.attempt, self.process, self.to, self.nonce)


def greet(identity: Identity, to: int) -> Hello:
    """Return what the connecting side says first."""
    return Hello(identity.attempt, identity.process, to, secrets.token_bytes(NONCE_SIZE))


def heed(data: bytes) -> Hello:
    """Read a hello. Raises Refused."""
    magic, attempt, process, to, nonce = _HELLO.unpack(data)
    if magic != _MAGIC:
        raise Refused(f"it began with {data[:8]!r}, which is not how Horn begins")
    return Hello(attempt, process, to, nonce)


def answer(identity: Identity, hello: Hello) -> bytes:
    """Return the accepting side's answer: a nonce of its own, and its proof."""
    nonce = secrets.token_bytes(NONCE_SIZE)
    return nonce + _prove(ACCEPTING, identity, hello, nonce)


def prove(identity: Identity, hello: Hello, answered: bytes) -> bytes:
    """Check the accepting side's answer, and return the connecting side's proof. Raises Refused."""
    nonce, proof = answered[:NONCE_SIZE], answered[NONCE_SIZE:]
    if not hmac.compare_digest(proof, _prove(ACCEPTING, identity, hello, nonce)):
        raise Refused("it does not know the key of the job")
    return _prove(CONNECTING, identity, hello, nonce)


def check(identity: Identity, hello: Hello, answered: bytes, proof: bytes) -> None:
    """Check the connecting side's proof. Raises Refused."""
    if not hmac.compare_digest(proof, _prove(CONNECTING, identity, hello, answered[:NONCE_SIZE])):
        raise Refused(f"it claims to be process {hello.process} and does not know the key of the job")


def _prove(role: bytes, identity: Identity, hello: Hello, nonce: bytes) -> bytes:
    # All parts but the last are of fixed size: no two different claims have the same bytes.
    claims = role.ljust(16) + hello.packed() + nonce + identity.job.encode()
    return hmac.digest(identity.key, claims, "sha256")
