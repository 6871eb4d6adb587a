# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Chromium without a window, driven by its DevTools protocol over a pipe (NUL after each message): no packages.

    with Browser() as browser:
        page = browser.open(Path("report.html"), width=400, dark=True)
        assert page.run("document.title") == "..."
        assert not page.complaints and not page.requests
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Optional

NAMES = ("chromium", "chromium-browser", "chromium-headless-shell", "google-chrome", "chrome")
PATIENCE = 90.0


def find() -> Optional[str]:
    """The browser's path; HEAPCORE_BROWSER names another one."""
    named = os.environ.get("HEAPCORE_BROWSER")
    return named or next((path for path in map(shutil.which, NAMES) if path), None)


class Page:
    """One file that is open. COMPLAINTS: errors and warnings of its console; REQUESTS: all that it asked for besides itself."""

    def __init__(self, browser: "Browser", session: str, address: str) -> None:
        self.browser, self.session, self.address = browser, session, address
        self.complaints: list[str] = []
        self.requests: list[str] = []

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self.browser.call(method, self.session, **parameters)

    def note(self, message: dict[str, Any]) -> None:
        method, about = message["method"], message["params"]
        if method == "Runtime.exceptionThrown":
            details = about["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning", "assert"):
            self.complaints.append(json.dumps(about["args"]))
        elif method == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning"):
            self.complaints.append(about["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            url = about["request"]["url"]
            if url != self.address and not url.startswith("data:"):
                self.requests.append(url)

    def run(self, script: str) -> Any:
        """The value of an expression, which may be a promise."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, f"{script}: {answer['exceptionDetails']}"
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
        about: dict[str, Any] = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": codes[key]}
        if key in ("Enter", " "):
            about["text"] = "\r" if key == "Enter" else " "
        self.call("Input.dispatchKeyEvent", type="keyDown", **about)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def click(self, x: float, y: float) -> None:
        for kind in "mouseMoved", "mousePressed", "mouseReleased":
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="none" if kind == "mouseMoved" else "left", clickCount=1)

    def point(self, x: float, y: float) -> None:
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def see(self, dark: bool = False, width: int = 1400, height: int = 1000) -> None:
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def screenshot(self, path: Path) -> None:
        """All of the page, as far as 12,000 pixels down."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 12000), "scale": 1}
        picture = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(picture["data"]))

    def pdf(self) -> bytes:
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])


class Browser:
    def __init__(self) -> None:
        self.number = 0
        self.pages: dict[str, Page] = {}
        self.waiting = b""

    def __enter__(self) -> "Browser":
        self.folder = tempfile.mkdtemp(prefix="heapcore-browser-")
        to_read, self.to = os.pipe()
        self.answers, to_write = os.pipe()

        def place() -> None:  # the protocol's descriptors are 3 and 4
            reading, writing = os.dup(to_read), os.dup(to_write)
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        self.process = subprocess.Popen(
            [find() or "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--mute-audio",
             "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--hide-scrollbars",
             "--remote-debugging-pipe", f"--user-data-dir={self.folder}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=place, close_fds=False,
            start_new_session=True, env={**os.environ, "HOME": self.folder})
        os.close(to_read)
        os.close(to_write)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.to)  # it ends without its pipe
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.answers)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _message(self, until: float) -> dict[str, Any]:
        while b"\0" not in self.waiting:
            ready = select.select([self.answers], [], [], max(0, until - time.monotonic()))[0]
            piece = os.read(self.answers, 1 << 20) if ready else b""
            assert piece, "the browser ended" if ready else "the browser does not answer"
            self.waiting += piece
        text, self.waiting = self.waiting.split(b"\0", 1)
        return json.loads(text)

    def _take(self, message: dict[str, Any]) -> None:
        page = self.pages.get(message.get("sessionId", ""))
        if page and "method" in message:
            page.note(message)

    def call(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        self.number += 1
        request: dict[str, Any] = {"id": self.number, "method": method, "params": parameters}
        if session:
            request["sessionId"] = session
        text = json.dumps(request).encode() + b"\0"
        while text:
            text = text[os.write(self.to, text):]
        until = time.monotonic() + PATIENCE
        while True:
            message = self._message(until)
            self._take(message)
            if message.get("id") == self.number:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]

    def open(self, path: Path, dark: bool = False, width: int = 1400, scripts: bool = True) -> Page:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self.pages[session] = Page(self, session, path.resolve().as_uri())
        for domain in "Page", "Runtime", "Log", "Network":
            page.call(f"{domain}.enable")
        page.call("Emulation.setFocusEmulationEnabled", enabled=True)
        page.see(dark, width)
        if not scripts:
            page.call("Emulation.setScriptExecutionDisabled", value=True)
        page.call("Page.navigate", url=page.address)
        until = time.monotonic() + PATIENCE
        while page.run("document.readyState + location.href") != "complete" + page.address:
            assert time.monotonic() < until, f"{path} was not loaded"
            time.sleep(0.02)
        return page
