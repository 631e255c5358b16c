"""The options of a backend: one attrs class each, with a help text for every field.

Names and defaults are those of the CMS's ``backend:`` section, so that an existing ``config.yml`` works as it
is. The classes of the CMS's own backends are here and not in their plugins, because the file is one contract
and is checked whole, also where a plugin is not installed. Other plugins bring a subclass of their own.
"""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import attrs

from copydesk.errors import ConfigError

__all__ = [
    "BackendOptions",
    "BitbucketOptions",
    "ForgeOptions",
    "GitGatewayOptions",
    "GitHubOptions",
    "GitLabOptions",
    "GiteaOptions",
    "build_options",
]

log = logging.getLogger(__name__)

#: What the `backend:` section of any CMS of this family may hold.
CMS_KEYS: Final = frozenset(
    [
        "name",
        "repo",
        "branch",
        "api_root",
        "graphql_api_root",
        "use_graphql",
        "site_domain",
        "base_url",
        "auth_endpoint",
        "auth_token_endpoint",
        "auth_type",
        "app_id",
        "auth_scope",
        "tenant_id",
        "api_version",
        "cms_label_prefix",
        "squash_merges",
        "open_authoring",
        "always_fork",
        "preview_context",
        "commit_messages",
        "identity_url",
        "gateway_url",
        "large_media_url",
        "use_large_media_transforms_in_media_library",
        "signoff_commits",
        "status_endpoint",
        "proxy_url",
        "site_id",
        "site_url",
        "use_oidc",
        "email_claim",
        "full_name_claim",
    ]
)
#: Those that mean the same on every forge, and so are kept when another backend is asked for.
NEUTRAL_KEYS: Final = frozenset(
    {
        "branch",
        "cache",
        "cms_label_prefix",
        "squash_merges",
        "preview_context",
        "commit_messages",
        "open_authoring",
    }
)
#: Texts that stand for true and false where a command line or a form gives them, as YAML has them.
_WORDS: Final = {
    **dict.fromkeys(("true", "on", "yes"), True),
    **dict.fromkeys(("false", "off", "no"), False),
}

Checker = Callable[[object, "attrs.Attribute[Any]", Any], None]


def _wrong(attribute: attrs.Attribute[Any], expected: str, value: object) -> ConfigError:
    return ConfigError(
        f"the option {attribute.name!r} must be {expected}, not {_kind(value)}", key=attribute.name
    )


def _kind(value: object) -> str:
    # The type and not the value: a secret may stand in the wrong place.
    names = {"NoneType": "empty", "str": "another text", "dict": "a mapping", "list": "a list"}
    return names.get(type(value).__name__, f"a {type(value).__name__}")


def text(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Require a text of one line."""
    if not isinstance(value, str):
        raise _wrong(attribute, "a text", value)
    if any(character in value for character in "\r\n\0"):
        raise _wrong(attribute, "a text of one line", value)


def flag(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Require true or false."""
    if not isinstance(value, bool):
        raise _wrong(attribute, "true or false", value)


def one_of(*choices: str) -> Checker:
    """Require one of some words."""

    def check(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if value not in choices:
            if choices == ("",):
                raise _wrong(attribute, "left out (the popup login is the only one)", value)
            named = ", ".join(repr(choice) for choice in choices if choice)
            raise _wrong(attribute, f"one of {named}", value)

    return check


def root(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Require an https address without query; http only to this machine itself."""
    text(_, attribute, value)
    try:
        parts = urlsplit(str(value))
        host = parts.hostname or ""
        _ = parts.port  # raises where it is none
    except ValueError:
        raise _wrong(attribute, "an address like 'https://example.org'", value) from None
    if parts.scheme not in {"http", "https"} or not host or re.search(r"[\s?#]", str(value)):
        raise _wrong(attribute, "an address like 'https://example.org'", value)
    if parts.username is not None or parts.password is not None:
        raise _wrong(attribute, "an address without user and password", value)
    if parts.scheme == "http" and not (host in {"localhost", "::1"} or re.fullmatch(r"127(\.\d+){3}", host)):
        raise _wrong(attribute, "an https address (http is for this machine only)", value)


def repo_name(*, nested: bool) -> Checker:
    """Require ``owner/name``, or with *nested* also groups between them."""
    shape = re.compile(r"[^/\s?#]+(/[^/\s?#]+)+" if nested else r"[^/\s?#]+/[^/\s?#]+")
    example = "'group/subgroup/name'" if nested else "'owner/name'"

    def check(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if not isinstance(value, str) or not shape.fullmatch(value) or {".", ".."} & set(value.split("/")):
            raise _wrong(attribute, f"a repository like {example}", value)

    return check


def _label_prefix(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    text(_, attribute, value)
    if not value:
        raise _wrong(attribute, "a text that is not empty", value)


MESSAGE_KINDS: Final = ("create", "update", "delete", "uploadMedia", "deleteMedia", "openAuthoring")


def _messages(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, Mapping):
        raise _wrong(attribute, "a mapping", value)
    for kind, template in value.items():
        if kind not in MESSAGE_KINDS:
            raise ConfigError(
                f"{attribute.name!r} has no template {kind!r} (known: {', '.join(MESSAGE_KINDS)})",
                key=attribute.name,
            )
        if not isinstance(template, str):
            raise _wrong(attribute, f"texts, {kind!r} too", template)


def _stripped(value: object) -> Any:
    return value.strip() if isinstance(value, str) else value


def _bare_root(value: object) -> Any:
    return value.strip().rstrip("/") if isinstance(value, str) else value


def _bare_path(value: object) -> Any:
    return value.strip().strip("/") if isinstance(value, str) else value


def help_text(words: str) -> dict[str, str]:
    """Give the metadata of an option: every option has a help text."""
    return {"help": words}


@attrs.frozen(kw_only=True)
class BackendOptions:
    """What every backend can be told; a plugin's option class is a subclass."""

    branch: str = attrs.field(
        default="",
        converter=_stripped,
        validator=text,
        metadata=help_text("branch that holds the published content; default: the repository's own"),
    )
    cms_label_prefix: str = attrs.field(
        default="netlify-cms/",
        validator=_label_prefix,
        metadata=help_text("what status labels of new pull requests begin with"),
    )
    squash_merges: bool = attrs.field(
        default=False, validator=flag, metadata=help_text("publish by one squashed commit, not by a merge")
    )
    preview_context: str = attrs.field(
        default="", validator=text, metadata=help_text("name of the check that holds the deploy preview")
    )
    commit_messages: Mapping[str, str] = attrs.field(
        factory=dict,
        validator=_messages,
        metadata=help_text("templates: create, update, delete, uploadMedia, deleteMedia"),
    )
    cache: bool = attrs.field(
        default=True,
        validator=flag,
        metadata=help_text("keep what was read on this computer, for the next time"),
    )

    @property
    def lfs_address(self) -> str:
        """Where large files are, if the configuration says so."""
        return ""

    @property
    def login_root(self) -> str:
        """The address that a login is kept for; here ``api_root``, if there is one."""
        return str(getattr(self, "api_root", ""))


def _optional_root(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value != "":
        root(_, attribute, value)


@attrs.frozen(kw_only=True)
class ForgeOptions(BackendOptions):
    """What the backends of hosted forges have in common."""

    repo: str = attrs.field(
        converter=_stripped,
        validator=repo_name(nested=False),
        metadata=help_text("the repository, as 'owner/name'"),
    )
    api_root: str = attrs.field(
        converter=_bare_root, validator=root, metadata=help_text("address of the REST API")
    )
    large_media_url: str = attrs.field(
        default="",
        converter=_bare_root,
        validator=_optional_root,
        metadata=help_text("address of the LFS server; default: lfs.url in .lfsconfig, then the forge's own"),
    )
    site_domain: str = attrs.field(
        default="cms.netlify.com",
        converter=_stripped,
        validator=text,
        metadata=help_text("host name of the site, sent as site_id in the popup login"),
    )
    auth_type: str = attrs.field(
        default="", validator=one_of(""), metadata=help_text("way to log in; empty: popup")
    )
    app_id: str = attrs.field(
        default="", validator=text, metadata=help_text("client id of the OAuth application")
    )
    base_url: str = attrs.field(
        default="https://api.netlify.com",
        converter=_bare_root,
        validator=root,
        metadata=help_text("address of the login server"),
    )
    auth_endpoint: str = attrs.field(
        default="auth",
        converter=_bare_path,
        validator=text,
        metadata=help_text("path below base_url where the login begins"),
    )

    @property
    def lfs_address(self) -> str:
        return self.large_media_url

    @property
    def authorize_url(self) -> str:
        """Where the login begins."""
        return f"{self.base_url}/{self.auth_endpoint}"


@attrs.frozen(kw_only=True)
class GitHubOptions(ForgeOptions):
    """Options of the ``github`` backend."""

    api_root: str = attrs.field(
        default="https://api.github.com",
        converter=_bare_root,
        validator=root,
        metadata=help_text("address of the REST API; Enterprise: https://HOST/api/v3"),
    )
    auth_scope: str = attrs.field(
        default="repo",
        validator=one_of("repo", "public_repo"),
        metadata=help_text("what the login asks for"),
    )
    use_graphql: bool = attrs.field(
        default=True, validator=flag, metadata=help_text("use GraphQL where it saves requests")
    )


@attrs.frozen(kw_only=True)
class GitLabOptions(ForgeOptions):
    """Options of the ``gitlab`` backend."""

    repo: str = attrs.field(
        converter=_stripped,
        validator=repo_name(nested=True),
        metadata=help_text("the project with its groups, as 'group/subgroup/name'"),
    )
    api_root: str = attrs.field(
        default="https://gitlab.com/api/v4",
        converter=_bare_root,
        validator=root,
        metadata=help_text("address of the REST API"),
    )
    graphql_api_root: str = attrs.field(
        # On the same server: the credential goes there. What is no text is refused after this.
        default=attrs.Factory(
            lambda self: f"{str(self.api_root).removesuffix('/v4')}/graphql", takes_self=True
        ),
        converter=_bare_root,
        validator=root,
        metadata=help_text("address of the GraphQL API; default: beside api_root"),
    )
    use_graphql: bool = attrs.field(
        default=True, validator=flag, metadata=help_text("read through GraphQL where it saves requests")
    )
    auth_type: str = attrs.field(
        default="",
        validator=one_of("", "pkce", "implicit"),
        metadata=help_text("way to log in; empty: popup"),
    )
    base_url: str = attrs.field(
        default=attrs.Factory(
            lambda self: "https://gitlab.com" if self.auth_type else "https://api.netlify.com",
            takes_self=True,
        ),
        converter=_bare_root,
        validator=root,
        metadata=help_text("address of the login server"),
    )
    auth_endpoint: str = attrs.field(
        default=attrs.Factory(lambda self: "oauth/authorize" if self.auth_type else "auth", takes_self=True),
        converter=_bare_path,
        validator=text,
        metadata=help_text("path below base_url where the login begins"),
    )


@attrs.frozen(kw_only=True)
class BitbucketOptions(ForgeOptions):
    """Options of the ``bitbucket`` backend."""

    api_root: str = attrs.field(
        default="https://api.bitbucket.org/2.0",
        converter=_bare_root,
        validator=root,
        metadata=help_text("address of the REST API"),
    )
    auth_type: str = attrs.field(
        default="", validator=one_of("", "implicit"), metadata=help_text("way to log in; empty: popup")
    )
    base_url: str = attrs.field(
        default=attrs.Factory(
            lambda self: "https://bitbucket.org" if self.auth_type else "https://api.netlify.com",
            takes_self=True,
        ),
        converter=_bare_root,
        validator=root,
        metadata=help_text("address of the login server"),
    )
    auth_endpoint: str = attrs.field(
        default=attrs.Factory(
            lambda self: "site/oauth2/authorize" if self.auth_type else "auth", takes_self=True
        ),
        converter=_bare_path,
        validator=text,
        metadata=help_text("path below base_url where the login begins"),
    )


@attrs.frozen(kw_only=True)
class GiteaOptions(ForgeOptions):
    """Options of the ``gitea`` backend, which is Forgejo's too."""

    api_root: str = attrs.field(
        default="https://try.gitea.io/api/v1",
        converter=_bare_root,
        validator=root,
        metadata=help_text("address of the REST API; Codeberg: https://codeberg.org/api/v1"),
    )
    auth_type: str = attrs.field(
        default="", validator=one_of("", "pkce"), metadata=help_text("way to log in; empty: pkce")
    )
    base_url: str = attrs.field(
        # The instance's own: what logs in elsewhere gets no token for it. What is no text is refused after this.
        default=attrs.Factory(lambda self: str(self.api_root).removesuffix("/api/v1"), takes_self=True),
        converter=_bare_root,
        validator=root,
        metadata=help_text("address of the login server; default: that of api_root"),
    )
    auth_endpoint: str = attrs.field(
        default="login/oauth/authorize",
        converter=_bare_path,
        validator=text,
        metadata=help_text("path below base_url where the login begins"),
    )


def _site_path(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Require an address, or a path on the site like ``/.netlify/git``."""
    text(_, attribute, value)
    if not str(value).startswith("/"):
        root(_, attribute, value)
    elif re.search(r"[\s?#]", str(value)) or str(value).startswith("//"):
        raise _wrong(attribute, "a path on the site like '/.netlify/git', or an https address", value)


@attrs.frozen(kw_only=True)
class GitGatewayOptions(BackendOptions):
    """Options of the ``git-gateway`` backend; it has no ``repo``, the gateway knows its own.

    The addresses of identity server, gateway and large media may be paths on the site; :meth:`address` gives them
    whole.
    """

    branch: str = attrs.field(
        default="master",
        converter=_stripped,
        validator=text,
        metadata=help_text("branch that holds the published content; a gateway does not tell"),
    )
    site_url: str = attrs.field(
        default="",
        converter=_bare_root,
        validator=_optional_root,
        metadata=help_text("address of the site, needed where the others are paths on it"),
    )
    identity_url: str = attrs.field(
        default="/.netlify/identity",
        converter=_bare_root,
        validator=_site_path,
        metadata=help_text("address of the identity server (GoTrue)"),
    )
    gateway_url: str = attrs.field(
        default="/.netlify/git",
        converter=_bare_root,
        validator=_site_path,
        metadata=help_text("address of the gateway; one that ends in /github or /gitlab names the forge"),
    )
    large_media_url: str = attrs.field(
        default="/.netlify/large-media",
        converter=_bare_root,
        validator=_site_path,
        metadata=help_text("address of the LFS server"),
    )
    auth_type: str = attrs.field(
        default="",
        validator=one_of("", "pkce"),
        metadata=help_text("way to log in; empty: e-mail and password at identity_url"),
    )
    app_id: str = attrs.field(
        default="", validator=text, metadata=help_text("pkce: client id at the login server")
    )
    base_url: str = attrs.field(
        default="",
        converter=_bare_root,
        validator=_optional_root,
        metadata=help_text("pkce: address of the login server"),
    )
    auth_endpoint: str = attrs.field(
        default="oauth2/authorize",
        converter=_bare_path,
        validator=text,
        metadata=help_text("pkce: path below base_url where the login begins"),
    )
    auth_token_endpoint: str = attrs.field(
        default="oauth2/token",
        converter=_bare_path,
        validator=text,
        metadata=help_text("pkce: path below base_url where a code becomes a token"),
    )
    auth_scope: str = attrs.field(
        default="openid email", validator=text, metadata=help_text("pkce: what the login asks for")
    )
    use_oidc: bool = attrs.field(
        default=False,
        validator=flag,
        metadata=help_text("pkce: ask base_url for its endpoints (OpenID Connect)"),
    )
    email_claim: str = attrs.field(
        default="email",
        validator=text,
        metadata=help_text("claim of the token that holds the e-mail address"),
    )
    full_name_claim: str = attrs.field(
        default="",
        validator=text,
        metadata=help_text("claim with the name; empty: 'name', or GoTrue's full_name"),
    )

    def __attrs_post_init__(self) -> None:
        for name in ("gateway_url",) if self.auth_type else ("identity_url", "gateway_url"):
            self.address(name)
        if self.auth_type and not self.base_url:
            raise ConfigError(
                "auth_type 'pkce' needs 'base_url', the address of the login server", key="base_url"
            )

    @property
    def lfs_address(self) -> str:
        """Where large files are; "" where that is a path on a site that nobody named."""
        return (
            ""
            if self.large_media_url.startswith("/") and not self.site_url
            else self.address("large_media_url")
        )

    @property
    def login_root(self) -> str:
        return self.address("gateway_url")

    def address(self, name: str) -> str:
        """Give one of the addresses whole, by the name of its option.

        :raises ConfigError: it is a path on the site, and nobody said where the site is.
        """
        value: str = getattr(self, name)
        if value.startswith("/") and not self.site_url:
            raise ConfigError(
                f"{name!r} is a path on the site ({value}), so 'site_url' is needed, such as "
                f"'https://www.example.org'; or give {name!r} whole",
                key="site_url",
            )
        return f"{self.site_url}{value}" if value.startswith("/") else value


AnyOptions = TypeVar("AnyOptions", bound=BackendOptions)


def build_options(backend: str, options: type[AnyOptions], values: Mapping[str, Any]) -> AnyOptions:
    """Check *values* against the option class of *backend*.

    Keys that another CMS backend knows are left out with a warning in the log. What is true or false may be a text
    such as ``off``, which is all that a command line can give.

    :raises ConfigError: an unknown key (the nearest known one is named), a missing one, a wrong value.
    """
    fields = {field.name: field for field in attrs.fields(options)}
    if values.get("open_authoring"):
        raise ConfigError(
            "open_authoring is not supported yet: it would write to the original repository; remove it",
            key="open_authoring",
        )
    for key in values:
        if key not in fields:
            _check_foreign_key(backend, key, fields)
    for name, field in fields.items():
        if field.default is attrs.NOTHING and name not in values:
            raise ConfigError(f"the {backend} backend needs {name!r}: {field.metadata['help']}", key=name)
    return options(**{key: _truth(fields[key], value) for key, value in values.items() if key in fields})


def _truth(field: attrs.Attribute[Any], value: Any) -> Any:
    if field.type not in {bool, "bool"} or not isinstance(value, str):
        return value
    return _WORDS.get(value.strip().lower(), value)


def _check_foreign_key(backend: str, key: str, fields: Mapping[str, object]) -> None:
    if key in {"name", "open_authoring"}:
        return
    if key in CMS_KEYS:
        log.warning("the %s backend does not use the option %r; it is ignored", backend, key)
        return
    known = sorted({*fields, *CMS_KEYS})
    close = difflib.get_close_matches(key, known, n=1)
    remedy = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(fields))}"
    raise ConfigError(f"the {backend} backend has no option {key!r}; {remedy}", key=key)
