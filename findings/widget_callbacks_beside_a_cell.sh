#!/usr/bin/env bash
# Guess: a notebook's kernel does one thing at a time, so that what a widget says (a slider that is
# dragged) is heard after the cell that runs, on the main thread, in the order in which it was sent;
# a cell that is run after the drag reads the new value.
# Seen with jupyterlab 4.6.6 and ipykernel 7.4.0: JupyterLab marks what widgets say for a subshell, by
# default ("commsOverSubshells": "perCommTarget"), which is a thread of its own in the kernel. A
# widget's first message is still heard on the main thread (the kernel sends a message to where the
# widget spoke last, and it was made in a cell); in answering it the widget has spoken to the
# subshell, so that all later ones are heard there, on another thread, while a cell runs and between
# any two of its statements. A cell that is sent after one may be done before it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q jupyterlab==4.6.6 ipykernel==7.4.0 ipywidgets==8.1.9
export JUPYTER_PATH= IPYTHONDIR="$folder" PATH="$folder/venv/bin:$PATH"
"$folder/venv/bin/python" - "$folder/venv" <<'PY'
import json
import sys
from pathlib import Path

from jupyter_client.manager import start_new_kernel

schema = Path(sys.argv[1], "share/jupyter/lab/schemas/@jupyterlab/apputils-extension")
settings = json.loads((schema / "kernels-settings.json").read_text())["properties"]
default = settings["commsOverSubshells"]["default"]

SLIDER = """
import threading, time, ipywidgets
running, seen, slider = False, [], ipywidgets.IntSlider()
main = threading.main_thread()
slider.observe(lambda _: seen.append((threading.current_thread() is main, running)), "value")
print(slider.comm.comm_id)
"""
CELL = """
running, end = True, time.monotonic() + 60
print("begun.", flush=True)
while len(seen) < 2 and time.monotonic() < end:
    time.sleep(0.05)
print(f"{seen}.")
"""


def read(client, end):
    """What cells print, up to these last letters."""
    text = ""
    while not text.endswith(end):
        text += client.get_iopub_msg(timeout=90)["content"].get("text", "")
    return text.strip()


manager, client = start_new_kernel(kernel_name="python3")
try:
    client.execute(SLIDER)
    comm = read(client, "\n")
    request = client.session.msg("create_subshell_request", {})
    client.control_channel.send(request)
    while True:
        reply = client.control_channel.get_msg(timeout=90)
        if reply["parent_header"].get("msg_id") == request["header"]["msg_id"]:
            break

    def drag(value):
        state = {"method": "update", "state": {"value": value}, "buffer_paths": []}
        message = client.session.msg("comm_msg", {"comm_id": comm, "data": state})
        message["header"]["subshell_id"] = reply["content"]["subshell_id"]
        client.shell_channel.send(message)

    drag(1)
    client.execute("print('heard.')")
    read(client, "heard.\n")
    client.execute(CELL)
    read(client, "begun.\n")
    drag(2)
    seen = read(client, ".\n")
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
print(f"{default=}; the slider's callback: (on the main thread, while the cell runs) {seen}")
assert default == "perCommTarget" and seen == "[(True, False), (False, True)]."
PY
