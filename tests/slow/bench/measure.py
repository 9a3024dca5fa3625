"""Running a command and what it cost."""
import os, statistics, subprocess, sys, time


class Run:
    """What one command cost: wall and CPU seconds, and the resident set of its largest process in MB."""

    def __init__(self, command, cwd=None, answers=(0,), env=None):
        start = time.monotonic()
        child = subprocess.Popen(
            command, cwd=cwd, shell=isinstance(command, str), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _, status, used = os.wait4(child.pid, 0)
        self.wall = time.monotonic() - start
        self.cpu = used.ru_utime + used.ru_stime
        self.rss = used.ru_maxrss / 1024
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in answers:
            sys.exit(f"{command}: exit code {child.returncode}")


def median(runs, what):
    return statistics.median(getattr(run, what) for run in runs)


def turns(rounds, *sides):
    """Runs the sides in turn; the first round only warms the caches."""
    done = [[side() for side in sides] for _ in range(rounds + 1)][1:]
    return list(zip(*done))


def build(path, maker):
    """Makes a file of the cache once; a half-made one is never taken for whole."""
    if not os.path.exists(path):
        print(f"making {os.path.basename(path)}", file=sys.stderr)
        maker(path + ".part")
        os.rename(path + ".part", path)
    return path


def sh(text, **variables):
    subprocess.run(["sh", "-euc", text], check=True, stdout=subprocess.DEVNULL, env={**os.environ, **variables})
