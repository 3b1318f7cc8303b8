"""A training in miniature: `python goes_on.py STATE` counts until it is stopped, saves, and ends at 130.

Run again, it says where it goes on, and is done. While it saves, a second SIGTERM ends it unless it comes at once, as
research/training/loop.py has it.
"""

import signal
import sys
import time
from pathlib import Path

state = Path(sys.argv[1])
stopped = []


def note(number, frame):
    stopped.append(time.monotonic())
    if stopped[-1] - stopped[0] > 0.3:
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)


signal.signal(signal.SIGTERM, note)
if state.exists():
    print("goes on from", state.read_text())
    sys.exit(0)
count = 0
print("begun")
while not stopped:
    count += 1
    time.sleep(0.02)
time.sleep(0.7)
state.write_text(str(count))
print("saved", count)
sys.exit(130)
