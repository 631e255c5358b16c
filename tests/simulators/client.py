"""Asking a simulator as a plain HTTP client does."""

from __future__ import annotations

from typing import Any, Self

import requests

__all__ = ["Client"]


class Client:
    """Asks about one repository of a simulator, *prefix* being its address; the token is ``full``."""

    def __init__(self, simulator: Any, prefix: str) -> None:
        self.simulator = simulator
        self.prefix = prefix
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = "Bearer full"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def __call__(
        self,
        method: str,
        path: str = "",
        body: object = None,
        prefix: str | None = None,
        **headers: str | None,
    ) -> requests.Response:
        """Send a request; a header's ``_`` stands for ``-``, and None takes one away."""
        prefix = self.prefix if prefix is None else prefix
        url = f"{self.simulator.url}{self.simulator.root}{prefix}{path}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.request(method, url, json=body, headers=named, allow_redirects=False, timeout=10)

    def graphql(
        self, query: str, authorization: str | None = "Bearer full", **variables: object
    ) -> dict[str, Any]:
        return self.post_graphql(query, authorization, **variables).json()

    def post_graphql(
        self, query: str, authorization: str | None = "Bearer full", **variables: object
    ) -> requests.Response:
        url = self.simulator.url + self.simulator.graphql_path
        asked = {"query": query, "variables": variables}
        return self.session.post(url, json=asked, headers={"Authorization": authorization}, timeout=10)
