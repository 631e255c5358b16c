"""A simulator of GoTrue, which is Netlify Identity::

with GoTrueSimulator() as identity:
    identity.add_user("ann@example.org", "secret", name="Ann", roles=["editor"])
    ...                               # ask identity.url + identity.root
"""

from __future__ import annotations

from simulators.gotrue.app import GoTrueSimulator, User

__all__ = ["GoTrueSimulator", "User"]
