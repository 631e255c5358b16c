"""Where objects are kept: another origin, with addresses that are signed."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from copydesk.testing import ServerSimulator
from werkzeug import Request, Response

from simulators.lfs.transfers import Grant, TransferError

__all__ = ["Bucket"]

Address = tuple[str, frozenset[tuple[str, str]]]


class Bucket(ServerSimulator):
    """A bucket as S3 has it: who was given an address needs no credential, and must not send one.

    Where headers were given they have to be sent, and nothing else counts as a credential.
    """

    def __init__(self) -> None:
        super().__init__()
        self._grants: dict[Address, Grant] = {}

    def address(self, grant: Grant, path: str, query: Mapping[str, str]) -> str:
        """Give the address where a grant is good."""
        self._grants[path, frozenset(query.items())] = grant
        return f"{self.url}{path}?{urlencode(query)}"

    def sign(self, grant: Grant, folder: str) -> str:
        """Give an address that is signed."""
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": "simulator/20260101/us-east-1/s3/aws4_request",
            "X-Amz-Date": "20260101T000000Z",
            "X-Amz-Expires": str(grant.transfers.expires_in or 900),
            "X-Amz-Signature": grant.token,
            "X-Amz-SignedHeaders": "host",
        }
        return self.address(grant, f"/{folder}/{grant.oid}", query)

    def respond(self, request: Request) -> Response:
        grant = self._grants.get((request.path, frozenset(request.args.items())))
        if grant is None or grant.method != request.method:
            return problem(403, "SignatureDoesNotMatch")
        return _refused(request, grant) or _transferred(request, grant)


def _refused(request: Request, grant: Grant) -> Response | None:
    authorization = request.headers.get("Authorization")
    if authorization is not None and authorization != grant.header.get("Authorization"):
        return problem(400, "InvalidArgument", "Only one auth mechanism allowed")
    if any(request.headers.get(name) != value for name, value in grant.header.items()):
        return problem(403, "AccessDenied")
    if grant.transfers.expired(grant):
        return problem(403, "AccessDenied", "Request has expired")
    return None


def _transferred(request: Request, grant: Grant) -> Response:
    try:
        if grant.operation == "download":
            return Response(grant.transfers.download(grant), content_type="application/octet-stream")
        grant.transfers.upload(grant, request.get_data())
    except TransferError as exc:
        # A bucket says that what was sent is not what was signed in another way than a forge.
        return problem(400 if exc.status == 422 else exc.status, "TransferFailed", exc.reason)
    return Response(status=200, content_type="")


def problem(status: int, code: str, message: str = "") -> Response:
    body = f'<?xml version="1.0"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Response(body, status, content_type="application/xml")
