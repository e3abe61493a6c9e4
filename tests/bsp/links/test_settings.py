"""What is told of `TCP(...)` before anything starts."""

import json
import socket
from typing import Any

import pytest

from horn.bsp import TCP, TLS, BSPError
from horn.bsp.links.listening import ADVERTISED, advertised, listen
from horn.bsp.testing.ports import free_range


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"port": 80}, r"port must be 0 or \(low, high\).*got 80"),
        ({"port": (5, 4)}, r"got \(5, 4\)"),
        ({"port": (1, 70_000)}, r"got \(1, 70000\)"),
        ({"port": "0"}, "got '0'"),
        ({"link_timeout": 0.01}, "link_timeout must be at least 0.1 s, got 0.01"),
        ({"link_timeout": float("inf")}, "got inf"),
        ({"link_timeout": "1"}, "got '1'"),
        ({"largest": 0}, "largest must be a number of bytes, at least 1, got 0"),
        ({"tls": True}, r"tls must be TLS\(ca=, certificate=, key=\) or None, got True"),
        ({"tls": TLS()}, r"tls must be TLS\(ca=, certificate=, key=\)"),
        ({"host": "0.0.0.0"}, r"'0.0.0.0' is not this machine's loopback interface.*tls=TLS\(...\), or insecure=True"),
        ({"host": "example.org"}, "'example.org' is not this machine's loopback"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(BSPError, match=said):
        TCP(**arguments)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "localhost", "::1"])
def test_loopback_needs_no_encryption(host: str) -> None:
    assert TCP(host=host).host == host


def test_an_open_network_must_be_wanted() -> None:
    assert TCP(host="0.0.0.0", insecure=True).tls is None


@pytest.mark.parametrize("settings", [TCP(), TCP(port=(4000, 4003), link_timeout=2, largest=5)])
def test_settings_travel_as_plain_data(settings: TCP) -> None:
    assert TCP.restored(json.loads(json.dumps(settings.plain()))) == settings


def test_each_process_takes_its_port_or_the_next_free_one() -> None:
    low, high = free_range(3)
    settings = TCP(port=(low, high))
    with listen(settings, 1) as first, listen(settings, 1) as second, listen(settings, 0) as third:
        assert [taken.getsockname()[1] for taken in (first, second, third)] == [low + 1, low + 2, low]
        with pytest.raises(BSPError, match=f"process 2 cannot listen on any port of {low}-{high} of 127.0.0.1"):
            listen(settings, 2)


def test_a_host_of_another_machine_is_told() -> None:
    with pytest.raises(BSPError, match=r"cannot listen on port 0 of 192\.0\.2\.1"):
        listen(TCP(host="192.0.2.1", insecure=True), 0)


def test_addresses_can_be_advertised_in_place_of_the_true_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    true = ("127.0.0.1", 5)
    assert advertised(true, 1) == true
    monkeypatch.setenv(ADVERTISED, "0=gate:7000,2=[::1]:80")
    assert [advertised(true, process) for process in range(3)] == [("gate", 7000), true, ("[::1]", 80)]
    monkeypatch.setenv(ADVERTISED, "nonsense")
    with pytest.raises(BSPError, match=f"{ADVERTISED} must be like"):
        advertised(true, 0)


def test_loopback_of_the_other_family_works() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6")
    with listen(TCP(host="::1"), 0) as listener:
        assert listener.getsockname()[0] == "::1"
