from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from copydesk import Repository, open_repository

TOKEN = "full-token"


@pytest.fixture
def start(forge) -> Iterator[Callable]:
    """Start a Bitbucket over the forge; every exchange with it is held against Bitbucket's own description."""
    from simulators.bitbucket import BitbucketSimulator
    from simulators.bitbucket.validate import check
    from simulators.lfs import Bucket

    with contextlib.ExitStack() as stack:
        started = []

        def starter():
            simulator = stack.enter_context(BitbucketSimulator(forge))
            simulator.quota_left = 10**6  # what a suite asks in a second
            simulator.lfs.bucket = stack.enter_context(Bucket())  # as Bitbucket, which keeps them elsewhere
            started.append(simulator)
            return simulator

        yield starter
        for simulator in started:
            for exchange in simulator.log:
                check(exchange, simulator.root)


@pytest.fixture
def open_site(start, settings) -> Callable[..., Repository]:
    """Open `owner/site` on a Bitbucket of its own; the simulator is its `simulator`."""

    def opener(*, token: object = TOKEN, **options: object) -> Repository:
        simulator = start()
        given = {"repo": "owner/site", "api_root": simulator.url + simulator.root, **options}
        repository = open_repository("bitbucket", credential=token, http=settings, **given)
        repository.simulator = simulator
        return repository

    return opener
