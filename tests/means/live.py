"""The suite for all backends on a real forge, in a scratch repository that the environment names."""

from __future__ import annotations

import base64
import contextlib
import functools
import os
import subprocess
import time
import uuid
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import attrs
import pytest
import requests
from copydesk import Repository, hookimpl, open_repository
from copydesk.models import Credential, PullRequest
from copydesk.testing import SEED, BackendSuite

__all__ = ["LiveSuite", "Place", "Scratch", "needed", "push_seed"]

#: What only a repository passes that has no other branch.
NEEDS_A_NEW_REPOSITORY = {"test_seed_is_there"}


def needed(backend: str) -> tuple[str, str]:
    """Give the variables without which a forge cannot be asked: a token and a scratch repository."""
    start = f"COPYDESK_{backend.upper().replace('-', '_')}"
    return f"{start}_TOKEN", f"{start}_REPO"


@attrs.frozen
class Place:
    """Where the tests of a forge work; what the environment does not name is empty.

    :param api: the address of its API, unless the environment has another one in ``COPYDESK_<BACKEND>_API``.
    :param user: whose password the token is, in ``COPYDESK_<BACKEND>_USER``; else it is a bearer's.
    """

    backend: str
    api: str = attrs.field()
    token: str = attrs.field(repr=False)
    repo: str
    user: str = ""

    @classmethod
    def of(cls, backend: str, api: str) -> Self:
        token, repo = needed(backend)
        found = os.environ.get(repo.replace("_REPO", "_API"), api)
        user = os.environ.get(repo.replace("_REPO", "_USER"), "")
        return cls(backend, found.rstrip("/"), os.environ.get(token, ""), os.environ.get(repo, ""), user)

    @property
    def credential(self) -> Credential:
        return Credential(self.token, "basic", self.user) if self.user else Credential(self.token)

    @property
    def authorization(self) -> dict[str, str]:
        """The header for requests that are made without copydesk."""
        told = f"Basic {_basic(self.user, self.token)}" if self.user else f"Bearer {self.token}"
        return {"Authorization": told}

    def require(self) -> None:
        """Leave the tests of the calling module out where a variable is missing, and say so."""
        missing = [name for name in needed(self.backend) if not os.environ.get(name)]
        if missing:
            told = f"the real {self.backend} is left out: {' and '.join(missing)} are not in the environment"
            pytest.skip(told, allow_module_level=True)


def _basic(user: str, secret: str) -> str:
    return base64.b64encode(f"{user}:{secret}".encode()).decode()


def _fast_import(branch: str) -> bytes:
    """Give the seed in one commit, as ``git fast-import`` takes it."""

    def data(content: bytes) -> bytes:
        return b"data %d\n%b\n" % (len(content), content)

    stream = (
        f"commit refs/heads/{branch}\ncommitter Seed <seed@example.org> {int(time.time())} +0000\n".encode()
    )
    stream += data(b"Seed")
    for file in SEED:
        stream += f'M {file.mode.value} inline "{file.path}"\n'.encode() + data(file.content)
    return stream


def push_seed(folder: Path, address: str, branch: str, user: str, secret: str) -> None:
    """Push the seed; the secret goes there by the environment, where no list of processes shows it.

    :param folder: an empty one.
    """
    header = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {_basic(user, secret)}",
        "GIT_TERMINAL_PROMPT": "0",
    }
    run = functools.partial(subprocess.run, cwd=folder, check=True, env=os.environ | header)
    run(["git", "init", "--quiet", "--bare"])
    run(["git", "fast-import", "--quiet"], input=_fast_import(branch))
    run(["git", "push", "--quiet", "--force", address, f"refs/heads/{branch}"])


class Scratch:
    """The scratch repository, prepared without copydesk; a subclass knows how its forge does it.

    :cvar tries: how often a request is made that is one too many, with a minute between if no time is told.
    """

    tries: ClassVar[int] = 5

    def __init__(self, place: Place, session: requests.Session) -> None:
        self.place = place
        self.session = session

    @classmethod
    @contextlib.contextmanager
    def open(cls, place: Place, headers: Mapping[str, str]) -> Iterator[Self]:
        """Give the repository, and leave it without other branches than the default one."""
        safe = place.repo.endswith("-scratch")
        assert safe, f"{place.repo!r} does not end in '-scratch': its branches would be deleted"
        with requests.Session() as session:
            session.headers.update(headers)
            scratch = cls(place, session)
            yield scratch
            scratch.clear()

    @property
    def root(self) -> str:
        """Where the repository is in the API."""
        raise NotImplementedError

    def clear(self) -> None:
        """Close every pull request and delete every branch but the default one."""
        raise NotImplementedError

    def seed(self, branch: str) -> None:
        """Make a branch with the seed in one commit that has no parent."""
        raise NotImplementedError

    def newest(self) -> int:
        """Give the number of the newest pull request, 0 for none."""
        raise NotImplementedError

    def ask(self, method: str, path: str, body: object = None) -> Any:
        url = f"{self.root}{path}"
        for _ in range(self.tries):
            response = self.session.request(method, url, json=body, timeout=60)
            if response.status_code != 429:
                break
            time.sleep(int(response.headers.get("Retry-After", "60")))
        assert response.ok, f"{method} {url}: {response.status_code} {response.text[:500]}"
        return response.json() if response.content else None


@attrs.define(eq=False)
class HideOlder:
    """Leaves the pull requests out that were there before a test, for they cannot be deleted."""

    newest: int

    @hookimpl(wrapper=True)
    def list_pull_requests(self) -> Generator[None, tuple[PullRequest, ...], tuple[PullRequest, ...]]:
        return tuple(pull for pull in (yield) if pull.number > self.newest)


class LiveSuite(BackendSuite):
    """Each test has a base branch of its own; the plugin has the fixture `scratch`."""

    options: ClassVar[Mapping[str, object]] = {}

    @pytest.fixture
    def repository(self, request, scratch) -> Repository:
        """Open the scratch repository on a new branch that holds exactly the seed."""
        if request.node.name in NEEDS_A_NEW_REPOSITORY:
            pytest.skip("only a repository that is new has one branch")
        branch, place = f"seed-{uuid.uuid4().hex[:12]}", scratch.place
        scratch.clear()
        scratch.seed(branch)
        given = {"repo": place.repo, "api_root": place.api, "branch": branch, **self.options}
        hide = HideOlder(scratch.newest())
        return open_repository(place.backend, credential=place.credential, extensions=[hide], **given)
