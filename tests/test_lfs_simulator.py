"""The simulator of LFS servers: the protocol by plain requests, and git-lfs itself, at forges and alone."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import requests

pytest.importorskip("graphql", reason="graphql-core is not installed")

from simulators.bitbucket import BitbucketSimulator
from simulators.github import GitHubSimulator
from simulators.github.validate import check
from simulators.gitlab import GitLabSimulator
from simulators.lfs import MEDIA_TYPE, Bucket, LargeMedia, LFSSimulator, Objects, pointed_to, pointer_to
from simulators.store import Forge

CONTENT = bytes(range(256))
OID = hashlib.sha256(CONTENT).hexdigest()
OBJECT = {"oid": OID, "size": 256}
NAMES = {"Accept": MEDIA_TYPE, "Content-Type": f"{MEDIA_TYPE}; charset=utf-8"}
ATTRIBUTES = b"*.png filter=lfs diff=lfs merge=lfs -text\n"


class Client:
    """Follows the protocol, with a credential for the server and none for other places."""

    def __init__(self, root: str, authorization: str | None = None) -> None:
        self.root = root
        self.headers = {**NAMES, **({"Authorization": authorization} if authorization else {})}
        self.session = requests.Session()
        self.session.trust_env = False

    def post(self, path: str, body: object, **headers: str | None) -> requests.Response:
        url = path if path.startswith("http") else self.root + path
        return self.session.post(url, json=body, headers={**self.headers, **headers}, timeout=10)

    def batch(self, operation: str, *objects: object, **more: object) -> requests.Response:
        asked = {"operation": operation, "transfers": ["basic"], "objects": list(objects), **more}
        return self.post("/objects/batch", asked)

    def one(self, operation: str, asked: object = OBJECT) -> dict:
        answer = self.batch(operation, asked)
        assert answer.status_code == 200, answer.text
        (found,) = answer.json()["objects"]
        return found

    def put(self, content: bytes = CONTENT, **headers: str) -> requests.Response:
        action = self.one("upload")["actions"]["upload"]
        # In one piece, which every server takes.
        told = {
            name: value for name, value in action.get("header", {}).items() if name != "Transfer-Encoding"
        }
        return self.session.put(action["href"], data=content, headers={**told, **headers}, timeout=10)

    def get(self, action: dict) -> requests.Response:
        return self.session.get(action["href"], headers=action.get("header"), timeout=10)


@pytest.fixture
def make_client():
    made = []

    def make(*arguments: str | None) -> Client:
        made.append(Client(*arguments))
        return made[-1]

    yield make
    for each in made:
        each.session.close()


@pytest.fixture
def bucket():
    with Bucket() as bucket:
        yield bucket


@pytest.fixture
def simulator(request, tmp_path):
    """A server that transfers itself, or where it is so marked by a bucket."""
    elsewhere = getattr(request, "param", "itself") == "bucket"
    bucket = request.getfixturevalue("bucket") if elsewhere else None
    with LFSSimulator(tmp_path / "objects", bucket=bucket) as simulator:
        yield simulator


either = pytest.mark.parametrize("simulator", ["itself", "bucket"], indirect=True)


@pytest.fixture
def client(simulator, make_client):
    return make_client(simulator.url + simulator.root)


@pytest.fixture
def forge(tmp_path):
    forge = Forge(tmp_path / "forge")
    forge.add_token("full", forge.add_user("owner"))
    forge.add_token("reader", forge.add_user("reader"), "read")
    forge.add_token("stranger", forge.add_user("stranger"), "none")
    forge.add_repository("owner/site", {"README.md": b"# A site\n"})
    yield forge
    forge.close()


@pytest.fixture
def site(forge):
    return forge.repository("owner/site")


@pytest.fixture
def github(forge):
    with GitHubSimulator(forge) as simulator:
        yield simulator
    for exchange in simulator.log:
        check(exchange, simulator.root)


@pytest.fixture
def gitlab(forge):
    with GitLabSimulator(forge) as simulator:
        yield simulator


@pytest.fixture
def bitbucket(forge):
    with BitbucketSimulator(forge) as simulator:
        yield simulator


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


# -- the batch ----------------------------------------------------------------------------------------


@either
def test_object_is_uploaded_verified_and_downloaded(simulator, client):
    """What is uploaded lies in the folder as git-lfs lays it out, and comes back."""
    assert client.put().status_code == 200
    assert (simulator.objects.folder / OID[:2] / OID[2:4] / OID).read_bytes() == CONTENT
    action = client.one("download")["actions"]["download"]
    assert client.get(action).content == CONTENT
    assert action["expires_in"] == 900


def test_object_that_is_there_has_no_actions(simulator, client):
    """Nothing is to be done for an object that the server has."""
    simulator.objects.add(CONTENT)
    assert client.one("upload") == OBJECT


def test_object_that_is_not_there_is_told_by_itself(client):
    """A download of a missing object is an error of that object only."""
    found = client.one("download")
    assert (found["error"]["code"], "actions" in found) == (404, False)


@pytest.mark.parametrize("wrong", [{"oid": "a" * 63, "size": 1}, {"oid": OID, "size": -1}, {"oid": OID}, 7])
def test_object_that_is_none_is_told_by_itself(client, wrong):
    """An object without a good oid and size is refused beside the good ones."""
    bad, good = client.batch("upload", wrong, OBJECT).json()["objects"]
    assert (bad["error"]["code"], "actions" in good) == (422, True)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Accept": "*/*"}, 406),
        ({"Accept": "application/json"}, 406),
        ({"Content-Type": "application/json"}, 415),
    ],
)
def test_other_media_types_are_refused(client, headers, status):
    """The media type of LFS has to be named in both headers."""
    answer = client.post("/objects/batch", {"operation": "upload", "objects": [OBJECT]}, **headers)
    assert (answer.status_code, MEDIA_TYPE in answer.json()["message"]) == (status, True)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"operation": "move"}, 422),
        ({"transfers": ["tus"]}, 422),
        ({"objects": []}, 422),
        ({"objects": [OBJECT] * 101}, 413),
        ({"hash_algo": "sha512"}, 409),
    ],
)
def test_batch_that_cannot_be_answered_is_refused(client, change, status):
    """A whole batch is refused with a message and without objects."""
    asked = {"operation": "upload", "transfers": ["basic"], "objects": [OBJECT], **change}
    answer = client.post("/objects/batch", asked)
    assert (answer.status_code, "message" in answer.json(), "objects" in answer.json()) == (
        status,
        True,
        False,
    )


def test_hundred_objects_are_answered_in_their_order(client):
    """A batch may have as many objects as the limit."""
    asked = [{"oid": f"{number:064x}", "size": number} for number in range(100)]
    found = client.batch("upload", *asked).json()["objects"]
    assert [each["oid"] for each in found] == [each["oid"] for each in asked]


# -- transfers ----------------------------------------------------------------------------------------


@either
@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT[::-1]])
def test_other_content_is_not_kept(simulator, client, content):
    """The size and the hash of what is uploaded are looked at."""
    assert client.put(content).status_code in {400, 422}
    assert simulator.objects.oids() == []


def test_other_size_than_announced_is_not_kept(simulator, client):
    """The size has to be that of the batch, though the hash is right."""
    action = client.one("upload", {"oid": OID, "size": 1})["actions"]["upload"]
    refused = client.session.put(action["href"], data=CONTENT, headers=action["header"], timeout=10)
    assert (refused.status_code, simulator.objects.oids()) == (422, [])


@either
def test_upload_is_verified_with_the_header_of_the_action(simulator, client):
    """It is 404 before the upload and 200 after it, and wants the credential that it was given."""
    verify = client.one("upload")["actions"]["verify"]
    assert client.post(verify["href"], OBJECT, **verify["header"]).status_code == 404
    client.put()
    assert client.post(verify["href"], OBJECT, **verify["header"]).status_code == 200
    assert client.post(verify["href"], {**OBJECT, "size": 1}, **verify["header"]).status_code == 404
    assert client.post(verify["href"], OBJECT).status_code == 401


def test_bucket_refuses_a_credential_that_it_did_not_give(tmp_path, bucket, make_client):
    """A credential that leaks to another origin shows."""
    with LFSSimulator(tmp_path / "objects", bucket=bucket) as simulator:
        client = make_client(simulator.url + simulator.root)
        refused = client.put(Authorization="Bearer full")
        assert (refused.status_code, "InvalidArgument" in refused.text) == (400, True)
        action = client.one("upload")["actions"]["upload"]
        assert action["href"].startswith(bucket.url)
        changed = client.session.put(action["href"] + "0", data=CONTENT, timeout=10)
        assert (changed.status_code, "SignatureDoesNotMatch" in changed.text) == (403, True)
    assert simulator.objects.oids() == []
    assert [each.method for each in bucket.log] == ["PUT", "PUT"]


def test_same_origin_wants_the_header_of_the_action(tmp_path, make_client):
    """The client's own credential does not do where another was given."""
    with LFSSimulator(tmp_path / "objects") as simulator:
        simulator.tokens["full"] = "write"
        client = make_client(simulator.url + simulator.root, "Bearer full")
        assert client.put(Authorization="Bearer full").status_code == 401
        assert client.put().status_code == 200


@pytest.mark.parametrize(
    ("authorization", "operation", "status"),
    [
        (None, "download", 401),
        ("Bearer wrong", "download", 401),
        ("Bearer reader", "download", 200),
        ("Bearer reader", "upload", 403),
        (basic("anybody", "full"), "upload", 200),
    ],
)
def test_who_may_what_is_told_by_the_token(simulator, make_client, authorization, operation, status):
    """Without a good credential it says which kind is wanted."""
    simulator.tokens.update(full="write", reader="read")
    answer = make_client(simulator.url + simulator.root, authorization).batch(operation, OBJECT)
    assert answer.status_code == status
    assert ("LFS-Authenticate" in answer.headers) == (status == 401)


# -- knobs --------------------------------------------------------------------------------------------


@either
def test_chosen_upload_fails(simulator, client):
    """The second of three uploads fails with the status that was asked for."""
    simulator.lfs.fail_uploads(507, skip=1)
    statuses = []
    for _ in range(3):
        statuses.append(client.put().status_code)
        for oid in simulator.objects.oids():
            simulator.objects.remove(oid)
    assert statuses == [200, 507, 200]


def test_chosen_object_is_refused_in_the_batch(simulator, client):
    """One object is refused with an error of its own, and then every one."""
    simulator.lfs.refused[OID] = (507, "Full")
    assert client.one("upload")["error"] == {"code": 507, "message": "Full"}
    assert "error" not in client.one("upload", {"oid": "a" * 64, "size": 1})
    simulator.lfs.refused[None] = (410, "Gone")
    assert client.one("download", {"oid": "a" * 64, "size": 1})["error"]["code"] == 410


@either
def test_liar_keeps_other_bytes_and_verifies_them(simulator, client):
    """Only who downloads and counts the hash notices."""
    simulator.lfs.spoil = lambda content: content[::-1]
    verify = client.one("upload")["actions"]["verify"]
    client.put()
    assert client.post(verify["href"], OBJECT, **verify["header"]).status_code == 200
    assert client.get(client.one("download")["actions"]["download"]).content == CONTENT[::-1]


def test_late_object_is_not_found_for_a_while(simulator, client):
    """So many looks do not find what was just uploaded."""
    simulator.lfs.lag = 2
    client.put()
    assert ["error" in client.one("download") for _ in range(3)] == [True, True, False]


def test_server_without_verification_has_no_such_action(simulator, client):
    """Verification may be switched off."""
    simulator.lfs.verify = False
    assert list(client.one("upload")["actions"]) == ["upload"]


@either
def test_action_is_good_until_it_expires(simulator, client):
    """What is followed too late is refused."""
    now = [1000.0]
    simulator.lfs.clock, simulator.lfs.expires_in = lambda: now[0], 60
    action = client.one("upload")["actions"]["upload"]
    now[0] += 60
    late = client.session.put(action["href"], data=CONTENT, headers=action.get("header"), timeout=10)
    assert (action["expires_in"], late.status_code in {401, 403}) == (60, True)


# -- Netlify ------------------------------------------------------------------------------------------


@pytest.fixture
def netlify(tmp_path, bucket):
    with LargeMedia(tmp_path / "media", bucket=bucket) as simulator:
        simulator.tokens.add("jwt")
        yield simulator


def test_large_media_takes_what_it_has_not(netlify, make_client):
    """Verify says whether an upload is needed, the batch where to, and origin gives the file."""
    client = make_client(netlify.url + netlify.root, "Bearer jwt")
    missing = client.post("/verify", OBJECT)
    assert (missing.status_code, missing.json()["code"]) == (404, 404)
    assert missing.json()["msg"] == f"object {netlify.site}/{OID} not found"
    verify = client.one("upload")["actions"]["verify"]
    assert client.put().status_code == 200
    assert client.post("/verify", OBJECT).status_code == 200
    assert client.post(verify["href"], OBJECT, **verify["header"]).status_code == 200
    origin = client.session.get(f"{client.root}/origin/{OID}", headers=client.headers, timeout=10)
    assert origin.content == CONTENT


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", basic("jwt", "jwt")])
def test_large_media_wants_the_token_of_the_site(netlify, make_client, authorization):
    """Nothing is told to who is not logged in."""
    client = make_client(netlify.url + netlify.root, authorization)
    origin = client.session.get(f"{client.root}/origin/{OID}", headers=client.headers, timeout=10)
    answers = client.post("/verify", OBJECT), client.batch("upload", OBJECT), origin
    assert [each.status_code for each in answers] == [401, 401, 401]


# -- forges -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["github", "gitlab", "bitbucket"])
def test_token_of_a_forge_is_the_password(request, make_client, name):
    """At the clone address of a public repository everybody reads, and who may write uploads."""
    root = f"{request.getfixturevalue(name).url}/owner/site.git/info/lfs"
    found = {}
    for token in ("full", "reader", "wrong", None):
        client = make_client(root, basic("x-token-auth", token) if token else None)
        found[token] = [client.batch(each, OBJECT).status_code for each in ("download", "upload")]
    assert found == {"full": [200, 200], "reader": [200, 403], "wrong": [401, 401], None: [200, 401]}


@pytest.mark.parametrize("name", ["github", "gitlab", "bitbucket"])
def test_private_repository_is_hidden_from_strangers(request, make_client, site, name):
    """Nobody is asked for a credential, and a stranger is told that nothing is there."""
    site.private = True
    root = f"{request.getfixturevalue(name).url}/owner/site.git/info/lfs"
    answers = [make_client(root, basic("x-token-auth", "stranger")).batch("download", OBJECT)]
    answers.append(make_client(root).batch("download", OBJECT))
    assert [each.status_code for each in answers] == [404, 401]


@pytest.mark.parametrize("name", ["github", "gitlab", "bitbucket"])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_forge_keeps_objects_in_the_repository(request, make_client, site, bucket, name, elsewhere):
    """They are where git-lfs has them, whichever way they came."""
    simulator = request.getfixturevalue(name)
    if elsewhere:
        simulator.lfs.bucket = bucket
    client = make_client(f"{simulator.url}/owner/site.git/info/lfs", basic("x-token-auth", "full"))
    assert client.put().status_code == 200
    assert Objects.of_repository(site.path).read(OID) == CONTENT
    assert client.get(client.one("download")["actions"]["download"]).content == CONTENT
    assert bool(bucket.log) == elsewhere


def test_large_file_at_bitbucket_is_led_to(bitbucket, site, bucket):
    """The pointer of a file that is there leads to it, where no credential is wanted; another is given."""
    bitbucket.lfs.bucket = bucket
    missing = pointer_to(b"elsewhere")
    site.commit_files("main", {"here.png": pointer_to(CONTENT), "missing.png": missing})
    Objects.of_repository(site.path).add(CONTENT)
    source = f"{bitbucket.url}/2.0/repositories/owner/site/src/main/"
    headers = {"Authorization": "Bearer full"}
    led = requests.get(source + "here.png", headers=headers, timeout=10)
    assert (led.content, [each.status_code for each in led.history]) == (CONTENT, [302])
    assert requests.get(source + "missing.png", headers=headers, timeout=10).content == missing
    listed = requests.get(source, headers=headers, timeout=10).json()["values"]
    assert {each["path"]: each["size"] for each in listed if "lfs" in each["attributes"]} == {"here.png": 256}


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer full", 200),
        ("Bearer api", 401),
        (basic("x-token-auth", "api"), 401),
        (basic("owner@example.org", "api"), 401),
        (basic("x-bitbucket-api-token-auth", "api"), 200),
        (basic("owner", "api"), 200),
    ],
)
def test_token_for_bitbuckets_api_has_another_name(bitbucket, forge, make_client, authorization, status):
    """It goes with the user name or a fixed one, and not with the e-mail address, as for git."""
    forge.add_token("api", forge.users["owner"])
    bitbucket.api_tokens.add("api")
    client = make_client(f"{bitbucket.url}/owner/site/info/lfs", authorization)
    assert client.batch("upload", OBJECT).status_code == status


def test_verification_at_bitbucket_wants_the_credential_of_the_batch(bitbucket, make_client):
    """Its action has no header, other than that of the upload."""
    client = make_client(f"{bitbucket.url}/owner/site/info/lfs", "Bearer full")
    actions = client.one("upload")["actions"]
    assert sorted(actions["upload"]["header"]) == ["Authorization", "X-Client-ID"]
    assert list(actions["verify"]) == ["href"]
    client.put()
    assert client.post(actions["verify"]["href"], OBJECT).status_code == 200
    stranger = make_client("")
    assert stranger.post(actions["verify"]["href"], OBJECT).status_code == 401


@pytest.mark.parametrize(("asked", "large"), [("", False), ("&lfs=false", False), ("&lfs=true", True)])
def test_large_file_at_gitlab_is_given_where_asked_for(gitlab, site, asked, large):
    """Without asking it is the pointer that git has."""
    site.commit_files("main", {"here.png": pointer_to(CONTENT)})
    Objects.of_repository(site.path).add(CONTENT)
    url = f"{gitlab.url}/api/v4/projects/owner%2Fsite/repository/files/here.png/raw?ref=main{asked}"
    assert requests.get(url, timeout=10).content == (CONTENT if large else pointer_to(CONTENT))


def test_large_file_that_gitlab_has_not_is_not_found(gitlab, site):
    """A pointer to nothing is 404 for who asks for the file; a file that is no pointer is given."""
    site.commit_files("main", {"here.png": pointer_to(CONTENT)})
    files = f"{gitlab.url}/api/v4/projects/owner%2Fsite/repository/files"
    answers = [requests.get(f"{files}/{name}/raw?lfs=true", timeout=10) for name in ("here.png", "README.md")]
    assert [each.status_code for each in answers] == [404, 200]


def test_project_without_lfs_refuses_it_and_gives_pointers(gitlab, site, make_client):
    """Where LFS is switched off nothing is in it."""
    gitlab.project(site).lfs = False
    site.commit_files("main", {"here.png": pointer_to(CONTENT)})
    client = make_client(f"{gitlab.url}/owner/site.git/info/lfs", basic("oauth2", "full"))
    assert client.batch("download", OBJECT).status_code == 403
    url = f"{gitlab.url}/api/v4/projects/owner%2Fsite/repository/files/here.png/raw?lfs=true"
    assert requests.get(url, timeout=10).content == pointer_to(CONTENT)


def test_new_file_is_put_in_lfs_by_gitlab_itself(gitlab, site):
    """It does so to pointers too, which then point to pointers; updates are left as they are."""
    site.commit_files("main", {".gitattributes": ATTRIBUTES, "old.png": b"old"})

    def action(name: str, path: str, content: bytes) -> dict:
        text = base64.b64encode(content).decode()
        return {"action": name, "file_path": path, "content": text, "encoding": "base64"}

    pointer = pointer_to(CONTENT)
    actions = [action("create", "new.png", CONTENT), action("create", "double.png", pointer)]
    actions += [action("update", "old.png", pointer), action("create", "new.txt", CONTENT)]
    body = {"branch": "main", "commit_message": "Add", "actions": actions}
    url = f"{gitlab.url}/api/v4/projects/owner%2Fsite/repository/commits"
    answer = requests.post(url, json=body, headers={"Authorization": "Bearer full"}, timeout=10)
    assert answer.status_code == 201
    tree = site.git[site.head("main")].tree
    found = [tree[name].data for name in ("new.png", "double.png", "old.png", "new.txt")]
    assert found == [pointer, pointer_to(pointer), pointer, CONTENT]
    assert Objects.of_repository(site.path).read(OID) == CONTENT


def test_path_of_a_file_is_no_address_of_lfs(github, site):
    """What is asked of an interface is answered by it, whatever a file is called."""
    site.commit_files("main", {"a.git/info/lfs/b": b"text"})
    url = f"{github.url}/repos/owner/site/git/trees/main?recursive=1"
    assert "a.git/info/lfs/b" in {each["path"] for each in requests.get(url, timeout=10).json()["tree"]}
    content = f"{github.url}/repos/owner/site/contents/a.git/info/lfs/b"
    assert requests.get(content, timeout=10).json()["type"] == "file"


# -- git-lfs itself -----------------------------------------------------------------------------------


def has_git_lfs() -> bool:
    return shutil.which("git-lfs") is not None


needs_git_lfs = pytest.mark.skipif(not has_git_lfs(), reason="git-lfs is not installed")


class Stranger:
    """Runs git with git-lfs as somebody else's machine does, with a home of its own."""

    def __init__(self, home: Path) -> None:
        home.mkdir()
        outer = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        config = home / "config"
        self.environment = {
            **outer,
            "HOME": str(home),
            "GIT_CONFIG_GLOBAL": str(config),
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_LFS_SKIP_SMUDGE": "1",
        }
        config.write_text(
            "[user]\nname = Stranger\nemail = stranger@example.org\n"
            '[filter "lfs"]\nprocess = git-lfs filter-process\nrequired = true\n'
            "clean = git-lfs clean -- %f\nsmudge = git-lfs smudge -- %f\n"
            '[lfs]\nlocksverify = false\n[lfs "transfer"]\nmaxretries = 1\n'
        )

    def run(self, path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["git", "-C", str(path), *arguments]
        environment = self.environment
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    def __call__(self, path: Path, *arguments: str) -> str:
        done = self.run(path, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def stranger(tmp_path):
    return Stranger(tmp_path / "home")


@needs_git_lfs
@pytest.mark.parametrize(
    ("name", "elsewhere"),
    [
        ("github", True),
        pytest.param("gitlab", False, marks=pytest.mark.long),
        pytest.param("bitbucket", True, marks=pytest.mark.long),
    ],
)
def test_git_lfs_pushes_and_pulls(request, tmp_path, stranger, site, bucket, name, elsewhere):
    """What git-lfs pushed, a fresh clone pulls and finds whole."""
    simulator = request.getfixturevalue(name)
    if elsewhere:
        simulator.lfs.bucket = bucket
    url = simulator.url.replace("//", "//x-token-auth:full@") + "/owner/site.git/info/lfs"
    work, fresh = tmp_path / "work", tmp_path / "fresh"
    stranger(tmp_path, "clone", "-q", f"file://{site.path}", str(work))
    stranger(work, "lfs", "track", "*.png")
    (work / "large.png").write_bytes(CONTENT)
    stranger(work, "add", "--all")
    stranger(work, "commit", "-q", "-m", "Add")
    stranger(work, "-c", f"lfs.url={url}", "lfs", "push", "origin", "main")
    stranger(work, "push", "-q", "--no-verify", "origin", "main")
    assert Objects.of_repository(site.path).oids() == [OID]
    stranger(tmp_path, "clone", "-q", f"file://{site.path}", str(fresh))
    assert pointed_to((fresh / "large.png").read_bytes()) == (OID, 256)
    stranger(fresh, "-c", f"lfs.url={url}", "lfs", "pull")
    assert (fresh / "large.png").read_bytes() == CONTENT
    assert "fsck OK" in stranger(fresh, "lfs", "fsck")


@pytest.fixture
def cloned(tmp_path, stranger, site):
    """A clone of a repository with a large file, without the file."""
    site.commit_files("main", {".gitattributes": ATTRIBUTES, "large.png": pointer_to(CONTENT)})
    Objects.of_repository(site.path).add(CONTENT)
    stranger(tmp_path, "clone", "-q", f"file://{site.path}", str(tmp_path / "clone"))
    return tmp_path / "clone"


@needs_git_lfs
def test_git_lfs_takes_objects_from_the_folder_of_the_repository(stranger, cloned):
    """Without any server, for they lie where git-lfs looks."""
    stranger(cloned, "lfs", "pull")
    assert (cloned / "large.png").read_bytes() == CONTENT


@needs_git_lfs
def test_git_lfs_sends_the_header_of_an_origin_to_no_other(stranger, cloned, github, site, bucket):
    """A credential in a header is as good as one in the address, and does not come to the bucket."""
    github.lfs.bucket, site.private = bucket, True
    url = f"{github.url}/owner/site.git/info/lfs"
    header = f"http.{github.url}/.extraHeader=Authorization: {basic('x', 'full')}"
    stranger(cloned, "-c", f"lfs.url={url}", "-c", header, "lfs", "fetch")
    assert "fsck OK" in stranger(cloned, "lfs", "fsck")
    sent = [each.request_headers.get("Authorization") for each in (*github.log, *bucket.log)]
    assert sent == [basic("x", "full"), None]


@needs_git_lfs
def test_git_lfs_that_sends_a_header_everywhere_is_refused_by_the_bucket(stranger, cloned, github, bucket):
    """A header for all addresses leaks the credential, and the bucket says so."""
    github.lfs.bucket = bucket
    url = f"{github.url}/owner/site.git/info/lfs"
    header = f"http.extraHeader=Authorization: {basic('x', 'full')}"
    assert stranger.run(cloned, "-c", f"lfs.url={url}", "-c", header, "lfs", "fetch").returncode != 0
    assert {each.status for each in bucket.log} == {400}


@needs_git_lfs
def test_git_lfs_notices_other_bytes(stranger, cloned, github, site):
    """An object that is not what its name says is not taken."""
    Objects.of_repository(site.path).add(CONTENT[::-1], OID)
    url = github.url.replace("//", "//any:full@") + "/owner/site.git/info/lfs"
    refused = stranger.run(cloned, "-c", f"lfs.url={url}", "lfs", "fetch")
    assert refused.returncode != 0
    assert "expected OID" in refused.stderr
    assert Objects.of_repository(cloned / ".git").oids() == []


@needs_git_lfs
def test_git_lfs_finds_a_corrupt_object(stranger, cloned):
    """Its check names the file whose object was changed on the disk."""
    Objects.of_repository(cloned / ".git").add(CONTENT[::-1], OID)
    checked = stranger.run(cloned, "lfs", "fsck")
    assert (checked.returncode != 0, "large.png" in checked.stdout) == (True, True)


@needs_git_lfs
def test_git_lfs_is_told_that_a_reader_may_not_upload(tmp_path, stranger, cloned, github):
    """A token that may only read downloads, and is refused an upload."""
    url = github.url.replace("//", "//any:reader@") + "/owner/site.git/info/lfs"
    stranger(cloned, "-c", f"lfs.url={url}", "lfs", "fetch")
    (cloned / "more.png").write_bytes(b"more")
    stranger(cloned, "add", "--all")
    stranger(cloned, "commit", "-q", "-m", "Add")
    refused = stranger.run(cloned, "-c", f"lfs.url={url}", "lfs", "push", "origin", "main")
    assert (refused.returncode != 0, "read access only" in refused.stderr) == (True, True)
    assert json.loads(github.log[-1].response_bytes)["message"].startswith("You have read access only")


@needs_git_lfs
def test_pointer_is_what_git_lfs_writes(tmp_path, stranger):
    """Ours is the same to the byte."""
    (tmp_path / "file").write_bytes(CONTENT)
    stranger(tmp_path, "init", "-q")
    assert stranger(tmp_path, "lfs", "pointer", "--file=file").endswith(pointer_to(CONTENT).decode())
