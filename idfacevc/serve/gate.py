"""Who may come in, and with how much: the key, the host's name, the size of a request."""

from __future__ import annotations

import ipaddress
import secrets
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from idfacevc.errors import InputError
from idfacevc.serve.answers import error_response

_LOCAL = ("localhost", "127.0.0.1", "::1")
_WITH_KEY = ("/v1/", "/metrics")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name: whom it means is decided elsewhere
        return False


def check_address(host: str, key: str | None) -> None:
    """`InputError` for an address that others reach without a key."""
    if key is not None and not key.strip():
        raise InputError("the API key is empty")
    if key is None and not is_loopback(host):
        raise InputError(f"{host} can be reached from other machines: give a key with --api-key, or leave 127.0.0.1")


class Gate:
    """ASGI middleware: refuses who has no key or comes from a foreign page, and stops what is too large.

    Without a key, only this machine's own names are served and only its own pages may ask, so that no site in the same
    browser can use the service behind its user's back.

    Args:
        app: what is behind it.
        key: that /v1 and /metrics want as "Authorization: Bearer KEY"; None for none.
        largest: bytes of a request's body.
    """

    def __init__(self, app: ASGIApp, key: str | None, largest: int) -> None:
        self._app = app
        self._key = key
        self._largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope["path"], headers)
        if refusal is not None:
            await error_response(*refusal)(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._largest:
                raise HTTPException(413, self._too_large())
            return message

        await self._app(scope, counted, send)

    def _refusal(self, path: str, headers: Headers) -> tuple[int, str] | None:
        if self._key is None:
            if _name(f"//{headers.get('host', '')}") not in _LOCAL:
                return 403, "the service answers to the names of this machine only"
            if (origin := headers.get("origin")) and _name(origin) not in _LOCAL:
                return 403, "pages of other sites may not use the service"
        elif path.startswith(_WITH_KEY):
            scheme, _, given = headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not secrets.compare_digest(given.encode(), self._key.encode()):
                return 401, "the API key is missing or wrong: send it as Authorization: Bearer KEY"
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > self._largest:
            return 413, self._too_large()
        return None

    def _too_large(self) -> str:
        return f"the request is larger than {self._largest / 1e6:g} MB, which is what --max-upload allows"


def _name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
