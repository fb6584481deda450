"""Work for one model: a bounded queue of requests that take turns, one piece of a result each."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_AHEAD = 4  # pieces that are worked out before the first of them is taken


class Busy(Exception):
    """The queue is full."""


class Loading(Exception):
    """The model is not there yet."""


class Job(AsyncIterator[T], Generic[T]):
    """A request's result, piece by piece, inside the event loop that submitted it; made by `Engine.submit`.

    Whoever takes it calls `close` at the end, on whatever way: that frees its place.
    """

    def __init__(self, engine: Engine, make: Callable[[], Iterable[T]]) -> None:
        self._engine = engine
        self._make: Callable[[], Iterable[T]] | None = make
        self._iterator: Iterator[T] | None = None
        self._loop = asyncio.get_running_loop()
        self._told = asyncio.Event()
        self._lock = threading.Lock()  # held while a piece is made, so that `close` cannot come between
        self.pieces: deque[T] = deque()
        self.error: BaseException | None = None
        self.done = False
        self.parked = False

    async def __anext__(self) -> T:
        while not self.pieces:
            if self.error is not None:
                raise self.error
            if self.done:
                raise StopAsyncIteration
            self._told.clear()
            if not self.pieces and not self.done:
                await self._told.wait()
        piece = self.pieces.popleft()
        self._engine.resume(self)
        return piece

    def close(self) -> None:
        """Stop the work and free its place; what is being made at this moment is dropped."""
        self._engine.leave(self)

    def step(self) -> None:
        """Make one piece, in a worker's thread."""
        with self._lock:
            try:
                if self._iterator is None:
                    assert self._make is not None
                    self._iterator, self._make = iter(self._make()), None
                self.pieces.append(next(self._iterator))
            except StopIteration:
                self.done = True
            except BaseException as error:  # whatever it is, who waits must learn of it
                self.error, self.done = error, True
        with suppress(RuntimeError):  # the loop has ended, nobody waits
            self._loop.call_soon_threadsafe(self._told.set)

    def release(self) -> None:
        """Let go of what the work holds: open files, tensors."""
        with self._lock:
            close = getattr(self._iterator, "close", None)
            self._iterator, self._make = None, None
            if close is not None:
                close()


class Engine:
    """Threads that work for one model.

    Args:
        load: makes the model, in the first thread; requests are refused until it is there.
        places: requests that may be waiting or in work at a time.
        workers: threads. Requests take turns, so that one more thread helps only where cores are idle.
    """

    def __init__(self, load: Callable[[], Any], places: int = 32, workers: int = 1) -> None:
        self._load = load
        self._places = places
        self._changed = threading.Condition()
        self._turns: deque[Job[Any]] = deque()
        self._inside: set[Job[Any]] = set()
        self._stopping = False
        self._model: Any = None
        self._threads = [threading.Thread(target=self._first if n == 0 else self._work) for n in range(workers)]
        self.failure: BaseException | None = None
        self.loaded = threading.Event()  # or failed

    def start(self) -> None:
        """Start loading, then working."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the threads; requests that are not finished stay so."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    @property
    def model(self) -> Any:
        """What `load` made; `Loading` before."""
        if self._model is None:
            raise Loading
        return self._model

    @property
    def inside(self) -> int:
        """Requests waiting or in work."""
        return len(self._inside)

    def submit(self, make: Callable[[], Iterable[T]]) -> Job[T]:
        """A place in the queue for work that `make` begins in a worker's thread.

        Raises:
            Loading: before the model is there.
            Busy: where no place is free.
        """
        self.model  # noqa: B018  raises
        job = Job(self, make)
        with self._changed:
            if len(self._inside) >= self._places:
                raise Busy
            self._inside.add(job)
            self._turns.append(job)
            self._changed.notify()
        return job

    async def run(self, call: Callable[[], T]) -> T:
        """The result of one call, which waits for its turn like every other piece of work."""
        job = self.submit(lambda: (call() for _ in range(1)))
        try:
            return await anext(job)
        finally:
            job.close()

    def resume(self, job: Job[Any]) -> None:
        """A piece was taken: work that stood still because of those before it goes on."""
        with self._changed:
            if job.parked and job in self._inside:
                job.parked = False
                self._turns.append(job)
                self._changed.notify()

    def leave(self, job: Job[Any]) -> None:
        """The place of a job becomes free."""
        with self._changed:
            self._inside.discard(job)
            at_work = job not in self._turns and not job.parked and not job.done
            if job in self._turns:
                self._turns.remove(job)
        if not at_work:  # else its worker will find that it left
            job.release()

    def _first(self) -> None:
        try:
            self._model = self._load()
        except BaseException as error:
            self.failure = error
        self.loaded.set()
        self._work()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._turns or self._stopping)
                if self._stopping:
                    return
                job = self._turns.popleft()
            job.step()
            with self._changed:
                left = job not in self._inside
                if job.done:
                    self._inside.discard(job)
                elif not left and len(job.pieces) >= _AHEAD:
                    job.parked = True
                elif not left:
                    self._turns.append(job)
                    self._changed.notify()
            if left or job.done:
                job.release()
