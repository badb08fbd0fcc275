"""Runs a program: what it says, how long it takes, its peak memory, and what others took of the machine."""
import os
import subprocess
import sys
import tempfile
import time


def processor_seconds():
    """Of all processors, whoever used them; the hypervisor's other guests count."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _idle, _waiting, *rest = map(int, file.readline().split()[1:9])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")


def load_average():
    with open("/proc/loadavg", encoding="ascii") as file:
        return float(file.read().split()[0])


def measured(command):
    """`others`: the share of all processors that was not idle and not this program's. Ends where the program fails."""
    command = [str(word) for word in command]
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        load, busy, begin, clock = load_average(), processor_seconds(), time.time(), time.perf_counter()
        child = subprocess.Popen(command, stdout=output, stderr=errors)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - clock
        child.returncode = os.waitstatus_to_exitcode(status)
        others = processor_seconds() - busy - usage.ru_utime - usage.ru_stime
        output.seek(0)
        errors.seek(0)
        said, complained = output.read(), errors.read()
    if child.returncode:
        sys.exit(f"{' '.join(command)}: exit code {child.returncode}\n{complained[-2000:]}")
    return dict(output=said, errors=complained, begin=begin, seconds=seconds, memory_mb=usage.ru_maxrss / 1024,
                load=load, others=max(0, others) / (seconds * os.cpu_count()))
