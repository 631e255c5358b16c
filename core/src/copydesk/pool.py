"""A bounded pool of threads for reads, made when it is first needed."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

import attrs

__all__ = ["WORKERS", "ReadPool"]

WORKERS: Final = 8

T = TypeVar("T")
R = TypeVar("R")


@attrs.define(eq=False)
class ReadPool:
    """Runs reads in *workers* threads at the most; results come in the order of the items."""

    workers: int = WORKERS
    _executor: ThreadPoolExecutor | None = None
    _lock: threading.Lock = attrs.field(factory=threading.Lock, repr=False)
    _inside: threading.local = attrs.field(factory=threading.local, repr=False)

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> tuple[R, ...]:
        """Call *function* for each item; the first exception, in order of the items, is raised.

        A call from within the pool runs in its own thread: waiting there for a free one could last for ever.
        """
        todo = tuple(items)
        if len(todo) < 2 or getattr(self._inside, "here", False):
            return tuple(function(item) for item in todo)
        futures = [self._started().submit(function, item) for item in todo]
        try:
            return tuple(future.result() for future in futures)
        except BaseException:
            for future in futures:
                future.cancel()
            raise

    def stream(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Call *function* for each item, a few ahead of whoever takes the results; they come in order.

        Closing the iterator begins nothing more.
        """
        todo = iter(items)
        if getattr(self._inside, "here", False):
            yield from map(function, todo)
            return
        running: deque[Future[R]] = deque()
        try:
            for item in todo:
                running.append(self._started().submit(function, item))
                if len(running) > self.workers:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for future in running:
                future.cancel()

    def close(self) -> None:
        """Wait for what is running and end the threads."""
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(cancel_futures=True)

    def _started(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(
                    self.workers, thread_name_prefix="copydesk-read", initializer=self._mark
                )
            return self._executor

    def _mark(self) -> None:
        self._inside.here = True
