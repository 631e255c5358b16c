"""Logging in by the command: each way from the prompt to the forge, with a keyring that processes share."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import subprocess
import sys
import threading
import time
from pathlib import Path

import attrs
import pytest

pytest.importorskip("keyring", reason="keyring is not installed")
pytest.importorskip("oauthlib", reason="oauthlib is not installed")
pytest.importorskip("jwt", reason="PyJWT is not installed")

from keyring import get_keyring, set_keyring
from keyring.backends import null
from means.gateways import EMAIL, PASSWORD, BehindGateway
from means.keyrings import LockedKeyring, SharedKeyring
from simulators.github import GitHubSimulator
from simulators.gitlab import GitLabSimulator
from simulators.identity import Client, Clock, GitHubIdentity, GitLabIdentity
from simulators.store import Forge

ROOT = Path(__file__).parent
FILES = {"content/posts/hello.md": b"hello\n"}
#: What a person does in a browser: let the program in, and come back.
PERSON = """\
import re, sys, requests
session = requests.Session()
session.trust_env = False
page = session.get(sys.argv[1]).text
ticket = re.search('name="ticket" value="([^"]+)"', page)[1]
at = sys.argv[1].partition("?")[0]
done = session.post(at, data={"ticket": ticket, "decision": DECISION})
open(SHOWN, "w").write(done.text)
"""


@pytest.fixture
def forge(tmp_path):
    forge = Forge(tmp_path / "forge")
    yield forge
    forge.close()


@pytest.fixture
def ann(forge):
    return forge.add_user("ann", "Ann Editor", "ann@example.org")


@attrs.frozen
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def copydesk(tmp_path, monkeypatch, capsys):
    """Run the command in this process, which takes a tenth of the time, with a keyring of its own."""
    from copydesk.cli._app import run

    before = get_keyring()
    set_keyring(SharedKeyring())
    for name in [name for name in os.environ if name.startswith("COPYDESK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COPYDESK_CACHE", "off")
    monkeypatch.setenv("COPYDESK_TEST_KEYRING", str(tmp_path / "keyring.json"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.chdir(tmp_path)

    def called(*arguments, stdin="", **environ):
        with monkeypatch.context() as patch:
            for name, value in environ.items():
                patch.setenv(name, value)
            patch.setattr("sys.argv", ["copydesk", *arguments])
            patch.setattr("sys.stdin", io.StringIO(stdin))
            capsys.readouterr()
            code = 0
            try:
                run()
            except SystemExit as exc:
                code = exc.code
            shown = capsys.readouterr()
        return Done(code, shown.out, shown.err)

    yield called
    set_keyring(before)


@pytest.fixture
def process(tmp_path):
    """Run the command with a keyring of its own; *browser* is what the person decides in theirs."""

    def run(*arguments, stdin="", browser="", **environ):
        here = tmp_path / "site"
        here.mkdir(exist_ok=True)
        script = tmp_path / "person.py"
        head = f"DECISION, SHOWN = {browser!r}, {str(tmp_path / 'shown.html')!r}\n"
        script.write_text(head + PERSON)
        clean = {key: value for key, value in os.environ.items() if not key.startswith("COPYDESK_")}
        given = {
            **clean,
            "COPYDESK_CACHE": "off",
            "PYTHON_KEYRING_BACKEND": "means.keyrings.SharedKeyring",
            "COPYDESK_TEST_KEYRING": str(tmp_path / "keyring.json"),
            "PYTHONPATH": str(ROOT),
            "XDG_STATE_HOME": str(tmp_path / "state"),
            "BROWSER": f"{sys.executable} {script} %s" if browser else "false %s",
            "NO_PROXY": "127.0.0.1",
            **environ,
        }
        command = [sys.executable, "-m", "copydesk", *arguments]
        return subprocess.run(
            command, cwd=here, input=stdin, capture_output=True, text=True, check=False, env=given, timeout=60
        )

    return run


def kept(tmp_path) -> str:
    ring = tmp_path / "keyring.json"
    return ring.read_text() if ring.exists() else ""


# -- token ----------------------------------------------------------------------------------------


@pytest.fixture
def github(forge, ann):
    forge.add_token("pasted-token", ann)
    forge.add_repository("owner/site", FILES)
    with GitHubSimulator(forge) as simulator:
        yield (
            "--backend",
            "github",
            "-o",
            "repo=owner/site",
            "-o",
            f"api_root={simulator.url}{simulator.root}",
        )


def test_token_is_read_tried_kept_used_and_forgotten(copydesk, github, tmp_path):
    """From the login to the logout; nothing that is written shows it."""
    done = copydesk("login", *github, stdin="pasted-token\n")
    assert done.stdout.startswith("logged in: ann (Ann Editor) on github at http://127.0.0.1:"), done.stderr
    assert "pasted-token" in kept(tmp_path)
    told = json.loads(copydesk("whoami", *github, "--json").stdout)
    assert (told["login"], told["email"], told["credential"]) == ("ann", "ann@example.org", "keyring")
    assert copydesk("cat", "content/posts/hello.md", *github).stdout == "hello\n"
    listed = json.loads(copydesk("accounts", "--json").stdout)
    assert listed == [{"backend": "github", "api_root": github[-1].partition("=")[2], "account": ""}]
    assert copydesk("logout", *github).stdout.startswith("logged out: github at")
    assert "pasted-token" not in kept(tmp_path)
    again = copydesk("whoami", *github)
    assert (again.returncode, "log in with `copydesk login`" in again.stderr) == (1, True)
    assert "nothing to do: nobody is logged in" in copydesk("logout", *github).stderr
    assert json.loads(copydesk("logout", *github, "--json").stdout)["logged_out"] is False
    assert json.loads(copydesk("accounts", "--json").stdout) == []
    shown = "".join(each for run in (done, again) for each in (run.stdout, run.stderr))
    assert "pasted-token" not in shown


def test_secret_is_typed_without_echo_at_a_terminal(github, tmp_path):
    """The configuration is named, as people have it beside their site."""
    options = dict(pair.split("=", 1) for pair in github[3::2])
    config = tmp_path / "config.yml"
    config.write_text(
        f"backend: {{name: github, repo: owner/site, api_root: '{options['api_root']}'}}\n"
        "media_folder: img\ncollections: [{name: posts, folder: content/posts}]\n"
    )
    environ = {
        **{key: value for key, value in os.environ.items() if not key.startswith("COPYDESK_")},
        "COPYDESK_CACHE": "off",
        "PYTHON_KEYRING_BACKEND": "means.keyrings.SharedKeyring",
        "COPYDESK_TEST_KEYRING": str(tmp_path / "keyring.json"),
        "PYTHONPATH": str(ROOT),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "copydesk", "login", str(config)]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ):
        os.close(theirs)
        shown = b""
        typed = False
        with contextlib.suppress(OSError):  # Linux says so when the other side is closed
            while piece := os.read(ours, 4096):
                shown += piece
                if not typed and b"token (fine-grained or classic): " in shown:
                    os.write(ours, b"pasted-token\n")
                    typed = True
    os.close(ours)
    assert b"make a token at http://127.0.0.1:" in shown
    assert b"logged in: ann (Ann Editor) on github" in shown
    assert (b"pasted-token" in shown, "pasted-token" in kept(tmp_path)) == (False, True)


def test_token_that_the_forge_refuses_is_not_kept(copydesk, github, tmp_path):
    done = copydesk("login", *github, stdin="wr0ng-t0ken\n")
    assert (done.returncode, "Bad credentials" in done.stderr) == (1, True)
    assert not kept(tmp_path)
    assert "wr0ng-t0ken" not in done.stderr


def test_accounts_stand_side_by_side(copydesk, github, forge, tmp_path):
    forge.add_token("of-ben", forge.add_user("ben", "Ben", "ben@example.org"))
    copydesk("login", *github, stdin="pasted-token\n")
    copydesk("login", *github, "--account", "ben", stdin="of-ben\n")
    assert json.loads(copydesk("whoami", *github, "--json").stdout)["login"] == "ann"
    assert json.loads(copydesk("whoami", *github, "--json", "--account", "ben").stdout)["login"] == "ben"
    chosen = copydesk("whoami", *github, "--json", COPYDESK_ACCOUNT="ben")
    assert json.loads(chosen.stdout)["login"] == "ben"
    assert [each["account"] for each in json.loads(copydesk("accounts", "--json").stdout)] == ["", "ben"]


def test_environment_comes_before_a_login_and_is_told(copydesk, github, forge):
    forge.add_token("of-ben", forge.add_user("ben", "Ben", "ben@example.org"))
    done = copydesk("login", *github, stdin="pasted-token\n", COPYDESK_GITHUB_TOKEN="of-ben")
    assert done.stdout.startswith("logged in: ann")
    assert "but: COPYDESK_GITHUB_TOKEN is set, and comes first" in done.stderr
    told = json.loads(copydesk("whoami", *github, "--json", COPYDESK_GITHUB_TOKEN="of-ben").stdout)
    assert (told["login"], told["credential"]) == ("ben", "environment")


@pytest.mark.parametrize(
    ("ring", "words"),
    [
        (null.Keyring(), "this system has no keyring that copydesk would keep a credential in"),
        (LockedKeyring(), "the system's keyring is locked: unlock it and make the same call again"),
    ],
    ids=["null", "locked"],
)
def test_keyring_that_keeps_nothing_is_told(copydesk, github, ring, words):
    set_keyring(ring)
    done = copydesk("login", *github, stdin="pasted-token\n")
    assert (done.returncode, words in done.stderr) == (1, True), done.stderr
    assert "pasted-token" not in done.stderr


def test_ways_are_listed_and_chosen(copydesk, github):
    shown = copydesk("login", "--list", *github, "-o", "app_id=Iv1").stdout
    assert [line.split()[0] for line in shown.splitlines()[1:]] == ["device", "token", "popup", "app"]
    refused = copydesk("login", "--with", "pkce", *github)
    assert "this configuration has no login by 'pkce' (it has: token, popup, app)" in refused.stderr
    assert refused.returncode == 2


# -- password -------------------------------------------------------------------------------------


def test_password_becomes_a_token_and_is_not_kept(copydesk, tmp_path):
    """By GoTrue, behind which the gateway is."""
    with BehindGateway(tmp_path / "behind", "github") as behind:
        options = [part for name, value in behind.options.items() for part in ("-o", f"{name}={value}")]
        site = ("--backend", "git-gateway", *options)
        done = copydesk("login", *site, "--user", EMAIL, stdin=f"{PASSWORD}\n")
        assert done.stdout.startswith(f"logged in: {EMAIL} (Ann Editor) on git_gateway at"), done.stderr
        assert PASSWORD not in kept(tmp_path)
        assert json.loads(copydesk("whoami", *site, "--json").stdout)["login"] == EMAIL
        wrong = copydesk("login", *site, stdin=f"{EMAIL}\nwr0ng passw0rd\n")
        assert wrong.returncode == 1
        assert "wr0ng passw0rd" not in wrong.stderr


# -- by the browser -------------------------------------------------------------------------------


@pytest.fixture
def gitlab(forge, ann):
    """The options of a project, whose logins go by PKCE, and the identity provider."""
    forge.add_repository("group/site", FILES)
    client = Client("cli", ("http://127.0.0.1/callback",), scopes=frozenset({"api"}))
    with GitLabSimulator(forge) as simulator, GitLabIdentity([client], clock=Clock()) as identity:
        identity.any_loopback_port = True
        identity.grants.issued = lambda token: forge.add_token(token, ann)
        options = {
            "repo": "group/site",
            "api_root": f"{simulator.url}{simulator.root}",
            "base_url": identity.url,
            "auth_type": "pkce",
            "app_id": "cli",
        }
        given = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        yield ("--backend", "gitlab", *given), identity


def test_code_with_pkce_comes_back_to_this_machine(process, gitlab, tmp_path):
    site, identity = gitlab
    done = process("login", *site, browser="authorize")
    assert done.stdout.startswith("logged in: ann (Ann Editor) on gitlab at"), done.stderr
    assert "You are logged in" in (tmp_path / "shown.html").read_text()
    assert "code=" not in done.stdout + done.stderr  # nor in a log of the server
    login = identity.grants.logins[0]
    assert login.access_token in kept(tmp_path)
    for secret in (login.access_token, login.refresh_token):
        assert secret not in done.stdout + done.stderr + (tmp_path / "shown.html").read_text()
    assert process("cat", "content/posts/hello.md", *site).stdout == "hello\n"


@pytest.mark.long
def test_person_who_refuses_is_told_so_in_both_places(process, gitlab, tmp_path):
    site, _ = gitlab
    done = process("login", *site, browser="cancel")
    assert done.returncode == 1
    assert "the login was refused (access_denied: The resource owner" in " ".join(done.stderr.split())
    assert "The login failed" in (tmp_path / "shown.html").read_text()
    assert not kept(tmp_path)


def asked_for_tokens(identity):
    return [each for each in identity.log if each.path == "/oauth/token"]


def test_two_processes_at_expiry_refresh_once(process, gitlab, tmp_path):
    """Both go on; the token that one used up is not used by the other."""
    site, identity = gitlab
    identity.grants.lifetime = 30  # below the margin: each use finds it about to expire
    process("login", *site, browser="authorize")
    identity.grants.lifetime = 7200
    before = len(asked_for_tokens(identity))
    runs = []
    threads = [threading.Thread(target=lambda: runs.append(process("ls", *site))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [run.returncode for run in runs] == [0, 0], runs[0].stderr
    assert len(asked_for_tokens(identity)) == before + 1
    assert not identity.grants.reused


# -- by another device ----------------------------------------------------------------------------


def type_code(devices):
    """Do as a person who types the code, and refuses."""
    deadline = time.monotonic() + 20
    while not devices.waiting and time.monotonic() < deadline:
        time.sleep(0.01)
    devices.decide(devices.waiting[0].user_code, allowed=False)


def test_device_shows_a_code_and_waits(copydesk, forge, ann, tmp_path):
    forge.add_repository("owner/site", FILES)
    with GitHubIdentity([Client("cli")], clock=Clock()) as identity:
        identity.devices.interval = 1
        typing = threading.Thread(target=type_code, args=(identity.devices,))
        typing.start()
        site = ("--backend", "github", "-o", "repo=owner/site", "-o", "app_id=cli")
        done = copydesk("login", *site, "-o", f"api_root={identity.url}/api/v3", "--no-browser")
        typing.join()
    assert "type this code in the browser: " in done.stderr
    assert f"{identity.url}/login/device" in done.stderr
    assert (done.returncode, "the person refused; nothing was kept" in done.stderr) == (1, True)
