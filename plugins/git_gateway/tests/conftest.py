from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest


@pytest.fixture
def behind(tmp_path) -> Iterator[Callable]:
    """Start a site behind a gateway, by the name of the forge; nothing may be refused by the gateway's list."""
    from means.gateways import BehindGateway

    started = []

    def start(forge: str, **given: object) -> BehindGateway:
        started.append(BehindGateway(tmp_path / f"forge-{len(started)}", forge, **given).start())
        return started[-1]

    yield start
    for site in started:
        site.stop()


@pytest.fixture
def site(request, behind):
    """A site behind a gateway; before either forge where a test is marked with `before_both`."""
    return behind(getattr(request, "param", "github"))
