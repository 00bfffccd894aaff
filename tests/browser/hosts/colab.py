"""An imitation of Colab: a kernel with its very versions, and each cell's outputs in its own frame.

The kernel runs in the environment whose Python ``CALIG_COLAB`` names (made from
tests/constraints-colab.txt), with a ``google.colab`` as anywidget looks for. The page is Colab's as
far as its sources tell: see colab_frame.js. It is not Colab.
"""

from __future__ import annotations

import base64
import json
import os
import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from playwright.sync_api import Browser, Frame, Page, Route

WIDGET = "application/vnd.jupyter.widget-view+json"
LIBRARY = "https://cdn.jsdelivr.net/npm/anywidget@~0.9.*/dist/index.js"
SCRIPT = (Path(__file__).parent / "colab_frame.js").read_text(encoding="utf-8")
FRAME = f"""<!doctype html><html lang="en"><meta charset="utf-8"><body>
<div id="output-area"></div><script>{SCRIPT}</script></body></html>"""
PAGE = """<!doctype html><html lang="en" theme="light"><meta charset="utf-8">
<link rel="icon" href="data:,"><title>Colab</title><body></body></html>"""
STARTUP = """
import sys, types
made = [types.ModuleType(n) for n in ("google", "google.colab", "google.colab.output")]
for module in made[:2]:
    module.__path__ = []
made[0].colab, made[1].output = made[1:]
made[2]._widgets = types.SimpleNamespace(_installed_url=None)
def enable_custom_widget_manager():
    made[2]._widgets._installed_url = "https://ssl.gstatic.com/colaboratory-static/manager.min.js"
made[2].enable_custom_widget_manager = enable_custom_widget_manager
sys.modules.update({module.__name__: module for module in made})
"""


class Colab:
    """A page and its kernel."""

    def __init__(self, page: Page, client: BlockingKernelClient) -> None:
        self.page, self.client = page, client
        self.complaints: list[str] = []
        self.frames: list[Frame] = []
        self.opened: dict[str, dict[str, Any]] = {}
        self.places: dict[str, list[Frame]] = {}
        self.times: list[float] = []
        self._said = ""

    def cell(self, source: str) -> Frame | None:
        """Run a cell; the frame of its outputs, if there are any. An error is a failure."""
        own: list[Frame] = []
        self._run(source, own)
        return own[0] if own else None

    def execute(self, source: str) -> str:
        """What this code prints."""
        self._said = ""
        self._run(source, None)
        return self._said.strip()

    def settle(self, seconds: float = 0.3) -> None:
        """Carry messages both ways for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.page.wait_for_timeout(20)
            self._carry(0.01)

    def until(self, true: Callable[[], bool], seconds: float = 30) -> bool:
        """Carry messages both ways until something is so; whether it became so in time."""
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                return False
            self.settle(0.1)
        return True

    def from_page(self, model: str, data: dict[str, Any]) -> None:
        """A message of a view to its model in Python."""
        session = self.client.session
        message = session.msg("comm_msg", {"comm_id": model, "data": data})
        self.client.shell_channel.send(message)

    def _run(self, source: str, own: list[Frame] | None) -> None:
        asked = self.client.execute(source)
        while True:
            message = self.client.get_iopub_msg(timeout=120)
            content, kind = message["content"], message["msg_type"]
            if message["parent_header"].get("msg_id") == asked:
                if kind == "status" and content["execution_state"] == "idle":
                    return
                if kind == "error":
                    raise AssertionError("\n".join(content["traceback"]))
                if kind == "stream":
                    self._said += content["text"]
                if kind in ("display_data", "execute_result") and own is not None:
                    self._display(content["data"], own)
            self._comm(message)

    def _carry(self, seconds: float) -> None:
        try:
            while True:
                self._comm(self.client.get_iopub_msg(timeout=seconds))
        except queue.Empty:
            pass

    def _comm(self, message: dict[str, Any]) -> None:
        content = message["content"]
        buffers = [base64.b64encode(b).decode() for b in message.get("buffers", [])]
        if message["msg_type"] == "comm_open":
            data = content["data"]
            self.opened[content["comm_id"]] = {
                "id": content["comm_id"], "data": data, "buffers": buffers, "since": []
            }  # fmt: skip
        elif message["msg_type"] == "comm_msg":
            self.opened[content["comm_id"]]["since"].append([content["data"], buffers])
            for frame in self.places.get(content["comm_id"], []):
                frame.evaluate(
                    "([id, data, buffers]) => fromKernel(id, data, buffers)",
                    [content["comm_id"], content["data"], buffers],
                )

    def _display(self, data: dict[str, Any], own: list[Frame]) -> None:
        if not own:
            own.append(self._frame())
        frame, opened = own[0], None
        mime = (
            "widget" if self._ours(data) else "text/html" if "text/html" in data else "text/plain"
        )
        if mime == "widget":
            model = data[WIDGET]["model_id"]
            self.places.setdefault(model, []).append(frame)
            opened = self._state(model)
        took = frame.evaluate(
            "([mime, content, opened]) => show(mime, content, opened)",
            [mime, data.get(mime, ""), opened],
        )
        if mime == "widget":
            self.times.append(took)

    def _ours(self, data: dict[str, Any]) -> bool:
        """Whether it is a view; ipywidgets' own controls the page knows nothing of."""
        opened = self._state(data[WIDGET]["model_id"]) if WIDGET in data else None
        return opened is not None and opened["data"]["state"]["_model_module"] == "anywidget"

    def _state(self, model: str) -> dict[str, Any]:
        """As it was opened, and what was heard since."""
        assert model in self.opened, f"no model {model} was opened"
        return self.opened[model]

    def _frame(self) -> Frame:
        number = len(self.frames) + 1
        self.page.evaluate(
            """(src) => new Promise((ok) => {
              const frame = document.createElement("iframe");
              frame.sandbox = "allow-scripts allow-same-origin";
              Object.assign(frame.style, {width: "760px", height: "900px", display: "block"});
              Object.assign(frame, {src, onload: ok});
              document.body.append(frame);
            })""",
            f"https://cell{number}.googleusercontent.test/",
        )
        self.frames.append(self.page.frames[-1])
        return self.frames[-1]


@contextmanager
def colab(browser: Browser, python: Path, folder: Path, scratch: Path) -> Iterator[Colab]:
    """A kernel of ``python`` in ``folder``, and a page for its outputs."""
    startup = scratch / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00-colab.py").write_text(STARTUP)
    spec = scratch / "kernels" / "colab"
    spec.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": "Colab", "language": "python"})
    )
    specs = KernelSpecManager(kernel_dirs=[str(spec.parent)], ensure_native_kernel=False)
    manager = KernelManager(kernel_name="colab", kernel_spec_manager=specs)
    manager.start_kernel(
        cwd=str(folder), env={**os.environ, "IPYTHONDIR": str(scratch / "ipython")}
    )
    client = manager.blocking_client()
    client.start_channels()
    context = browser.new_context(viewport={"width": 800, "height": 900})
    try:
        client.wait_for_ready(timeout=60)
        made = Colab(context.new_page(), client)
        library = next(python.parent.parent.glob("share/jupyter/nbextensions/anywidget/index.js"))

        def serve(route: Route) -> None:
            url = route.request.url
            if url.startswith(("data:", "blob:")):
                route.continue_()
            elif url == LIBRARY:
                headers = {"access-control-allow-origin": "*"}
                route.fulfill(path=library, content_type="text/javascript", headers=headers)
            elif url.endswith((".googleusercontent.test/", "colab.test/")):
                body = FRAME if "cell" in url else PAGE
                route.fulfill(body=body, content_type="text/html; charset=utf-8")
            else:
                made.complaints.append(f"asked for {url}")
                route.abort()

        context.route("**/*", serve)
        context.expose_function("toKernel", made.from_page)
        made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
        made.page.on(
            "console",
            lambda said: made.complaints.append(said.text) if said.type == "error" else None,
        )
        made.page.goto("https://colab.test/")
        yield made
    finally:
        context.close()
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def code_cells(path: Path) -> list[str]:
    """The sources of a notebook's code cells."""
    cells = nbformat.read(path, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "code"]
