"""Web origins (RFC 6454): scheme, host and port of a page, as browsers name it in the header `Origin`."""

import ipaddress
import re

_ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[0-9a-z_-]+(?:\.[0-9a-z_-]+)*\.?)(?::(?P<port>[0-9]{1,5}))?")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LARGEST_PORT = 65_535


def normal_origin(text: str) -> str:
    """Return an origin in the one form in which two that are the same are equal.

    Small letters, no default port, no dot behind the host's name.

    Raises:
        ValueError: if it is none; the message says what is wrong with it and what to write instead.
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
    """Whether a header `Origin` names one of the `accepted` origins, which are in their normal form."""
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
