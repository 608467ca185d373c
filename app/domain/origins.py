"""Hosts, and web origins (RFC 6454): scheme, host and port of a page, as browsers name it in the `Origin` header."""

import ipaddress
import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

_ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[0-9a-z_-]+(?:\.[0-9a-z_-]+)*\.?)(?::(?P<port>[0-9]{1,5}))?")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LARGEST_PORT = 65_535
# A name is the same with a dot at its end, and a port may be left empty (RFC 3986, 3.2.2 and 3.2.3). No underscores (RFC 952): to
# Werkzeug such a request has no host.
_HOST = re.compile(r"(?:\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<name>[0-9a-z-]+(?:\.[0-9a-z-]+)*)\.?)(?::(?P<port>[0-9]{0,5}))?")


class Host(NamedTuple):
    """A host in the form in which hosts are compared: IPv6 in brackets; `port` with its colon, or empty."""

    name: str
    port: str

    def is_among(self, listed: Collection[str]) -> bool:
        """Whether it is one of the hosts that `listed_host` has returned."""
        return any(f".{self.name}".endswith(one) if one.startswith(".") else self.name == one for one in listed)


@lru_cache(maxsize=4096)
def parse_host(text: str) -> Host | None:
    """Return the host that a request names, perhaps with its port, or None if it is none."""
    # A bare IPv6 address has no port.
    found = _HOST.fullmatch((f"[{text}]" if text.count(":") > 1 and "[" not in text else text).lower())
    if found is None or (found["port"] and not 0 < int(found["port"]) <= _LARGEST_PORT):
        return None
    try:
        name = found["name"] or f"[{ipaddress.IPv6Address(found['ipv6'])}]"
    except ValueError:
        return None
    return Host(name, f":{int(found['port'])}" if found["port"] else "")


def listed_host(text: str) -> str:
    """Return the name of a host as somebody lists it, in the form of `parse_host`; a dot before it stands for all below it, too.

    Raises:
        ValueError: if it is no host; the message says what to write.
    """
    dot = "." if text.startswith(".") else ""
    host = parse_host(_as_sent(text.removeprefix(dot)))
    if host is None:
        raise ValueError("write the host alone, such as shop.example or [::1]; a dot before it stands for all hosts below it")
    return dot + host.name


def _as_sent(name: str) -> str:
    """Return a name as browsers send it, in ASCII. The standard library's codec would make `ss` of `ß`, as they no longer do."""
    labels = unicodedata.normalize("NFKC", name.lower()).split(".")
    return ".".join(label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in labels)


def normal_origin(text: str) -> str:
    """Return an origin in its canonical form, so that equivalent origins compare equal.

    Lower case, no default port, no trailing dot after the host name.

    Raises:
        ValueError: if it is not an origin; the message says what is wrong with it and what to write instead.
    """
    found = _ORIGIN.fullmatch(text.lower()) if text.isascii() else None
    if found is None:
        raise ValueError(_complaint(text))
    scheme, host, port = found["scheme"], found["host"].removesuffix("."), int(found["port"] or _DEFAULT_PORTS[found["scheme"]])
    if not 0 < port <= _LARGEST_PORT:
        raise ValueError(f"there is no port {port}")
    if host.startswith("["):
        host = f"[{ipaddress.IPv6Address(host[1:-1])}]"
    return f"{scheme}://{host}" if port == _DEFAULT_PORTS[scheme] else f"{scheme}://{host}:{port}"


def is_origin(text: str | None, accepted: frozenset[str] | set[str]) -> bool:
    """Whether an `Origin` header names one of the `accepted` origins, which are in canonical form."""
    if text is None:
        return False
    try:
        return normal_origin(text) in accepted
    except ValueError:
        return False


def _complaint(text: str) -> str:
    if text == "*":
        return "name each origin; `*` would let every page of the web in"
    if text.lower() == "null":
        return "`null` is what sandboxed pages of anybody send; name the storefront's own origin"
    if not text.isascii():
        return "write the host as browsers send it (xn--…)"
    if not re.match(r"https?://", text, re.IGNORECASE):
        return "an origin begins with https:// or http://"
    if re.match(r"https?://[^/?#\s]+[/?#]", text, re.IGNORECASE):
        return "an origin ends with the host or its port: no path, no query, no slash"
    return "an origin is a scheme, a host and perhaps a port, such as https://storefront.example:8443"
