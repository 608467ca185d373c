"""Whom a connection belongs to, for limits by address."""

import ipaddress
from typing import Any

# The network that a provider gives to one customer (RFC 6177): all of its addresses are one caller.
_IPV6_CUSTOMER = 64
UNKNOWN = "unknown"


def caller_of(environ: dict[str, Any], hops: int) -> str:
    """Return whom a request belongs to.

    Args:
        environ: its WSGI environment, as the server made it.
        hops: how many proxies stand before us; each has appended to `X-Forwarded-For` who came to it.
    """
    address = str(environ.get("REMOTE_ADDR", ""))
    if hops:
        forwarded = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
        address = forwarded[-hops].strip() if len(forwarded) >= hops else ""
    return network(address)


def network(address: str) -> str:
    """Return an IPv4 address, or the network of one IPv6 customer. All that are no addresses are one caller."""
    try:
        parsed = ipaddress.ip_address(_bare(address))
    except ValueError:
        return UNKNOWN
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed), _IPV6_CUSTOMER), strict=False))
    return str(parsed)


def _bare(address: str) -> str:
    """Take off a port, and the brackets that it needs."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    host, colon, port = address.partition(":")
    return host if colon and port.isdecimal() else address
