"""Runs ministack on a loopback port for as long as standard input stays open.

Whoever started this holds the other end of the pipe. When that process ends, however it ends, the pipe closes and
so does the server: no orphan is left behind, and no signal has to be caught for that.
"""

import os
import sys
import threading


def end_with_standard_input():
    while os.read(0, 4096):
        pass
    os._exit(0)


def main():
    threading.Thread(target=end_with_standard_input, daemon=True).start()
    from ministack.app import main as serve

    sys.argv = ["ministack"]
    serve()


if __name__ == "__main__":
    main()
