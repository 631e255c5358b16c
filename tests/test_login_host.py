"""The Flask example of docs/host-apps.md, as it stands there: a person logs in by it, and comes back."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

pytest.importorskip("flask", reason="flask is not installed")
pytest.importorskip("oauthlib", reason="oauthlib is not installed")
pytest.importorskip("jwt", reason="PyJWT is not installed")

from simulators.gitlab import GitLabSimulator
from simulators.identity import Client, GitLabIdentity
from simulators.store import Forge

PAGE = Path(__file__).parents[1] / "docs/host-apps.md"
FILES = {"content/posts/hello.md": b"hello\n"}

pytestmark = pytest.mark.skipif(
    not PAGE.exists(), reason="not in a checkout: this is about its documentation"
)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """The application of the page, and its identity provider."""
    forge = Forge(tmp_path / "forge")
    ann = forge.add_user("ann", "Ann Editor", "ann@example.org")
    forge.add_repository("group/site", FILES)
    client = Client("your-application", ("http://localhost/login/done",), scopes=frozenset({"api"}))
    with GitLabSimulator(forge) as simulator, GitLabIdentity([client]) as identity:
        identity.grants.issued = lambda token: forge.add_token(token, ann)
        monkeypatch.setenv("GITLAB", identity.url)
        monkeypatch.setenv("GITLAB_API", f"{simulator.url}{simulator.root}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        (code,) = (
            code
            for code in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
            if "Flask(" in code
        )
        names: dict[str, object] = {"__name__": "editor"}
        exec(compile(code, "host-apps.md", "exec"), names)
        yield names["app"], identity, code
    forge.close()


def authorized(address):
    with requests.Session() as session:
        session.trust_env = False
        ticket = re.search('name="ticket" value="([^"]+)"', session.get(address).text)
        at = address.partition("?")[0]
        form = {"ticket": ticket[1], "decision": "authorize"}
        return session.post(at, data=form, allow_redirects=False).headers["Location"]


def test_person_logs_in_by_the_example(site):
    app, identity, code = site
    person, other = app.test_client(), app.test_client()
    assert person.get("/").headers["Location"] == "/login"
    back = urlsplit(authorized(person.get("/login").headers["Location"]))
    done = f"{back.path}?{back.query}"
    # Whoever has the address, and not the session, is not let in; nor does the person come in twice.
    assert other.get(done).status_code == 401
    answer = person.get(done)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert person.get("/").json == list(FILES)
    again = person.get(done)
    assert (again.status_code, "no login was begun in this session" in again.text) == (401, True)
    assert len(identity.grants.logins) == 1
    assert len([line for line in code.splitlines() if line.strip()]) <= 40


def test_example_refuses_what_another_login_brought(site):
    """Somebody's own code, put under the nose of another person: they would work as that somebody."""
    app, identity, _ = site
    person, attacker = app.test_client(), app.test_client()
    person.get("/login")
    back = urlsplit(authorized(attacker.get("/login").headers["Location"]))
    assert person.get(f"{back.path}?{back.query}").status_code == 401
    assert not identity.grants.logins
