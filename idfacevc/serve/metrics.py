"""What Prometheus reads at /metrics."""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECONDS = (0.1, 0.25, 0.5, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """Counters of one service; `inside` tells how many requests wait or are in work."""

    def __init__(self, inside: Callable[[], float]) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "idfacevc_requests", "Answers by path and status.", ["path", "status"], registry=self._registry
        )
        self.first_sound = Histogram(
            "idfacevc_first_sound_seconds", "From request to first sound.", registry=self._registry, buckets=_SECONDS
        )
        self.speech = Counter("idfacevc_speech_seconds", "Speech made, in seconds.", registry=self._registry)
        waiting = Gauge("idfacevc_requests_inside", "Requests waiting or in work.", registry=self._registry)
        waiting.set_function(inside)

    def text(self) -> bytes:
        """All of them in Prometheus's text format."""
        return generate_latest(self._registry)

    def stopwatch(self) -> Callable[[], None]:
        """A function to call at the first sound of a request that begins now."""
        begin = time.perf_counter()
        return lambda: self.first_sound.observe(time.perf_counter() - begin)


class Counted:
    """ASGI middleware that counts answers by the route that gave them; what has no route is one path."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                path = getattr(scope.get("route"), "path", "other")
                self._metrics.requests.labels(path, message["status"]).inc()
            await send(message)

        await self._app(scope, receive, counting if scope["type"] == "http" else send)
