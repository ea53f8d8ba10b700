"""Who may ask: the name that is called, the page that asks, and the token. A layer of ASGI.

- A page of elsewhere whose name is made to point to this machine (DNS rebinding) calls the service
  by that name: only names of this machine are answered to, and those that were declared.
- A page of elsewhere that sends a form has an Origin that is not the address it sends to.
- Other users of the machine, or of the network, do not know the token.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from ._request_errors import RequestError

OPEN_PATHS = frozenset({"/", "/healthz", "/openapi.json", "/docs"})
OPEN_PREFIX = "/page/"
ANY_HOST = "*"
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
RESPONSE_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


class AccessGuard:
    """Refuses requests that nobody who may ask would send.

    Parameters
    ----------
    app : ASGI application
    token : str or None
        What `Authorization: Bearer` must hold, on all paths but the page, its files, the
        description of the interface and the sign of life.
    hosts : iterable of str
        Names that the service is called by, beside those of this machine; ``*`` for any.
    """

    def __init__(self, app: Any, token: str | None, hosts: Iterable[str] = ()) -> None:
        self.app = app
        self._token = None if token is None else token.encode()
        self._hosts = frozenset(host.lower().rstrip(".") for host in hosts)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *RESPONSE_HEADERS]}
            await send(message)

        try:
            self._check(scope)
        except RequestError as error:
            await error.response()(scope, receive, send_with_headers)
            return
        await self.app(scope, receive, send_with_headers)

    def _check(self, scope: Any) -> None:
        hosts, origins, authorizations = (
            [value for name, value in scope["headers"] if name == wanted]
            for wanted in (b"host", b"origin", b"authorization")
        )
        if len(hosts) != 1 or not self._is_own(hosts[0], scope.get("server")):
            name = hosts[0].decode("latin-1")[:100] if len(hosts) == 1 else ""
            raise RequestError(
                HTTPStatus.MISDIRECTED_REQUEST,
                f"the name {name!r} is not served here: call this service by the address it "
                "listens on, or start it with --allow-host NAME",
            )
        if origins and (len(origins) > 1 or not _is_same(origins[0], hosts[0])):
            raise RequestError(
                HTTPStatus.FORBIDDEN,
                "a page from elsewhere may not ask this service: only its own page may",
            )
        if self._token is None or _is_open(scope["path"]):
            return
        scheme, _, sent = (authorizations[0] if len(authorizations) == 1 else b"").partition(b" ")
        if not secrets.compare_digest(sent, self._token) or scheme.lower() != b"bearer":
            raise RequestError(
                HTTPStatus.UNAUTHORIZED,
                "this service needs its token: send the header Authorization: Bearer TOKEN",
                {"WWW-Authenticate": "Bearer"},
            )

    def _is_own(self, host: bytes, server: Any) -> bool:
        """Whether a Host header names this service."""
        name = _host_name(host)
        if name is None:
            return False
        if ANY_HOST in self._hosts or name in self._hosts or name == "localhost":
            return True
        try:
            address = ip_address(name)
        except ValueError:
            return False
        # An address cannot be made to point elsewhere, so any may call a service of the network.
        return address.is_loopback or not _is_loopback(server)


def _is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_PREFIX)


def _is_loopback(server: Any) -> bool:
    """Whether a connection came in over the loopback device; a socket file has no address."""
    try:
        return ip_address(server[0]).is_loopback
    except (TypeError, ValueError):
        return True


def _host_name(host: bytes) -> str | None:
    """The name in a Host header, without its port; None where it is none."""
    try:
        parts = urlsplit(f"//{host.decode('ascii')}")
        _ = parts.port
    except ValueError:
        return None
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc or not parts.hostname:
        return None
    return parts.hostname.rstrip(".")


def _is_same(origin: bytes, host: bytes) -> bool:
    """Whether an Origin is the address that was called; which protocol, a proxy may decide."""
    scheme, _, rest = origin.lower().partition(b"://")
    default = {b"http": b":80", b"https": b":443"}.get(scheme)
    if default is None or not rest:
        return False
    return rest.removesuffix(default) == host.lower().removesuffix(default)
