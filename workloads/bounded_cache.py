"""A cache by content that is bounded by the bytes it holds, for work that many simulations share."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class BoundedCache(Generic[Value]):
    """Values by key; those not used for the longest time go first when there are too many bytes.

    A key must hold everything that its value depends on. Any number of threads may use one cache: what one
    thread is making, others wait for. max_bytes >= 0 may be changed; it holds from the next value on.
    """

    def __init__(self, max_bytes: int, size_of: Callable[[Value], int]) -> None:
        """size_of: bytes of a value, its key included as far as that matters."""
        self.max_bytes = max_bytes
        self._size_of = size_of
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._being_made: dict[Hashable, Future[Value]] = {}
        self._bytes = 0

    def __len__(self) -> int:
        """Values held."""
        return len(self._kept)

    @property
    def n_bytes(self) -> int:
        """Bytes held, at most max_bytes."""
        return self._bytes

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of a key, made where it is not held. What `make` raises is raised to all who wait for it.

        A value larger than the whole cache is returned and not held.
        """
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
            found = self._being_made.get(key)
            if found is None:
                made = self._being_made[key] = Future[Value]()
        return self._make(key, make, made) if found is None else found.result()

    def clear(self) -> None:
        """Forget everything that is held."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def _make(self, key: Hashable, make: Callable[[], Value], made: Future[Value]) -> Value:
        try:
            value = make()
            size = self._size_of(value)
        except BaseException as error:
            with self._lock:
                del self._being_made[key]
            made.set_exception(error)
            raise
        with self._lock:
            del self._being_made[key]
            self._keep(key, value, size)
        made.set_result(value)
        return value

    def _keep(self, key: Hashable, value: Value, size: int) -> None:
        if size > self.max_bytes:
            return
        self._kept[key] = value, size
        self._bytes += size
        while self._bytes > self.max_bytes:
            self._bytes -= self._kept.popitem(last=False)[1][1]
