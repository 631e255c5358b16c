"""Reading many files at once: by path, as Gitea does since 1.24, or by blob, as Forgejo does since 12."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping

import attrs
from copydesk.errors import NotSupportedError
from copydesk.http import Answer, HttpClient, Request
from copydesk.models import Mode
from copydesk.ways import Cost, Wanted

from copydesk_gitea import api

__all__ = ["FileContentsWay"]

_BY_PATH, _BY_SHA = "file-contents", "blobs"


@attrs.define(eq=False)
class FileContentsWay:
    """Thirty files a request; symlinks, which are cut at 1,024 bytes, and what no longer fits are left out."""

    client: HttpClient
    api: api.Api
    name: str = "file-contents"
    #: Endpoints that this instance does not have.
    _lacking: set[str] = attrs.field(factory=set, init=False, repr=False)

    def cost(self, wanted: Wanted) -> Cost | None:
        """Tell one request per 30 files, one after the other; None for a single one."""
        sizes = [entry.size or 0 for entry in wanted.entries or () if entry.version.mode is not Mode.SYMLINK]
        if len(sizes) < 2 or len(self._lacking) == 2:
            return None
        requests = -(-len(sizes) // api.BATCH)
        return Cost(requests, requests, sum(sizes), requests)

    def read(self, wanted: Wanted) -> Generator[bytes, None, None]:
        """Give files batch by batch.

        :raises NotSupportedError: the instance has neither endpoint.
        """
        files = {
            entry.path: str(entry.version.blob_sha)
            for entry in wanted.entries or ()
            if entry.version.mode is not Mode.SYMLINK
        }
        paths = tuple(files)
        for start in range(0, len(paths), api.BATCH):
            batch = {path: files[path] for path in paths[start : start + api.BATCH]}
            yield from api.read_contents(self._answer(wanted.commit_sha, batch))

    def _answer(self, commit_sha: str, files: Mapping[str, str]) -> Answer:
        for endpoint, request in self._requests(commit_sha, files):
            answer = self.client.send(request, allow={404, 405})
            if answer.status < 400:
                return answer
            self._lacking.add(endpoint)
        raise NotSupportedError("this gitea gives no files at once; they are read another way")

    def _requests(self, commit_sha: str, files: Mapping[str, str]) -> Iterable[tuple[str, Request]]:
        asked = (
            (_BY_PATH, self.api.file_contents(commit_sha, files)),
            (_BY_SHA, self.api.blobs(dict.fromkeys(files.values()))),
        )
        return (each for each in asked if each[0] not in self._lacking)
