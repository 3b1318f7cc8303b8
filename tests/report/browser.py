"""A headless Chromium, driven as a person would: the mouse, a finger, the keyboard, and eyes for what is shown.

Chromium and its driver are the machine's own (Debian: chromium, chromium-driver); nothing is installed here.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver import ActionChains
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import Select, WebDriverWait

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CHROMEDRIVER = shutil.which("chromedriver")
QUIET = "headless=new no-sandbox disable-gpu disable-quic no-first-run disable-background-networking"
QUIET += " disable-component-update disable-sync disable-dev-shm-usage"


class Browser:
    """One window. Elements are named by CSS selectors."""

    def __init__(self) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM or ""
        for flag in QUIET.split():
            options.add_argument(f"--{flag}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        # The driver by name: selenium would otherwise look for one, and on the network.
        self.driver = webdriver.Chrome(options=options, service=Service(CHROMEDRIVER))

    def open(self, page: Path, width: int = 1280, scheme: str = "light") -> None:
        """`page` in a window of `width` pixels, by a person who prefers a `scheme` (light, dark)."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.prefer(scheme)
        self.driver.get(page.as_uri())

    def prefer(self, scheme: str) -> None:
        """Change to `scheme`, and wait until the page was told: that is before the next frame is drawn."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        frames = "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()))"
        self.driver.execute_async_script(frames)

    def find(self, css: str) -> Any:
        return self.driver.find_element("css selector", css)

    def wait_for(self, css: str) -> None:
        """Wait until there is such an element, but not for ever."""
        WebDriverWait(self.driver, 30).until(lambda driver: driver.find_elements("css selector", css))

    def texts(self, css: str) -> list[str]:
        return self.run("return Array.from(document.querySelectorAll(arguments[0]), each => each.textContent)", css)

    def point(self, css: str) -> None:
        ActionChains(self.driver).move_to_element(self.find(css)).perform()

    def tap(self, css: str) -> None:
        """With a finger, which cannot point without touching."""
        actions = ActionChains(self.driver).w3c_actions
        finger = actions.add_pointer_input("touch", "finger")
        finger.create_pointer_move(origin=self.find(css))
        finger.create_pointer_down(button=0)
        finger.create_pointer_up(button=0)
        actions.perform()

    def press(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    def choose(self, css: str, words: str) -> None:
        Select(self.find(css)).select_by_visible_text(words)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def asked(self) -> list[str]:
        """The address of everything that was asked for since this was last called."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [each["params"]["request"]["url"] for each in events if each["method"] == "Network.requestWillBeSent"]

    def complaints(self) -> list[str]:
        """Return what was said on the console since this was last called."""
        return [entry["message"] for entry in self.driver.get_log("browser")]
