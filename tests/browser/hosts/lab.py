"""A real JupyterLab on loopback, driven in one tab; everything outside it is refused."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, Route

NOTEBOOKS = Path(__file__).parents[3] / "notebooks"
QUIET = {
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    }
}
OPEN = """async (path) => {
  const panel = await jupyterapp.commands.execute("docmanager:open", {path, factory: "Notebook"});
  await panel.context.ready;
  await panel.sessionContext.ready;
  await panel.sessionContext.session.kernel.info;
}"""
RUN_ALL = """async () => {
  await jupyterapp.commands.execute("runmenu:run-all");
  const cells = jupyterapp.shell.currentWidget.content.widgets.map((cell) => cell.model)
    .filter((model) => model.type === "code" && model.sharedModel.getSource().trim());
  const errors = [];
  for (const cell of cells) for (let i = 0; i < cell.outputs.length; i++) {
    const output = cell.outputs.get(i).toJSON();
    if (output.output_type === "error") errors.push(`${output.ename}: ${output.evalue}`);
  }
  return {errors, ran: cells.filter((cell) => cell.executionCount !== null).length,
          cells: cells.length};
}"""
EXECUTE = """async (code) => {
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const future = kernel.requestExecute({code});
  let said = "";
  future.onIOPub = ({content}) => { said += content.text ?? content.evalue ?? ""; };
  await future.done;
  return said.trim();
}"""
SHOW = """async () => {
  const panel = jupyterapp.shell.currentWidget;
  panel.content.activeCellIndex = panel.content.widgets.length - 1;
  await jupyterapp.commands.execute("notebook:insert-cell-below");
  panel.content.activeCell.model.sharedModel.setSource("view");
  await jupyterapp.commands.execute("notebook:run-cell");
}"""
CLOSE = """async () => {
  const panel = jupyterapp.shell.currentWidget;
  await panel.sessionContext.shutdown();
  await panel.context.revert();
  panel.dispose();
}"""
THEME = """async (name) => {
  await jupyterapp.commands.execute("apputils:change-theme", {theme: name});
}"""


@dataclass
class Lab:
    """One JupyterLab tab, and everything that it complained about or asked the network for."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def run(self, notebook: str) -> None:
        """Open a notebook and run all its cells; an error in one of them is a failure."""
        self.page.evaluate(OPEN, notebook)
        done = self.page.evaluate(RUN_ALL)
        assert done["errors"] == []
        assert done["ran"] == done["cells"] > 0

    def execute(self, code: str) -> str:
        """What this code prints in the notebook's kernel."""
        said: str = self.page.evaluate(EXECUTE, code)
        return said

    def reads(self, expression: str, expected: str) -> None:
        """The kernel comes to read this.

        JupyterLab sends what widgets say to a thread of its own in the kernel (a subshell), so a
        cell may run, and end, before the page's last message has been heard.
        """
        for _ in range(50):
            said = self.execute(f"print({expression})")
            if said == expected:
                return
            self.page.wait_for_timeout(100)
        assert said == expected

    def theme(self, name: str) -> None:
        """Change the theme of JupyterLab."""
        self.page.evaluate(THEME, name)
        dark = "false" if "Dark" in name else "true"
        self.page.wait_for_selector(f"body[data-jp-theme-light={dark}]", state="attached")

    def close(self) -> None:
        """Shut the notebook's kernel down and close it."""
        self.page.evaluate(CLOSE)


@contextmanager
def lab(
    browser: Browser, folder: Path, scratch: Path, width: int = 1280, options: Sequence[str] = ()
) -> Iterator[Lab]:
    """A JupyterLab that serves ``folder`` and keeps its own files in ``scratch``."""
    for name, settings in QUIET.items():
        file = scratch / "settings" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token, base = secrets.token_hex(16), f"http://127.0.0.1:{port}"
    log = scratch / "lab.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            [
                sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
                "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0",
                f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}",
                "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
                "--expose-app-in-browser",
                # With these two on, the server hangs at its end now and then.
                "--ServerApp.jpserver_extensions="
                "{'jupyter_lsp': False, 'jupyter_server_terminals': False}",
                *options,
            ],
            env={
                **os.environ,
                "JUPYTER_CONFIG_DIR": str(scratch / "config"),
                "JUPYTER_DATA_DIR": str(scratch / "data"),
                "JUPYTER_RUNTIME_DIR": str(scratch / "runtime"),
                "JUPYTERLAB_SETTINGS_DIR": str(scratch / "settings"),
                "JUPYTERLAB_WORKSPACES_DIR": str(scratch / "workspaces"),
                "IPYTHONDIR": str(scratch / "ipython"),
                "HF_HUB_OFFLINE": "1",
            },
            stdout=out, stderr=out,
        )  # fmt: skip
    try:
        _wait_for(f"{base}/api?token={token}", server, log)
        context = browser.new_context(viewport={"width": width, "height": 1000}, locale="en-US")
        made = Lab(context.new_page())

        def gate(route: Route) -> None:
            url = route.request.url
            if url.startswith((base, "data:", "blob:")):
                route.continue_()
            else:
                made.complaints.append(f"asked for {url}")
                route.abort()

        context.route("**/*", gate)
        made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
        made.page.on(
            "console",
            lambda said: (
                made.complaints.append(f"{said.text} {said.location['url']}")
                # We switched the language server off; the page asks for it all the same.
                if said.type == "error" and "/lsp/status" not in said.location["url"]
                else None
            ),
        )
        made.page.goto(f"{base}/lab?token={token}&reset")
        made.page.wait_for_selector("#jp-main-dock-panel", timeout=60_000)
        yield made
        context.close()
    finally:
        server.terminate()
        try:
            server.wait(5)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def word(view: Locator, text: str) -> Locator:
    """The first word of the view's text that reads so."""
    return view.locator(".prose .w", has_text=re.compile(f"^{re.escape(text)}$")).first


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    began = time.monotonic()
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).read()
            return
        except OSError as error:
            if server.poll() is not None or time.monotonic() - began > 60:
                raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()}") from error
            time.sleep(0.1)
