"""``python -m copydesk``: the command."""

from __future__ import annotations

from copydesk.cli import main

main()
