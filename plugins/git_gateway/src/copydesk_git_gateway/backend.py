"""What a gateway adds to the backend of the forge behind it: who edits, and in whose name commits are made."""

from __future__ import annotations

import attrs
from copydesk import hookimpl
from copydesk.auth import CredentialSource, GoTrue
from copydesk.errors import NotFoundError
from copydesk.hookspecs import BackendHooks
from copydesk.http import HttpClient
from copydesk.models import Access, Commit, NewCommit, RepositoryInfo, User
from copydesk.options import GitGatewayOptions
from copydesk.snapshot import Tree

from copydesk_git_gateway import api

__all__ = ["GitGatewayBackend"]


@attrs.define(eq=False)
class GitGatewayBackend:
    """Answers before the backend of the forge, and leaves to it all that is the forge's.

    :param client: of the repository behind the gateway.
    :param forge: the backend behind it.
    :param source: gives the editor's token.
    :param identity: the server that knows the editor; None where the login is another's.
    """

    client: HttpClient
    forge: BackendHooks
    options: GitGatewayOptions
    settings: api.Settings
    source: CredentialSource
    identity: GoTrue | None
    _user: User | None = None

    def editor(self) -> api.Editor:
        """Read who edits off the token."""
        known = self.options
        return api.read_editor(self.source.current(), known.email_claim, known.full_name_claim)

    @hookimpl
    def authenticate(self) -> Access:
        """Cost one request; one more where the token does not tell whose it is."""
        branch = self.options.branch
        answer = self.client.send(api.ask_branch(self.settings.forge, branch), allow={404})
        if answer.status == 404:
            raise NotFoundError(
                f"there is no branch {branch!r} behind the gateway; 'branch' names the one that holds the "
                "published content"
            )
        return Access(self._author())

    @hookimpl
    def get_repository(self) -> RepositoryInfo:
        """Cost nothing: a gateway does not tell, and the configuration does."""
        known = self.options
        return RepositoryInfo(
            name=known.site_url or self.client.root,
            default_branch=known.branch,
            web_url=known.site_url or None,
            lfs_url=known.lfs_address or None,
        )

    @hookimpl
    def commit_changes(self, commit: NewCommit, tree: Tree) -> Commit:
        """Commit as the forge does, with the editor for the author.

        The committer is the account of the gateway's token; GitHub puts the author there too (Create a commit).
        """
        signed = commit if commit.author else attrs.evolve(commit, author=self._author())
        return self.forge.commit_changes(commit=signed, tree=tree)

    def _author(self) -> User | None:
        """Tell who edits: by the token, else by the identity server, asked once."""
        user = self.editor().user
        if user is None and self._user is None and self.identity is not None:
            self._user = self.identity.user(self.source.current())
        return user or self._user
