"""Labels by name: Gitea knows them by number, and makes none by itself."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

import attrs
from copydesk.http import HttpClient

from copydesk_gitea import api

__all__ = ["Labels"]


@attrs.define(eq=False)
class Labels:
    """The numbers of the labels of one repository, as far as they were seen; safe to use from threads."""

    client: HttpClient
    api: api.Api
    _known: dict[str, int] = attrs.field(factory=dict, init=False, repr=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False, repr=False)

    def saw(self, labels: Iterable[Mapping[str, Any]] | None) -> None:
        """Learn from labels that an answer tells."""
        self._known.update(api.read_label_ids(labels or ()))

    def forget(self, names: Iterable[str]) -> None:
        """Forget labels that are no longer there."""
        for name in names:
            self._known.pop(name, None)

    def ids(self, names: Iterable[str]) -> tuple[int, ...]:
        """Give the numbers of labels; those that are not there are made."""
        wanted = tuple(dict.fromkeys(names))
        with self._lock:
            if any(name not in self._known for name in wanted):
                self._look(wanted)
            return tuple(self._known[name] for name in wanted)

    def _look(self, wanted: Iterable[str]) -> None:
        # Each time anew: Gitea makes a second label of the same name without a word.
        for answer in self.client.pages(self.api.labels(), api.next_label_page):
            self.saw(answer.json_list())
        for name in wanted:
            if name not in self._known:
                self.saw([self.client.send(self.api.create_label(name)).json_object()])
