"""Which mail servers may relay: by where they are, by the certificate that they show, or by both."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from zegel.doors.smtp.config import Listener, Network


def may_relay(listener: Listener, client: str, names: frozenset[str] | None) -> bool:
    """Whether this client is one of the organisation's own; ``names`` are those of its verified certificate.

    Everything that is configured must hold, or one of the two where ``require`` says ``any``. Fails closed.
    """
    held: list[bool] = []
    if listener.networks:
        held.append(_inside(client, listener.networks))
    if listener.client_ca:
        wanted = {name.lower() for name in listener.client_names}
        held.append(names is not None and (not wanted or bool(wanted & names)))
    return bool(held) and (any(held) if listener.require == "any" else all(held))


def _inside(client: str, networks: tuple[Network, ...]) -> bool:
    try:
        address: IPv4Address | IPv6Address = ip_address(client.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in networks)
