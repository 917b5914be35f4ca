"""A program that ends, with all that it has started, when the process that asked for it ends, however that happens.

Run as ``python -I supervisor.py LIFELINE PROGRAM ARGUMENT...``, in a process group of its own. ``LIFELINE`` is the
reading end of a pipe whose other end the asking process keeps; it reads as ended when that process is no more.
"""

import os
import signal
import subprocess
import sys
import threading


def end_with(lifeline: int) -> None:
    """Wait for the end of the asking process, then kill this whole group of processes."""
    os.read(lifeline, 1)
    os.killpg(0, signal.SIGKILL)


def main() -> int:
    """Run the program; ends as the program ends."""
    lifeline, words = int(sys.argv[1]), sys.argv[2:]
    threading.Thread(target=end_with, args=(lifeline,), daemon=True).start()
    try:
        status = subprocess.Popen(words).wait()
    except OSError as error:
        print(f"{words[0]}: {os.strerror(error.errno or 0)}", file=sys.stderr)
        return 126
    if status < 0:
        signal.signal(-status, signal.SIG_DFL) if -status not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), -status)
    return status


if __name__ == "__main__":
    sys.exit(main())
