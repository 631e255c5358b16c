"""githubkit: the tree, then one request per file; one after the other, or all that it lets go at once."""

from __future__ import annotations

import asyncio
import base64

from githubkit import GitHub, TokenAuthStrategy

from benchmarks.reading.clients.protocol import Given, Go, serve


def _client(given: Given) -> GitHub[TokenAuthStrategy]:
    return GitHub(TokenAuthStrategy(given.token), base_url=given.url, http_cache=False)


def load(given: Given) -> Go:
    owner, _, repo = given.repo.partition("/")

    def go() -> dict[str, bytes]:
        with _client(given) as github:
            tree = github.rest.git.get_tree(owner, repo, "main", recursive="1").parsed_data.tree
            return {
                entry.path: base64.b64decode(
                    github.rest.git.get_blob(owner, repo, entry.sha).parsed_data.content
                )
                for entry in tree
                if entry.type == "blob"
            }

    return go


def load_together(given: Given) -> Go:
    owner, _, repo = given.repo.partition("/")

    async def read() -> dict[str, bytes]:
        async with _client(given) as github:
            tree = (await github.rest.git.async_get_tree(owner, repo, "main", recursive="1")).parsed_data.tree
            entries = [entry for entry in tree if entry.type == "blob"]
            blobs = await asyncio.gather(
                *(github.rest.git.async_get_blob(owner, repo, entry.sha) for entry in entries)
            )
            return {
                entry.path: base64.b64decode(blob.parsed_data.content)
                for entry, blob in zip(entries, blobs, strict=True)
            }

    return lambda: asyncio.run(read())


if __name__ == "__main__":
    serve({"load": load, "together": load_together})
