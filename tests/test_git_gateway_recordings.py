"""What the real Git Gateway and Netlify Identity answered, asked again of their simulators."""

from __future__ import annotations

import pytest
import requests
from copydesk.testing import ServerSimulator
from werkzeug import Request, Response

pytest.importorskip("graphql", reason="graphql-core is not installed")
pytest.importorskip("jwt", reason="PyJWT is not installed")

from simulators.git_gateway import GitGatewaySimulator, Upstream
from simulators.github import GitHubSimulator
from simulators.gitlab import GitLabSimulator
from simulators.gotrue import GoTrueSimulator
from simulators.recorded import FOLDER, SHA, Recorded, ask_all_again, matches, path_of, read
from simulators.seeds import github_files, gitlab_files
from simulators.store import Forge

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason=f"the recordings are not at {FOLDER}")

#: Who signs in; the recordings have hidden the password.
EMAIL, PASSWORD = "netlifyCMS@netlify.com", "REDACTED"
#: Fields and headers that the recordings have and the simulators have not, and why.
DIFFERENCES = {
    r"^(POST|PUT|PATCH|DELETE) .* header etag": "nobody asks again for what a write answered",
    r"gitlab/repository/commits 200 header x-total": "newer versions do not count commits",
}
#: Scenarios that are not asked again, and why.
LEFT_OUT = {
    "gitgateway-github__media-library-large-media__should-not-show-draft-entry-image-in-global-media-library"
    "--2019-12-20.jsonl": "keeps drafts in a ref of its own",
}
#: What the forge's simulator does not have, and why.
NOT_SIMULATED = {r"DELETE .*/contents/": "writes file by file; copydesk commits whole trees"}
HEADERS = (
    "content-type",
    "etag",
    "link",
    "location",
    "x-gitlab-",
    "x-page",
    "x-per-page",
    "x-total",
    "x-ratelimit",
)


def scenarios(forge: str) -> list[str]:
    if not FOLDER.exists():
        return []
    found = (each.name for each in FOLDER.glob(f"gitgateway-{forge}__*.jsonl"))
    return sorted(each for each in found if each not in LEFT_OUT)


def asked_again(name: str) -> tuple[list[Recorded], list[Recorded]]:
    """Give what was asked of the two services, and what of it reached the forge; large media is another one."""
    services = ("/.netlify/identity/", "/.netlify/git/")
    kept = [each for each in read(name) if not matches(each.endpoint, NOT_SIMULATED)]
    about = [each for each in kept if path_of(each.url).startswith(services)]
    return about, [each for each in about if "/.netlify/git/git" in each.url]


class Site(ServerSimulator):
    """A site whose services have one address."""

    def __init__(self, *services: GoTrueSimulator | GitGatewaySimulator) -> None:
        super().__init__()
        self.services = services

    def respond(self, request: Request) -> Response:
        found = (each for each in self.services if request.path.startswith(f"{each.root}/"))
        return next(found).respond(request)


@pytest.fixture
def forge(tmp_path):
    forge = Forge(tmp_path / "forge")
    forge.add_token("full", forge.add_user("owner"))
    yield forge
    forge.close()


@pytest.fixture
def identity():
    identity = GoTrueSimulator()
    identity.add_user(EMAIL, PASSWORD)
    return identity


@pytest.fixture
def session(identity):
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {identity.issue(EMAIL)}"
        yield session


def other_headers(each: Recorded, response: requests.Response) -> list[str]:
    """Say which headers are missing, and whose links lead elsewhere."""
    names = [name.lower() for name in each.answer_headers]
    found = [f"header {name}" for name in names if name.startswith(HEADERS) and name not in response.headers]
    theirs, ours = (_page_of(headers.get("link", "")) for headers in (each.answer_headers, response.headers))
    if theirs.startswith("/") and theirs != ours:
        found.append(f"link to {theirs} leads to {ours}")
    return found


def _page_of(link: str) -> str:
    """Give the path of the first page that a header names, without the shas in it."""
    return SHA.sub("", link.partition("?")[0].removeprefix("<"))


@pytest.mark.long  # every day they are asked again of the forge itself
@pytest.mark.parametrize("name", scenarios("github"))
def test_scenario_in_front_of_github_is_answered_as_it_was(name, forge, identity, session):
    """A browser's whole session gets the same statuses, fields and headers, from the sign-in on."""
    recorded, forges = asked_again(name)
    forge.add_repository("owner/repo", github_files(forges), default_branch="master")
    with GitHubSimulator(forge) as github:
        gateway = GitGatewaySimulator(github=Upstream(f"{github.url}/repos/owner/repo", "full"))
        with Site(identity, gateway) as site:
            assert ask_all_again(site, session, recorded, DIFFERENCES, other_headers) == []
    assert (len(forges) > 5, gateway.refused) == (True, [])


@pytest.mark.long
@pytest.mark.parametrize("name", scenarios("gitlab"))
def test_scenario_in_front_of_gitlab_is_answered_as_it_was(name, forge, identity, session):
    """A browser's whole session gets the same statuses, fields and headers, from the sign-in on."""
    recorded, forges = asked_again(name)
    forge.add_repository("owner/repo", gitlab_files(forges), default_branch="master")
    with GitLabSimulator(forge) as gitlab:
        gitlab.old_tree = True  # the recordings are of 2020
        upstream = Upstream(f"{gitlab.url}{gitlab.root}/projects/owner%2Frepo", "full")
        gateway = GitGatewaySimulator(gitlab=upstream)
        with Site(identity, gateway) as site:
            assert ask_all_again(site, session, recorded, DIFFERENCES, other_headers) == []
    assert (len(forges) > 5, gateway.refused) == (True, [])


@pytest.mark.parametrize("forge_name", ["github", "gitlab"])
def test_settings_are_those_on_record(forge_name, identity, session):
    """The settings have the recorded values, not only the recorded fields."""
    (settings,) = {str(each.answer) for each in all_of("/.netlify/git/settings", forge_name)}
    with GitGatewaySimulator(
        **{forge_name: Upstream("http://127.0.0.1/repos/owner/repo", "full")}
    ) as gateway:
        answer = session.get(f"{gateway.url}/.netlify/git/settings", timeout=10)
    assert str(answer.json()) == settings


def test_user_has_the_fields_on_record(identity, session):
    """What is shown of a user has the recorded fields and no others, and what says nothing is empty alike."""
    shown = [each.answer for name in ("github", "gitlab") for each in all_of("/.netlify/identity/user", name)]
    with identity:
        ours = session.get(f"{identity.url}/.netlify/identity/user", timeout=10).json()
    same = ("aud", "role", "app_metadata", "user_metadata")
    for recorded in shown:
        assert recorded.keys() == ours.keys()
        assert {name: recorded[name] for name in same} == {name: ours[name] for name in same}


def all_of(path: str, forge: str) -> list[Recorded]:
    found = [each for name in scenarios(forge) for each in read(name) if path_of(each.url) == path]
    assert found, f"nothing of {path} is on record"
    return found
