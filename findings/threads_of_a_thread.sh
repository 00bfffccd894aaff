#!/usr/bin/env bash
# Guess: torch.set_num_threads sets one number for the process (as its name and its getter suggest),
# so that whoever sets it in one thread and puts it back has changed nothing for others.
# Seen with torch 2.13.0: the number is each thread's own, but a thread that asks for the first time
# gets what was set last, by whatever thread; also the one that set its own before, and did not ask.
# So a worker that sets 1 for itself leaves 3 to a main thread that has asked, and 1 to one that has
# not, and to all threads that come after it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy==2.2.6
"$folder/venv/bin/python" - <<'PY'
import threading

import torch


def on_a_thread(call):
    """What a call gives on a thread of its own."""
    found = []
    thread = threading.Thread(target=lambda: found.append(call()))
    thread.start()
    thread.join()
    return found[0]


found = []
for _ in range(2):  # before and after the main thread has asked
    torch.set_num_threads(3)
    on_a_thread(lambda: torch.set_num_threads(1))
    found.append((torch.get_num_threads(), on_a_thread(torch.get_num_threads)))
print(f"torch {torch.__version__}: 3 set here, then 1 on a thread; here and on a new one: {found}")
assert found == [(1, 1), (3, 1)]
PY
