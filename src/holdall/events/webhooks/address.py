"""The addresses that webhooks may reach: by https, in the public network, unless a program says otherwise."""

from __future__ import annotations

import ipaddress

__all__ = ["PrivateAddress", "is_public"]


class PrivateAddress(OSError):
    """A name leads into a private network, where webhooks are not sent."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public network; also of one that is hidden in an IPv6 address.

    >>> is_public("fec0::1")
    False
    >>> is_public("93.184.216.34"), is_public("10.0.0.1"), is_public("::ffff:127.0.0.1"), is_public("169.254.169.254")
    (True, False, False, False)
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        teredo = ip.teredo[1] if ip.teredo is not None else None
        inner = ip.ipv4_mapped or ip.sixtofour or teredo or _translated(ip) or _tunnelled(ip)
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local:  # fec0::/10, of RFC 3879
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def _translated(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None


def _tunnelled(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The address within one of ISATAP, RFC 5214: its interface identifier is 0000:5efe or 0200:5efe and IPv4."""
    is_tunnel = int(ip) >> 32 & 0xFDFFFFFF == 0x5EFE
    return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if is_tunnel else None
