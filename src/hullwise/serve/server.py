"""A service on a port, until it is stopped: what `hullwise serve` runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address
from typing import Any

from ..domain.domain import Domain
from ..errors import DataError
from .application import create_app, missing_library
from .service_limits import ServiceLimits

LOOPBACK_HOST = "127.0.0.1"
DEFAULT_PORT = 8000
SWITCH_SECONDS = 0.001  # after which a thread gives way: what waits for the network is short
SECONDS_TO_CLOSE = 5.0  # for answers to be sent, beside the time that a request may take


def serve(
    domain: Domain | str | os.PathLike[str],
    *,
    host: str = LOOPBACK_HOST,
    port: int = DEFAULT_PORT,
    token: str | None = None,
    without_token: bool = False,
    hosts: Iterable[str] = (),
    limits: ServiceLimits | None = None,
    on_ready: Callable[[str], Any] | None = None,
) -> None:
    """Serve a domain until SIGTERM or Ctrl-C; what was begun is then finished first.

    Parameters
    ----------
    domain : Domain or path
    host : str, default="127.0.0.1"
        The address to listen on: this machine's own device, unless told.
    port : int, default=8000
        0 for any that is free.
    token : str, optional
        As in `create_app`; another address than this machine's own needs one.
    without_token : bool
        Serve other machines without a token all the same.
    hosts : iterable of str
        As in `create_app`.
    limits : ServiceLimits, optional
    on_ready : callable, optional
        Called with the address of the page once the service listens.

    Raises
    ------
    DataError
        The port cannot be used, or other machines would be served without a token.
    MissingDependencyError
        FastAPI or uvicorn is not installed.

    Examples
    --------
    ``hw.serve.serve("seen.hull")`` answers at http://127.0.0.1:8000 until it is stopped.

    >>> import hullwise as hw
    >>> hw.serve.serve("seen.hull", host="0.0.0.0")
    Traceback (most recent call last):
    hullwise.errors.DataError: 0.0.0.0 is reached by other machines, which could all ask: ...
    """
    try:
        import uvicorn
    except ImportError as error:
        if not isinstance(error, ModuleNotFoundError) or error.name is None:
            raise
        raise missing_library(error.name) from None
    from ._patient_protocol import patient_protocol

    limits = limits or ServiceLimits()
    if token is None and not without_token and not is_loopback(host):
        raise DataError(
            f"{host} is reached by other machines, which could all ask: pass token= (--token, or "
            "HULLWISE_TOKEN), or without_token=True (--without-token) if a proxy asks for one"
        )
    listening = _bound(host, port)
    try:
        app = create_app(domain, token=token, hosts=hosts, limits=limits)
        configuration = uvicorn.Config(
            app, http=patient_protocol(), ws="none", lifespan="on", log_level="warning",
            access_log=False, server_header=False, proxy_headers=False,
            timeout_graceful_shutdown=int(limits.max_seconds + SECONDS_TO_CLOSE),
        )  # fmt: skip
        server = _graceful(uvicorn.Server)(configuration)
        asyncio.run(_serve(server, listening, on_ready))
    finally:
        listening.close()


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _bound(host: str, port: int) -> Any:
    """A socket that listens, bound before anything is computed."""
    import socket

    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
        )[0]
        # asyncio sends at once (TCP_NODELAY) where the protocol is named: else 40 ms an answer.
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise DataError(f"{host}, port {port} cannot be listened on ({why}).") from None
    return listening


async def _serve(server: Any, listening: Any, on_ready: Callable[[str], Any] | None) -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        if server.started and on_ready is not None:
            on_ready(page_url(listening))
        await serving
    finally:
        sys.setswitchinterval(interval)


def page_url(listening: Any) -> str:
    """The address of the page, as this machine reaches it."""
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = LOOPBACK_HOST
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _graceful(base: Any) -> Any:
    """uvicorn's server, which a signal ends without ending the process: exit code 0."""

    class GracefulServer(base):  # type: ignore[misc]
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            if threading.current_thread() is not threading.main_thread():
                yield
                return
            signals = (signal.SIGINT, signal.SIGTERM)
            handlers = {one: signal.signal(one, self.handle_exit) for one in signals}
            try:
                yield
            finally:
                for one, handler in handlers.items():
                    signal.signal(one, handler)

    return GracefulServer
