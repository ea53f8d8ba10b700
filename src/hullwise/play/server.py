"""The server of the page: fixed files and one socket a page, on the loopback device only.

What keeps others out:

- it listens on 127.0.0.1 alone, and answers only to Host headers that name it (DNS rebinding);
- a socket needs an Origin of its own address and, as its first message, the token: other users of
  the machine reach the port, but do not know it;
- the address that is handed to a browser, which other users see among the processes, holds a ticket
  that is good for one page; the token comes back on the socket;
- files are those of the package's own folder, listed once; no path of a request reaches the disk;
- messages, sessions, connections and waiting answers are limited.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
from http import HTTPStatus
from importlib.resources import files
from time import monotonic
from typing import Any

from ..errors import DataError, MissingDependencyError
from .configuration import Configuration, ConfigurationError
from .messages import LONG_MESSAGE_BYTES, WireError, error_message, parse_message
from .outbox import Outbox

__all__ = ["PlayServer"]

logger = logging.getLogger("hullwise")
LOOPBACK = "127.0.0.1"
MAX_PAGES = 10
MAX_CONNECTIONS = 128  # a page loads its files by six at once
TICKET_SECONDS = 120.0
OPENING_SECONDS = 10.0
CLOSING_SECONDS = 0.3
STOPPING_SECONDS = 0.3
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
SECURITY_HEADERS = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


class ClosingError(Exception):
    """Ends a socket, with a code and a reason for the page."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


def page_files() -> dict[str, tuple[Any, str]]:
    """Path of a request to file and content type: what lies in the package's folder, by name."""
    table = {}
    for one in files("hullwise.play").joinpath("assets").iterdir():
        suffix = "." + one.name.rpartition(".")[2]
        if one.is_file() and suffix in CONTENT_TYPES:
            table[f"/{one.name}"] = (one, CONTENT_TYPES[suffix])
    if "/index.html" in table:
        table["/"] = table["/index.html"]
    return table


class PlayServer:
    """Serves pages until `stop`.

    Parameters
    ----------
    port : int, default=0
        0 for any that is free.

    Attributes
    ----------
    url : str
        The address with the token, for the one who started it.

    Raises
    ------
    MissingDependencyError
        Without PyTorch or websockets.
    """

    def __init__(self, port: int = 0) -> None:
        try:
            import websockets  # noqa: F401

            from .worker import Worker
        except ImportError as error:
            if not isinstance(error, ModuleNotFoundError) or error.name is None:
                raise
            raise MissingDependencyError(
                f"the page needs {error.name}, which is not installed: pip install 'hullwise[play]'"
            ) from None
        self.port = port
        self._token = secrets.token_urlsafe(24)
        self._tickets: dict[str, float] = {}  # until when they are good
        self._files = page_files()
        self._pages: set[Any] = set()
        self._worker = Worker()
        self._stopped: asyncio.Event | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/?token={self._token}"

    def ticket_url(self) -> str:
        """An address that opens one page, for a command line that others can read."""
        ticket = secrets.token_urlsafe(24)
        self._tickets[ticket] = monotonic() + TICKET_SECONDS
        return f"http://{LOOPBACK}:{self.port}/?token={ticket}"

    async def serve(self, on_ready: Any = None) -> None:
        """Serve until `stop` is called; `on_ready` is, with this server, when it listens."""
        from websockets.asyncio.server import serve

        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        try:
            server = await serve(
                self._serve_page, LOOPBACK, self.port, origins=None,
                process_request=self._answer_request, compression=None,
                max_size=LONG_MESSAGE_BYTES, max_queue=16, open_timeout=OPENING_SECONDS,
                close_timeout=CLOSING_SECONDS, logger=_silent_logger(), server_header=None,
                create_connection=_limited_connection(),
            )  # fmt: skip
        except OSError as error:
            raise DataError(
                f"port {self.port} cannot be used ({error.strerror or error}): is hullwise play "
                "running already? Name another one, or none"
            ) from None
        async with server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            self._worker.start()
            try:
                if on_ready is not None:
                    on_ready(self)
                await self._stopped.wait()
            finally:
                self._worker.stop()
        await asyncio.to_thread(self._worker.join, STOPPING_SECONDS)

    def stop(self) -> None:
        """End `serve`; from any thread, as often as one likes."""
        if self._stopped is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended already
                self._loop.call_soon_threadsafe(self._stopped.set)

    # ---- requests

    @property
    def _hosts(self) -> set[str]:
        return {f"{LOOPBACK}:{self.port}", f"localhost:{self.port}"}

    def _answer_request(self, connection: Any, request: Any) -> Any:
        """A file or a refusal; None lets a socket through."""
        hosts = request.headers.get_all("Host")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return self._response(HTTPStatus.FORBIDDEN, b"this name is not served here\n")
        path = request.path.partition("?")[0]
        if path == "/socket":
            origins = request.headers.get_all("Origin")
            if len(origins) != 1 or origins[0] not in {f"http://{host}" for host in self._hosts}:
                return self._response(HTTPStatus.FORBIDDEN, b"a page from elsewhere\n")
            return None
        if path not in self._files:
            return self._response(HTTPStatus.NOT_FOUND, b"no such file\n")
        file, kind = self._files[path]
        return self._response(HTTPStatus.OK, file.read_bytes(), kind)

    def _response(self, status: HTTPStatus, body: bytes, kind: str = "text/plain") -> Any:
        from websockets.datastructures import Headers
        from websockets.http11 import Response

        sockets = " ".join(f"ws://{host}" for host in sorted(self._hosts))
        policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
            f"connect-src 'self' {sockets}; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )
        headers = Headers(
            [
                ("Content-Type", kind),
                ("Content-Length", str(len(body))),
                ("Connection", "close"),
                ("Content-Security-Policy", policy),
                *SECURITY_HEADERS,
            ]
        )
        return Response(status.value, status.phrase, headers, body)

    # ---- sockets

    async def _serve_page(self, socket: Any) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            await self._open_page(socket)
        except ConnectionClosed:
            pass
        except ClosingError as error:
            await socket.close(error.code, error.reason)
        except WireError as error:
            await socket.close(1008, str(error)[:100])
        except Exception:
            logger.exception("a page failed")
            await socket.close(1011, "internal error")

    async def _open_page(self, socket: Any) -> None:
        from .session import Session

        try:
            async with asyncio.timeout(OPENING_SECONDS):
                message = parse_message(await socket.recv())
        except TimeoutError:
            raise ClosingError(1008, "no message came") from None
        if message["type"] != "open" or not self._admits(message["token"]):
            raise ClosingError(1008, "token")
        if len(self._pages) >= MAX_PAGES:
            raise ClosingError(1013, f"{MAX_PAGES} pages are open already: close one")
        outbox = Outbox(socket)
        outbox.put(_as_text({"type": "opened", "token": self._token}))
        configuration, problem = _first_configuration(message["configuration"])
        if problem is not None:
            outbox.put(_as_text(problem))
        session = Session(configuration, outbox.put, self._worker.wake)
        self._pages.add(session)
        self._worker.add(session)
        sending = asyncio.create_task(outbox.send_all())
        try:
            async for data in socket:
                self._deliver(session, parse_message(data))
        finally:
            self._worker.remove(session)
            self._pages.discard(session)
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending

    def _deliver(self, session: Any, message: dict[str, Any]) -> None:
        if message["type"] == "open":
            raise WireError("the page is open already")
        if message["type"] == "ack":
            session.acknowledge(message["frame"])
        elif not session.receive(message):
            raise ClosingError(1008, "too many messages at once")

    def _admits(self, token: Any) -> bool:
        """Whether it is the token, or a ticket, which is then used up."""
        if not isinstance(token, str):
            return False
        token_bytes = token.encode("utf-8", "surrogatepass")
        if secrets.compare_digest(token_bytes, self._token.encode()):
            return True
        for ticket, end in list(self._tickets.items()):
            if monotonic() > end:
                del self._tickets[ticket]
            elif secrets.compare_digest(token_bytes, ticket.encode()):
                del self._tickets[ticket]
                return True
        return False


def _first_configuration(value: Any) -> tuple[Configuration, dict[str, Any] | None]:
    """What a page opens with; the defaults, and why, where that cannot be used."""
    try:
        return Configuration.from_json(value), None
    except ConfigurationError as error:
        return Configuration(), error_message(error, None)


def _as_text(message: dict[str, Any]) -> str:
    return json.dumps(message, allow_nan=False)


def _limited_connection() -> Any:
    """A kind of connection that is cut off at once where there are too many.

    Others of the machine may open any number, and say nothing until their time is over.
    """
    from websockets.asyncio.server import ServerConnection

    class LimitedConnection(ServerConnection):  # type: ignore[misc]
        n_open = 0
        is_refused = False

        def connection_made(self, transport: Any) -> None:
            self.is_refused = LimitedConnection.n_open >= MAX_CONNECTIONS
            if self.is_refused:
                transport.abort()
                return
            LimitedConnection.n_open += 1
            super().connection_made(transport)

        def connection_lost(self, error: Exception | None) -> None:
            if not self.is_refused:
                LimitedConnection.n_open -= 1
                super().connection_lost(error)

        def data_received(self, data: bytes) -> None:
            if not self.is_refused:
                super().data_received(data)

        def eof_received(self) -> None:
            if not self.is_refused:
                super().eof_received()

    return LimitedConnection


def _silent_logger() -> logging.Logger:
    """Whatever strangers send is no news."""
    logger = logging.Logger("hullwise.play", logging.CRITICAL)
    logger.addHandler(logging.NullHandler())
    return logger
