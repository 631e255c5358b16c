"""That the suite for HTTP backends notices a broken promise: each is broken here, on purpose.

The backend is that of GitHub by REST alone, with one operation written as it should not be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from inspect import signature

import attrs
import pytest
import requests
from copydesk import Repository, hookimpl
from copydesk.errors import AuthenticationError, CopydeskError, NotFoundError, UnavailableError
from copydesk.http import Connector, HttpSettings, Request
from copydesk.models import Branch, File, FileVersion, Put
from copydesk.registry import InstalledBackend
from copydesk.testing import SEED, Answer, HttpBackendSuite
from copydesk.testing._http_means import DEEDS, READS, Clock, Known, Stranger, Trials
from copydesk.testing._steps import Steps
from copydesk_github import GitHubBackend, GitHubOptions, api
from simulators.github import GitHubSimulator
from simulators.store import Forge

pytest_plugins = ["pytester"]

SECRET = "this-is-the-secret"
NOTICING = (AssertionError, pytest.fail.Exception)


class Suite(HttpBackendSuite):
    unsupported = frozenset({"rebase_pull_request", "repair"})
    secret = SECRET
    many = 3


@pytest.fixture
def server(tmp_path) -> Iterator[GitHubSimulator]:
    forge = Forge(tmp_path / "forge")
    forge.now = lambda: datetime.now(UTC)
    forge.add_token(SECRET, forge.add_user("owner", "Site Owner", "owner@example.org"))
    files = {file.path: file.content for file in SEED}
    forge.add_repository("owner/site", files, modes={file.path: int(file.mode, 8) for file in SEED})
    with GitHubSimulator(forge) as server:
        yield server
    forge.close()


@pytest.fixture
def run(server, caplog) -> Callable[..., None]:
    """Run one test of the suite against a backend, as pytest does; the names of parameters choose them."""

    def connect_with(backend: type[GitHubBackend]) -> Callable[[HttpSettings], Repository]:
        options = GitHubOptions(repo="owner/site", api_root=server.url, use_graphql=False)
        origin = InstalledBackend("github", "copydesk-github", "0", "copydesk_github:backend")

        def connect(settings: HttpSettings) -> Repository:
            connector = Connector("github", SECRET, settings)
            client = connector(options.api_root, api.DIALECT)
            opened = backend(client, "repos/owner/site", "owner")
            return Repository(origin, options, (opened,), sleep=settings.sleep, on_close=connector.close)

        return connect

    def run_test(backend: type[GitHubBackend], name: str, **given: object) -> None:
        healthy = Trials(server, connect_with(GitHubBackend), SECRET)
        trials = Trials(server, connect_with(backend), SECRET)
        caplog.set_level("DEBUG")
        with healthy.connect(healthy.settings(Clock())) as repository, Stranger() as stranger:
            steps = Steps(repository)
            test, names = getattr(Suite(), name), iter(range(1000))
            fixtures: dict[str, object] = {"trials": trials, "steps": steps, "stranger": stranger, **given}
            fixtures["name"] = lambda: f"{backend.__name__.lower()}-{next(names)}"
            if "known" in signature(test).parameters:
                branch = f"known-{backend.__name__}"
                base, new = steps.head(), Put(f"{branch}.md", b"new")
                made = steps.pull_request(branch, new, labels=("netlify-cms/draft",))
                entries = repository.list_files(made.head_commit_sha, "content/posts")
                fixtures["known"] = Known(branch, base, made.head_commit_sha, entries, made)
            test(**{each: fixtures[each] for each in signature(test).parameters})
        assert SECRET not in caplog.text

    return run_test


def read(name: str) -> dict[str, object]:
    return {"read": next(each for each in READS if each.name == name)}


def deed(name: str, harm: str = "") -> dict[str, object]:
    found = {"deed": next(each for each in DEEDS if each.name == name)}
    return {**found, "harm": harm} if harm else found


# -- what is broken -----------------------------------------------------------------------------------


class BlindlyAgain(GitHubBackend):
    """Sends a pull request again whatever became of it, and its own number of times."""

    @hookimpl
    def create_pull_request(self, pull_request):
        request = attrs.evolve(api.ask_create_pull_request(self.base, pull_request), safe=True)
        answer = self.client.send(request, allow={422})
        if answer.status != 201:
            raise NotFoundError("github opened no pull request")
        return self.labelled(api.read_pull_request(answer.json()), pull_request.labels)


class Swallowing(GitHubBackend):
    """Takes trouble for nothing."""

    @hookimpl
    def list_branches(self, prefix):
        try:
            return GitHubBackend.list_branches(self, prefix)
        except UnavailableError:
            return ()


class SwallowingLabels(GitHubBackend):
    """Takes a refusal for success."""

    @hookimpl
    def set_labels(self, pull_request, add, remove):
        try:
            return GitHubBackend.set_labels(self, pull_request, add, remove)
        except CopydeskError:
            return attrs.evolve(pull_request, labels=add)


class Wandering(GitHubBackend):
    """Follows a next page wherever it leads, with a session of its own."""

    @hookimpl
    def list_branches(self, prefix):
        found, address = [], f"{self.client.root}/{self.base}/git/matching-refs/heads/{prefix}"
        while address:
            answer = requests.get(address, headers={"Authorization": f"Bearer {SECRET}"}, timeout=5)
            found += [Branch(*api.read_ref(ref)) for ref in answer.json()]
            address = answer.links.get("next", {}).get("url")
        return tuple(found)


class Telling(GitHubBackend):
    """Shows the credential in an error."""

    @hookimpl
    def get_branch(self, name, known_commit_sha):
        try:
            return GitHubBackend.get_branch(self, name, known_commit_sha)
        except AuthenticationError as exc:
            raise AuthenticationError(f"{exc} (it was {SECRET})") from exc


class TellingBeside(GitHubBackend):
    """Keeps the credential in a variable, where a rendered traceback shows it."""

    @hookimpl
    def get_branch(self, name, known_commit_sha):
        headers = {"Authorization": f"Bearer {SECRET}"}
        assert headers
        return GitHubBackend.get_branch(self, name, known_commit_sha)


class InTheAddress(GitHubBackend):
    """Sends the credential in the address."""

    @hookimpl
    def get_branch(self, name, known_commit_sha):
        request = api.ask_head(self.base, name, "").with_query(access_token=SECRET)
        return Branch(name, self.client.send(request).text)


class Raw(GitHubBackend):
    """Lets what it uses raise as it likes."""

    @hookimpl
    def get_branch(self, name, known_commit_sha):
        answer = requests.get(
            f"{self.client.root}/{self.base}/commits/heads/{name}",
            headers={"Accept": "application/vnd.github.sha"},
            timeout=5,
        )
        answer.raise_for_status()
        return Branch(name, answer.text)


class Believing(GitHubBackend):
    """Believes every body that comes with status 200."""

    @hookimpl
    def read_file(self, commit_sha, path, version):
        request = Request("GET", f"{self.base}/contents/{path}?ref={commit_sha}")
        raw = attrs.evolve(request, headers={"Accept": "application/vnd.github.raw+json"})
        return File(path, self.client.send(raw).content, FileVersion(None))


class Insisting(GitHubBackend):
    """Asks again whatever the refusal."""

    @hookimpl
    def compare(self, base_commit_sha, head_commit_sha):
        try:
            return GitHubBackend.compare(self, base_commit_sha, head_commit_sha)
        except CopydeskError:
            return GitHubBackend.compare(self, base_commit_sha, head_commit_sha)


@pytest.mark.long  # for who changes the suite
@pytest.mark.parametrize(
    ("backend", "name", "given"),
    [
        (BlindlyAgain, "test_write_is_done_once", deed("create_pull_request", "answer lost")),
        (Swallowing, "test_reads_give_up", {"fault": Answer(503, b"{}")}),
        (SwallowingLabels, "test_write_refused_oddly", deed("set_labels")),
        (Wandering, "test_listing_is_not_led_elsewhere", read("list_branches")),
        (Wandering, "test_read_survives_what_passes", read("list_branches")),
        (Telling, "test_reads_refused_for_the_credential", {}),
        (TellingBeside, "test_reads_refused_for_the_credential", {}),
        (InTheAddress, "test_read_survives_what_passes", read("get_branch")),
        (Raw, "test_read_survives_what_passes", read("get_branch")),
        (Raw, "test_reads_refused_for_lack_of_rights", {}),
        (Believing, "test_read_of_what_is_no_answer", read("read_file")),
        (Insisting, "test_reads_refused_for_the_credential", {}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_broken_backend_is_noticed(run, backend, name, given):
    run(GitHubBackend, name, **given)
    with pytest.raises(NOTICING):
        run(backend, name, **given)


def test_suite_without_its_fixtures_is_noticed(pytester):
    pytester.makepyfile(
        """
        from copydesk.testing import HttpBackendSuite

        class TestForge(HttpBackendSuite):
            secret = "s3cret"
        """
    )
    result = pytester.runpytest_inprocess("-k", "remedy", "-p", "no:hypothesispytest")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the suite needs a fixture 'server'*"])
