"""What a site says about its repository on {{ cookiecutter.service }}."""

from __future__ import annotations

import attrs
from copydesk import BackendOptions

__all__ = ["{{ cookiecutter.__class }}Options"]


@attrs.frozen(kw_only=True)
class {{ cookiecutter.__class }}Options(BackendOptions):
    """The keys of the ``backend:`` section; each has a help text, which users are shown."""

    repo: str = attrs.field(metadata={"help": "the repository, as 'owner/name'"})
    api_root: str = attrs.field(
        default="https://{{ cookiecutter.name | replace('_', '-') }}.example/api/v1",
        metadata={"help": "address of the API"},
    )
