"""A real headless Chromium, for the pages that people log in on.

The fixture ``browser`` gives it in a fresh state. One runs per process of the tests, in a profile of its own, and
reaches the loopback address alone. Where Chromium or its driver is absent, the test is skipped and says so.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

__all__ = ["Browser", "browser", "chromium"]

CHROMIUM: Final = "chromium"
DRIVER: Final = "/usr/bin/chromedriver"
#: Seconds that a page may take.
PATIENCE: Final = 10.0
#: Chromium counts microseconds since 1601.
_EPOCH: Final = 11_644_473_600
_ARGUMENTS: Final = (
    "--headless=new",
    "--window-size=1000,700",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE [::1], EXCLUDE localhost",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-sync",
    "--password-store=basic",
)


@attrs.define(eq=False)
class Browser:
    """Chromium with one profile folder, and where it shows things.

    :ivar driver: what selenium gives, for everything that has no method here.
    """

    profile: Path
    screenshots: Path
    driver: Any = attrs.field(default=None, repr=False)
    _since: float = 0.0

    # -- life -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start Chromium, or raise what selenium raises."""
        # It is imported where a browser is wanted: that takes a third of a second.
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which(CHROMIUM) or CHROMIUM
        for argument in (*_ARGUMENTS, f"--user-data-dir={self.profile}"):
            options.add_argument(argument)
        if os.geteuid() == 0:
            options.add_argument("--no-sandbox")  # which root cannot have
        # A connection that is opened in advance keeps a server that stops waiting for a second.
        options.add_experimental_option("prefs", {"net.network_prediction_options": 2})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        with pytest.MonkeyPatch.context() as patch:
            for name in ("no_proxy", "NO_PROXY"):  # from selenium to the driver
                patch.setenv(name, "localhost,127.0.0.1")
            self.driver = webdriver.Chrome(options=options, service=Service(executable_path=DRIVER))

    def stop(self) -> None:
        """End Chromium, which writes its history down; harmless when it does not run."""
        if self.driver is not None:
            self.driver.quit()
            self.driver = None

    def reset(self) -> None:
        """Forget windows, cookies, storage, cache, history and console."""
        driver = self.driver
        driver.switch_to.window(driver.window_handles[0])  # the one that was looked at may be closed
        driver.switch_to.new_window("tab")  # with a history and a session storage of its own
        kept = driver.current_window_handle
        for handle in driver.window_handles:
            if handle != kept:
                driver.switch_to.window(handle)
                driver.close()
        driver.switch_to.window(kept)
        for command in ("Network.clearBrowserCookies", "Network.clearBrowserCache"):
            driver.execute_cdp_cmd(command, {})
        driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": "all"})
        driver.get_log("browser")  # which empties it
        self._since = time.time()

    # -- doing ------------------------------------------------------------------------------------

    def open(self, url: str) -> None:
        """Go to an address in the window that is looked at, and wait until it is loaded."""
        self.driver.get(url)

    def press(self, element: str) -> None:
        """Press what has that id, as a person does; the window may close by that."""
        from selenium.common.exceptions import NoSuchWindowException

        found = self._find(element)
        with contextlib.suppress(NoSuchWindowException):
            found.click()

    def type(self, element: str, text: str) -> None:
        """Replace the text of the field that has that id."""
        field = self._find(element)
        field.clear()
        field.send_keys(text)

    def _find(self, element: str) -> Any:
        from selenium.webdriver.common.by import By

        return self.wait_for(
            lambda: next(iter(self.driver.find_elements(By.ID, element)), None), f"an element {element!r}"
        )

    # -- looking ----------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The address of the window that is looked at."""
        return str(self.driver.current_url)

    @property
    def text(self) -> str:
        """What its page says."""
        return str(self.driver.execute_script("return document.body ? document.body.innerText : ''"))

    def text_of(self, element: str) -> str:
        """What the element with that id says."""
        return str(self._find(element).text)

    def has(self, element: str) -> bool:
        """Say whether there is an element with that id now."""
        return bool(
            self.driver.execute_script("return document.getElementById(arguments[0]) !== null", element)
        )

    def wait_for(self, condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
        """Give the first true value of a condition, or fail and show the page."""
        from selenium.common.exceptions import (
            NoSuchWindowException,
            StaleElementReferenceException,
            TimeoutException,
        )
        from selenium.webdriver.support.wait import WebDriverWait

        passing = (StaleElementReferenceException, NoSuchWindowException)
        try:
            waiting = WebDriverWait(self.driver, seconds, 0.02, ignored_exceptions=passing)
            return waiting.until(lambda _: condition())
        except TimeoutException:
            told = f"no {what} in {seconds} s at {self.url}:\n{self.text}\n" + "\n".join(self.console())
        raise AssertionError(told)

    def wait_for_text(self, text: str, seconds: float = PATIENCE) -> None:
        """Wait until the page says something."""
        self.wait_for(lambda: text in self.text, f"text {text!r}", seconds)

    def wait_for_url(self, beginning: str, seconds: float = PATIENCE) -> str:
        """Wait until the address begins so, and give it."""
        return str(
            self.wait_for(
                lambda: self.url.startswith(beginning) and self.url, f"address {beginning}", seconds
            )
        )

    # -- windows ----------------------------------------------------------------------------------

    @property
    def windows(self) -> tuple[str, ...]:
        """The open windows, the oldest first."""
        return tuple(self.driver.window_handles)

    @property
    def window(self) -> str:
        """The window that is looked at."""
        return str(self.driver.current_window_handle)

    def switch(self, window: str) -> None:
        """Look at a window."""
        self.driver.switch_to.window(window)

    def switch_to_popup(self) -> str:
        """Look at the one window besides this one when it is there; give this one, to come back to."""
        here = self.window
        others = self.wait_for(lambda: [each for each in self.windows if each != here], "other window")
        assert len(others) == 1, f"{len(others)} other windows"
        self.switch(others[0])
        return here

    def wait_until_closed(self, window: str) -> None:
        """Wait until a window that is not looked at is gone."""
        self.wait_for(lambda: window not in self.windows, "end of the window")

    # -- what is left behind ----------------------------------------------------------------------

    def screenshot(self, name: str) -> Path:
        """Take a picture of the page into the test's folder, and give its path."""
        path = self.screenshots / f"{name}.png"
        self.driver.save_screenshot(str(path))
        return path

    def console(self) -> list[str]:
        """Give what all pages wrote to the console since it was asked last, and what Chromium said of them."""
        return [str(entry["message"]) for entry in self.driver.get_log("browser")]

    def history(self) -> list[str]:
        """Give the addresses that a person can go back to in the window, the oldest first.

        An address that a page replaced is here as it was asked for, too.
        """
        entries = self.driver.execute_cdp_cmd("Page.getNavigationHistory", {})["entries"]
        told = [address for entry in entries for address in (entry["userTypedURL"], entry["url"])]
        return list(dict.fromkeys(told))

    def storage(self) -> dict[str, str]:
        """Give what the page's origin keeps: local and session storage, and cookies that scripts see."""
        script = "return JSON.stringify({...localStorage, ...sessionStorage, cookie: document.cookie})"
        kept: dict[str, str] = json.loads(self.driver.execute_script(script))
        return kept

    def visited(self) -> list[str]:
        """Give every address in the history on disk, those of all windows and of redirects, since the last reset.

        It is written when the browser ends; this one is started again, and its windows are gone.
        """
        self.stop()
        with sqlite3.connect(self.profile / "Default" / "History") as database:
            rows = database.execute("SELECT url, last_visit_time FROM urls ORDER BY id").fetchall()
        database.close()
        self.start()
        return [url for url, last in rows if last / 1e6 - _EPOCH >= self._since]


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium, which the tests of this process share."""
    pytest.importorskip("selenium", reason="selenium is not installed")
    if shutil.which(CHROMIUM) is None:
        pytest.skip("chromium is not installed")
    if not Path(DRIVER).exists():
        pytest.skip(f"there is no {DRIVER}: Debian has it in chromium-driver")
    folder = tmp_path_factory.mktemp("chromium")
    shared = Browser(folder / "profile", folder)
    shared.start()
    yield shared
    shared.stop()


@pytest.fixture
def browser(chromium: Browser, tmp_path: Path) -> Browser:
    """Chromium without a past."""
    chromium.reset()
    chromium.screenshots = tmp_path
    return chromium
