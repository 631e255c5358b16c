"""One LFS server, over HTTP."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from copydesk.errors import ProtocolError
from copydesk.http import HttpClient, Request
from copydesk.lfs._batch import BATCH, Action, ask_batch, ask_verify, check_object, read_batch
from copydesk.lfs._pointer import Pointer

__all__ = ["LfsServer"]


@attrs.define(eq=False)
class LfsServer:
    """Uploads and downloads objects, 100 in a batch and several at once.

    :param client: of the server's root, with the credential, if it may have it.
    :param plain: a client without a credential, for addresses that hold their own.
    :param map: calls a function for each item, several at once.
    """

    client: HttpClient
    plain: HttpClient
    map: Callable[[Callable[[Any], Any], Iterable[Any]], tuple[Any, ...]]

    def download(self, pointers: Mapping[str, Pointer]) -> Mapping[str, bytes]:
        """Give the objects that pointers point to, by path.

        :raises NotFoundError: one of them is not there.
        :raises ProtocolError: one of them is something else than its pointer says.
        """
        objects = {pointer: path for path, pointer in pointers.items()}
        actions = self._batches("download", objects)
        found = dict(
            zip(
                objects,
                self.map(lambda pointer: self._fetched(pointer, objects[pointer], actions), objects),
                strict=True,
            )
        )
        return {path: found[pointer] for path, pointer in pointers.items()}

    def upload(self, contents: Mapping[str, bytes]) -> Mapping[str, Pointer]:
        """Store the bytes of some files, by path, where the server has not got them; give their pointers.

        :raises CopydeskError: one of them could not be stored.
        """
        pointers = {path: Pointer.of(content) for path, content in contents.items()}
        objects = {pointer: path for path, pointer in pointers.items()}
        actions = self._batches("upload", objects)
        self.map(
            lambda pointer: self._stored(pointer, contents[objects[pointer]], actions[pointer.oid]), objects
        )
        return pointers

    def _batches(self, operation: str, objects: Mapping[Pointer, str]) -> Mapping[str, Mapping[str, Action]]:
        found: dict[str, Mapping[str, Action]] = {}
        pointers = iter(objects)
        while batch := tuple(itertools.islice(pointers, BATCH)):
            answer = self.client.send(ask_batch(operation, batch))
            found |= read_batch(
                answer, {pointer.oid: objects[pointer] for pointer in batch}, self.client.root
            )
        return found

    def _sender(self, action: Action) -> HttpClient:
        return self.client if action.own else self.plain

    def _fetched(self, pointer: Pointer, path: str, actions: Mapping[str, Mapping[str, Action]]) -> bytes:
        action = actions[pointer.oid].get("download")
        if action is None:
            raise ProtocolError(f"the LFS server does not say where {path!r} is ({pointer.oid[:12]})")
        answer = self._sender(action).send(Request("GET", action.address, headers=action.headers))
        return check_object(answer.content, pointer, path)

    def _stored(self, pointer: Pointer, content: bytes, actions: Mapping[str, Action]) -> None:
        upload, verify = actions.get("upload"), actions.get("verify")
        if upload is not None:
            headers = {"Content-Type": "application/octet-stream", **upload.headers}
            # The same bytes at the same place: sending them twice does no harm.
            self._sender(upload).send(
                Request("PUT", upload.address, headers=headers, content=content, safe=True)
            )
        if upload is not None and verify is not None:
            self._sender(verify).send(ask_verify(verify, pointer))
