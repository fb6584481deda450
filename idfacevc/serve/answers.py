"""What goes back to a client: a stream that ends with its client, and errors in OpenAI's form."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from http import HTTPStatus
from typing import TypeVar

import anyio
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from idfacevc.errors import InputError
from idfacevc.serve.engine import Busy, Job, Loading
from idfacevc.serve.voices import UnknownVoice

T = TypeVar("T")
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_SECONDS_TO_RETRY = {429: "2", 503: "2"}


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


async def unless_gone(receive: Receive, work: Awaitable[T]) -> T:
    """The result of `work`, which is cancelled, with `ClientGone`, when the client hangs up."""
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGone
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class JobResponse(Response):
    """The bytes of a job as they are made. A fault before the first of them still gets its own status.

    Args:
        job: that makes them.
        media_type: of the bytes.
        seconds: that the whole answer may take.
        begun: called with the first bytes.
        held: closed when the answer ends, also because the client left or is too slow: the job's place, its files.
    """

    def __init__(
        self, job: Job[bytes], media_type: str, seconds: float, begun: Callable[[], None], held: AsyncExitStack
    ) -> None:
        super().__init__(media_type=media_type)
        self._job = job
        self._seconds = seconds
        self._begun = begun
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        deadline = anyio.current_time() + self._seconds
        async with self._held:
            with anyio.fail_after(self._seconds):
                first = await unless_gone(receive, anext(self._job))
            self._begun()
            stream = StreamingResponse(self._after(first), media_type=self.media_type)
            # what is cut off here stays without its end, so that no client takes the part for the whole
            with anyio.CancelScope(deadline=deadline):
                await stream(scope, receive, send)

    async def _after(self, first: bytes) -> AsyncIterator[bytes]:
        yield first
        async for piece in self._job:
            yield piece


def error_response(status: int, message: str, param: str | None = None) -> JSONResponse:
    """An error as OpenAI's clients read it."""
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    code = HTTPStatus(status).phrase.lower().replace(" ", "_").replace("-", "_")
    headers = {"Retry-After": _SECONDS_TO_RETRY[status]} if status in _SECONDS_TO_RETRY else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    content = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return JSONResponse(content, status, headers)


def add_error_handlers(app: FastAPI) -> None:
    """Every fault of a request as JSON with its status, and none with a traceback."""

    def answer(kind: type[Exception], status: int, message: Callable[[Exception], str]) -> None:
        async def handler(request: Request, error: Exception) -> Response:
            return error_response(status, " ".join(message(error).split()))

        app.add_exception_handler(kind, handler)

    answer(InputError, 400, str)
    answer(UnknownVoice, 404, lambda error: f"there is no voice {str(error)[:80]!r}; GET /v1/voices lists all")
    answer(Busy, 429, lambda _: "all places of the queue are taken; try again in a moment")
    answer(Loading, 503, lambda _: "the model is being loaded; try again in a moment")
    answer(TimeoutError, 503, lambda _: "the request took longer than it may; send less at a time")
    answer(Exception, 500, lambda _: "a fault of the service; its log says more")

    async def gone(request: Request, error: Exception) -> Response:
        return Response(status_code=499)  # for the log: nobody reads it

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return error_response(error.status_code, str(error.detail))

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        param = ".".join(str(part) for part in first["loc"][1:])
        return error_response(400, f"{param or 'the request'}: {first['msg']}", param or None)

    app.add_exception_handler(ClientGone, gone)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
