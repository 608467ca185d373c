"""Network addresses: the one place that reads them, for limits, the audit trail, logs and sockets alike."""

import ipaddress
import re
from functools import lru_cache

# What proxies append to an address: `203.0.113.9:4000`, `[2001:db8::1]:4000`, `[2001:db8::1]`. A bare IPv6 address has no port.
_WITH_PORT = re.compile(r"(?:\[(?P<bracketed>[^\[\]]*)\]|(?P<bare>[^:\[\]]*))(?::(?P<port>[0-9]{1,5}))?")
_LARGEST_PORT = 65_535
# What one customer of a network is usually given of IPv6 (RFC 6177): within it, they choose their addresses freely.
_IPV6_SITE = 64


@lru_cache(maxsize=4096)
def parse_address(text: str) -> str | None:
    """Return the IP address that `text` names, in its one canonical form, or None if it names none.

    Port, brackets and zone are taken off, and an IPv4 address inside IPv6 (RFC 4291, 2.5.5.2) is that IPv4 address.
    """
    found = _WITH_PORT.fullmatch(text.strip())
    if found and int(found["port"] or 0) > _LARGEST_PORT:
        return None
    bracketed = found["bracketed"] if found else None
    bare = text.strip() if found is None else found["bare"] if bracketed is None else bracketed
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        # Brackets belong to IPv6.
        return str(address) if bracketed is None else None
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Address(int(address)))


def client_of(address: str) -> str:
    """Return what limits count as one client: a parsed IPv4 address, or the /64 network of an IPv6 one."""
    parsed = ipaddress.ip_address(address)
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, _IPV6_SITE), strict=False))
