"""Certificates for the tests of encrypted connections."""

import pytest

from horn.bsp import TLS
from horn.bsp.testing import make_certificates


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> TLS:
    made = make_certificates(tmp_path_factory.mktemp("certificates"))
    return TLS(ca=made.ca, certificate=made.server, key=made.server_key)
