"""An address is parsed once, in one place, and has one form."""

import pytest

from app.domain.addresses import client_of, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.50", "203.0.113.50"), ("203.0.113.50:4000", "203.0.113.50"), ("203.0.113.50:0", "203.0.113.50"),
        (" 203.0.113.50 ", "203.0.113.50"), ("2001:DB8::1", "2001:db8::1"), ("2001:db8:0:0:0:0:0:1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"), ("[2001:db8::1]:443", "2001:db8::1"), ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:80", "fe80::1"), ("::ffff:203.0.113.9", "203.0.113.9"), ("::FFFF:cb00:7109", "203.0.113.9"),
        ("[::ffff:203.0.113.9]:4000", "203.0.113.9"), ("0:0:0:0:0:ffff:203.0.113.9", "203.0.113.9"), ("::1", "::1"),
        ("2001:db8::1:4000", "2001:db8::1:4000"),
    ],
)  # fmt: skip
def test_port_brackets_and_zone_are_taken_off_and_an_ipv4_address_is_one(text: str, address: str) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "unknown", "_hidden", "-", "localhost", "203.0.113.50:", "203.0.113.50:http", "203.0.113.50:65536",
        "203.0.113.050", "203.0.113.50, 198.51.100.1", "203.0.113", "203.0.113.256", "3405803826", "0xcb.0.113.50",
        "[203.0.113.50]", "[203.0.113.50]:80", "203.0.113.50%eth0", "203.0.113.50/32", "[2001:db8::1", "2001:db8::1]",
        "[]", "[]:80", "[[::1]]",
        "2001:db8::g", "fe80::1%", "::ffff:203.0.113.256", "٢٠٣.0.113.50", "203.0.113.50:٤", "a\0b", "<script>", "y" * 10_000,
    ],
)  # fmt: skip
def test_junk_is_no_address(text: str) -> None:
    assert parse_address(text) is None


def test_limits_count_a_network_of_ipv6_as_one_client() -> None:
    assert client_of("2001:db8:1:2:3:4:5:6") == client_of("2001:db8:1:2::") == "2001:db8:1:2::/64"
    assert client_of("2001:db8:1:3::") != client_of("2001:db8:1:2::")
    assert client_of("203.0.113.9") == "203.0.113.9"
