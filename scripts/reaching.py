"""Can a host be reached at all? Told within a time that holds for name lookup and all its addresses together."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping

from scripts.errors import NetworkError

_PORTS = {"http": 80, "https": 443}


def port_of(scheme: str, port: int | None) -> int | None:
    """Return the port a URL means; None for a scheme that is not HTTP's."""
    return _PORTS.get(scheme) and (port or _PORTS[scheme])


def require_reachable(host: str, port: int, *, limit: float, hint: str) -> None:
    """Connect once and hang up, within `limit` + 1 seconds in all.

    HTTP libraries limit the connection to each address, not the name lookup and not all addresses together: a name
    with twelve silent addresses would take twelve times as long.

    Raises NetworkError (network-unreachable).
    """
    problems: list[OSError] = [TimeoutError(f"no answer within {limit:g} s")]

    def connect() -> None:
        try:
            socket.create_connection((host, port), timeout=limit).close()
        except OSError as error:
            problems.append(error)
        else:
            problems.clear()

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(limit + 1)
    if problems:
        raise NetworkError(
            f"{host} cannot be reached",
            context=f"port {port}: {problems[-1]}",
            hint=hint,
            reference="network-unreachable",
        )


def proxies_of(variables: Mapping[str, str]) -> dict[str, str]:
    """Read the proxies of HTTP_PROXY and HTTPS_PROXY, by scheme."""
    named = {scheme: variables.get(f"{scheme.upper()}_PROXY", "") for scheme in ("http", "https")}
    return {scheme: proxy for scheme, proxy in named.items() if proxy}
