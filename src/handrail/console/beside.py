"""What takes long is done beside the pages, one piece after the other. The end of the program does not wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class Beside:
    """A thread of its own, begun when there is something to do."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._todo: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """What `work` comes to, when it is its turn."""
        future: Future[T] = Future()
        self._todo.put((future, work))
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
        return future

    def _work(self) -> None:
        while True:
            future, work = self._todo.get()
            try:
                future.set_result(work())
            except BaseException as error:  # whoever asks for it is told
                future.set_exception(error)
            del future, work
