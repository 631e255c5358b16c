"""What each side has to be able to do, and the work that all of them do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

import attrs

from benchmarks.requests.sites import PNG, Status, path_of

__all__ = ["LOAD", "RELOAD", "WORK", "Editor", "Step"]


class Editor(Protocol):
    """Somebody who edits one site, who has signed in, and who keeps what it saw as its own code does."""

    #: Seconds that it should have waited between its requests so far, and did not.
    waited: float = 0.0

    def load(self) -> Mapping[str, bytes] | None:
        """Give every file of the site; None where it is refused before the first of them is asked for."""

    def drafts(self) -> Mapping[str, str]:
        """Give slug and status of all drafts, having seen which files they change."""

    def look(self) -> None:
        """Get to know the base branch as it is now."""

    def create(self, slug: str, files: Mapping[str, bytes]) -> None: ...

    def update(self, slug: str, files: Mapping[str, bytes]) -> None: ...

    def set_status(self, slug: str, status: Status) -> None: ...

    def publish(self, slug: str) -> None: ...

    def discard(self, slug: str) -> None: ...

    def close(self) -> None: ...


@attrs.frozen
class Step:
    """Something that is counted and timed, after what is not."""

    name: str
    act: Callable[[Editor], object]
    prepare: Callable[[Editor], object] = lambda _: None


#: The steps that read a whole site; the second one finds it unchanged.
LOAD: Final = Step("cold load of {} files", lambda editor: editor.load())
RELOAD: Final = Step("load the {} files again, unchanged", lambda editor: editor.load())

_TEXT, _PHOTO = path_of("new"), path_of("photo")
_IMAGE: Final = "static/img/photo.png"

WORK: Final = (
    Step("list 20 drafts", lambda editor: editor.drafts(), lambda editor: editor.look()),
    Step(
        "create a draft", lambda editor: editor.create("new", {_TEXT: b"# New\n"}), lambda each: each.look()
    ),
    Step(
        "create a draft with an image",
        lambda editor: editor.create("photo", {_PHOTO: b"# Photo\n", _IMAGE: PNG}),
    ),
    Step("update the draft", lambda editor: editor.update("new", {_TEXT: b"# Newer\n"})),
    Step("update the text beside the image", lambda editor: editor.update("photo", {_PHOTO: b"# A photo\n"})),
    Step("change its status, by a new label", lambda editor: editor.set_status("new", "pending_review")),
    Step(
        "change its status",
        lambda editor: editor.set_status("new", "pending_review"),
        lambda editor: editor.set_status("new", "pending_publish"),
    ),
    Step(
        "publish it",
        lambda editor: editor.publish("new"),
        lambda editor: editor.set_status("new", "pending_publish"),
    ),
    Step("discard the other draft", lambda editor: editor.discard("photo")),
)
