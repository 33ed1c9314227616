"""Which addresses a query URL may lead to: public ones, and those that the settings name."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

PORTS = (80, 443)
AT_ONCE = 16
"""URLs under way, of all requests together."""

Address = IPv4Address | IPv6Address
Endpoint = tuple[Address, int]
"""An address and a port."""

# Not public, whatever this version of Python knows of it (IANA's registries of special-purpose addresses).
REFUSED_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this host
            "10.0.0.0/8",
            "100.64.0.0/10",  # shared by the customers of a carrier
            "127.0.0.0/8",
            "169.254.0.0/16",  # link-local; clouds tell secrets there
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",  # relays to 6to4
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",  # multicast and what is reserved
        ),
    )
)
PUBLIC_V6 = IPv6Network("2000::/3")  # outside are mapped (::ffff:0:0/96), NAT64 (64:ff9b::/96), private, multicast ones
REFUSED_V6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # Teredo and other special uses
            "2001:db8::/32",
            "2002::/16",  # 6to4, which holds an IPv4 address
            "2620:4f:8000::/48",
            "3fff::/20",
        ),
    )
)


def is_public(address: Address) -> bool:
    """Whether it is one that anybody may reach."""
    if isinstance(address, IPv6Address):
        if address.scope_id is not None or address not in PUBLIC_V6:
            return False
        return address.is_global and not any(address in network for network in REFUSED_V6)
    return address.is_global and not any(address in network for network in REFUSED_V4)


def read_endpoint(text: str) -> Endpoint:
    """What 10.1.2.3:8080 or [fd00::1]:8080 says. Raises ValueError."""
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ValueError("give each as address:port")
    return ip_address(host.removeprefix("[").removesuffix("]")), int(port)
