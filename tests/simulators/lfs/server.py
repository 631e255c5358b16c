"""The batch protocol, for any simulator that wants to answer it at some address."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
from werkzeug import Request, Response

from simulators.lfs.bucket import Bucket
from simulators.lfs.objects import Objects
from simulators.lfs.transfers import Grant, Operation, TransferError, Transfers

__all__ = ["MEDIA_TYPE", "LFSError", "LargeFiles", "Place"]

MEDIA_TYPE: Final = "application/vnd.git-lfs+json"
MESSAGES: Final = {
    401: "Credentials needed",
    403: "You have read access only; uploads need write access.",
    404: "Not found",
}
OID: Final = re.compile(r"[0-9a-f]{64}")
TRANSFER: Final = re.compile(r"/objects/([0-9a-f]{64})(?:/\d+)?")
#: A client that follows an action may send its body in chunks or not.
FREE: Final = {"Transfer-Encoding"}


class LFSError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message or MESSAGES[status]

    def response(self) -> Response:
        headers = {"LFS-Authenticate": 'Basic realm="Git LFS"'} if self.status == 401 else {}
        body = {"message": self.message, "request_id": "simulator"}
        return Response(json.dumps(body), self.status, headers, content_type=MEDIA_TYPE)


@attrs.frozen
class Place:
    """One server of LFS: where it is, what it keeps, and who may do what."""

    #: The root, as it is put into the answers, without a slash at the end.
    url: str
    objects: Objects
    #: Takes a request and an operation; 200 where it is allowed, else the status that refuses it.
    authorize: Callable[[Request, Operation], int]
    #: Where objects are transferred when there is no bucket, the root when it is empty.
    transfer_url: str = ""


def basic(token: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'lfs:{token}'.encode()).decode()}"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def remote(token: str) -> dict[str, str]:
    return {"Authorization": f"RemoteAuth {token}"}


@attrs.define(eq=False, kw_only=True)
class LargeFiles(Transfers):
    """Answers the batch protocol and, without a bucket, transfers too; what is set holds for all places."""

    #: Where objects are transferred: another simulator, which has to be started by itself.
    bucket: Bucket | None = None
    #: Says what is told of a token; for the bucket None, as its addresses are signed.
    header: Callable[[str], dict[str, str]] = remote
    bucket_header: Callable[[str], dict[str, str]] | None = None
    upload_header: Mapping[str, str] = attrs.field(factory=dict)
    #: There is something to be called after an upload, with a header of its own or with the client's credential.
    verify: bool = True
    verify_header: bool = True
    verify_path: str = "/verify"
    #: The answers name the transfer, and say that no credential is needed.
    names_transfer: bool = True
    authenticated: bool = True
    #: More objects in one batch are too many.
    limit: int = 100
    #: Objects that are refused with an error of their own: code and message by oid, None for every.
    refused: dict[str | None, tuple[int, str]] = attrs.field(factory=dict)
    _grants: dict[str, Grant] = attrs.field(factory=dict, init=False)

    # -- answering --------------------------------------------------------------------------------

    def answer(self, request: Request, tail: str, place: Place) -> Response:
        """Answer a request for what is at *tail* below the root."""
        try:
            if request.method == "POST" and tail == "/objects/batch":
                return self._batch(request, place)
            if request.method == "POST" and tail == self.verify_path:
                return self._verify(request, place)
            if request.method in {"GET", "PUT"} and (found := TRANSFER.fullmatch(tail)):
                return self._transfer(request, found[1])
            raise LFSError(404)  # locks are there too, and no push is held up by that
        except LFSError as exc:
            return exc.response()

    def _batch(self, request: Request, place: Place) -> Response:
        asked = read(request)
        operation = asked.get("operation")
        if operation not in {"upload", "download"}:
            raise LFSError(422, f"The operation {operation!r} is neither upload nor download.")
        permit(place, request, operation)
        if asked.get("hash_algo", "sha256") != "sha256":
            raise LFSError(409, "The hash algorithm has to be sha256.")
        if "basic" not in asked.get("transfers", ["basic"]):
            raise LFSError(422, "The only transfer is basic.")
        objects = asked.get("objects")
        if not isinstance(objects, list) or not objects:
            raise LFSError(422, "There are no objects.")
        if len(objects) > self.limit:
            raise LFSError(413, f"There are {len(objects)} objects, which is more than {self.limit}.")
        answered = [self._object(each, operation, place) for each in objects]
        shown: dict[str, Any] = {"transfer": "basic"} if self.names_transfer else {}
        return answer({**shown, "objects": answered})

    def _object(self, asked: Any, operation: Operation, place: Place) -> dict[str, Any]:
        oid, size = named(asked)
        shown = {"oid": oid, "size": size}
        error = self._object_error(oid, size)
        if error is not None:
            return {**shown, "error": error}
        there = self.known(place.objects, oid)
        if operation == "upload" and there is not None:
            return shown
        if operation == "download" and there is None:
            return {**shown, "error": {"code": 404, "message": "Object does not exist"}}
        if self.authenticated:
            shown["authenticated"] = True
        actions = {operation: self._action(operation, oid, size, place)}
        if operation == "upload" and self.verify:
            actions["verify"] = self._verify_action(oid, size, place)
        return {**shown, "actions": actions}

    def _object_error(self, oid: Any, size: Any) -> dict[str, Any] | None:
        refused = self.refused.get(oid) or self.refused.get(None)
        if refused is not None:
            return {"code": refused[0], "message": refused[1]}
        if not isinstance(oid, str) or not OID.fullmatch(oid) or type(size) is not int or size < 0:
            return {"code": 422, "message": "An object is named by its sha256 and its size."}
        return None

    # -- actions ----------------------------------------------------------------------------------

    def _action(self, operation: Operation, oid: str, size: int, place: Place) -> dict[str, Any]:
        if self.bucket is None:
            more = self.upload_header if operation == "upload" else {}
            grant = self.grant(
                operation, place.objects, oid, size, lambda token: {**self.header(token), **more}
            )
            self._grants[grant.header["Authorization"]] = grant
            href = f"{place.transfer_url or place.url}/objects/{oid}" + f"/{size}" * (operation == "upload")
        elif self.bucket_header is None:
            grant = self.grant(operation, place.objects, oid, size)
            href = self.bucket.sign(grant, "large")
        else:
            grant = self.grant(operation, place.objects, oid, size, self.bucket_header)
            query = {"hashAlgorithm": "sha256"}
            href = self.bucket.address(grant, f"/{operation}/{grant.token[:32]}/binary", query)
        action: dict[str, Any] = {"href": href}
        if grant.header:
            action["header"] = dict(grant.header)
        if self.expires_in is not None:
            action["expires_in"] = self.expires_in
        return action

    def _verify_action(self, oid: str, size: int, place: Place) -> dict[str, Any]:
        grant = self.grant("upload", place.objects, oid, size, self.header)
        url = place.url + self.verify_path
        if self.verify_header:
            self._grants[grant.header["Authorization"]] = grant
            return {"href": url, "header": dict(grant.header)}
        self._grants[grant.token] = grant
        return {"href": f"{url}?upload_id={grant.token}"}

    def address(self, objects: Objects, oid: str, place: Place, name: str) -> str:
        """Give an address where anybody may download an object for a while."""
        grant = self.grant("download", objects, oid, objects.size(oid) or 0)
        query = {"token": grant.token, "client": "simulator", "dl": "1", "name": name}
        if self.bucket is not None:
            return self.bucket.address(grant, f"/file/{grant.token[:32]}/binary", query)
        self._grants[grant.token] = grant
        return f"{place.url}/objects/{oid}?token={grant.token}"

    def granted(self, request: Request) -> Grant | None:
        """Find what the credential of a request was granted for."""
        return self._grants.get(request.headers.get("Authorization", ""))

    # -- following them ---------------------------------------------------------------------------

    def _transfer(self, request: Request, oid: str) -> Response:
        key = request.args.get("token") or request.headers.get("Authorization", "")
        grant = self._grants.get(key)
        if grant is None or self.expired(grant):
            raise LFSError(401)
        if (grant.oid, grant.method) != (oid, request.method):
            raise LFSError(403, "This was not granted.")
        for name, value in grant.header.items():
            if name not in FREE and request.headers.get(name) != value:
                raise LFSError(400, f"The header {name} of the action was not sent.")
        try:
            if grant.operation == "download":
                return Response(self.download(grant), content_type="application/octet-stream")
            self.upload(grant, request.get_data())
        except TransferError as exc:
            raise LFSError(exc.status, exc.reason) from exc
        return Response(status=200, content_type="")

    def _verify(self, request: Request, place: Place) -> Response:
        oid, size = named(read(request))
        if self.verify_header:
            grant = self.granted(request)
            if grant is None:
                raise LFSError(401)
        else:
            permit(place, request, "upload")
            grant = self._grants.get(request.args.get("upload_id", ""))
        if grant is None or grant.oid != oid or self.known(place.objects, oid) != size:
            raise LFSError(404, f"The object {oid} of {size} bytes is not there.")
        return answer(None)


def read(request: Request) -> dict[str, Any]:
    """Read a request of the protocol, whose media type has to be asked for and told."""
    accepted = request.headers.get("Accept", "").split(",")
    if MEDIA_TYPE not in {each.partition(";")[0].strip() for each in accepted}:
        raise LFSError(406, f"The Accept header needs to be {MEDIA_TYPE}.")
    if request.mimetype != MEDIA_TYPE:
        raise LFSError(415, f"The Content-Type header needs to be {MEDIA_TYPE}.")
    try:
        asked = json.loads(request.get_data())
    except ValueError as exc:
        raise LFSError(422, "The body is no JSON.") from exc
    if not isinstance(asked, dict):
        raise LFSError(422, "The body is no object.")
    return asked


def named(asked: Any) -> tuple[Any, Any]:
    return (asked.get("oid"), asked.get("size")) if isinstance(asked, dict) else (None, None)


def permit(place: Place, request: Request, operation: Operation) -> None:
    status = place.authorize(request, operation)
    if status != 200:
        raise LFSError(status)


def answer(data: Any) -> Response:
    return Response(json.dumps(data), content_type=MEDIA_TYPE)
