"""Runs a program and writes what it took: seconds, processor seconds of its own and of its children, KiB, its end.

    python3 -I -S measure.py LIMIT FILE PROGRAM [ARGUMENTS]

A program of its own, as small as can be: the kernel counts the memory of who starts a program as the program's.
LIMIT are processor seconds, after which the program is killed.
"""

import os
import resource
import sys
import time


# Open files: four for each of 5,000 shells, and some more.
FILES = 1 << 15


def bound(limit):
    """Bounds the processor time of this process, lets it open as many files as it may, and dump no memory."""
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for files in (max(most, FILES), most):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
            return
        except (ValueError, OSError):
            # Not everybody may raise the limit.
            continue


def of_children(process):
    """Processor seconds of the children that a process which has ended waited for."""
    with open(f"/proc/{process}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def main():
    limit, figures, *command = sys.argv[1:]
    started = time.monotonic()
    process = os.fork()
    if process == 0:
        try:
            bound(int(limit))
            os.execv(command[0], command)
        finally:
            os._exit(127)
    # Until it is waited for, what the kernel knows of it can be read.
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    wall = time.monotonic() - started
    children = of_children(process)
    _, status, usage = os.wait4(process, 0)
    own = usage.ru_utime + usage.ru_stime - children
    with open(figures, "w") as file:
        print(wall, own, children, usage.ru_maxrss, os.waitstatus_to_exitcode(status), file=file)


main()
