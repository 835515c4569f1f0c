"""Programs that are timed in turn: each does a run for a line on its standard input and answers with the seconds; it is
stopped while another is timed."""
import os
import signal
import statistics
import subprocess


class Engine:
    def __init__(self, command):
        self.times = []
        self.process = subprocess.Popen([*map(str, command)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, start_new_session=True)
        self.read()  # the first run plans, allocates, compiles
        self.signal(signal.SIGSTOP)

    def signal(self, number):  # also to the compilers that PyTorch starts
        os.killpg(self.process.pid, number)

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("ended before its time")
        return float(line)

    def run(self):
        self.signal(signal.SIGCONT)
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        seconds = self.read()
        self.signal(signal.SIGSTOP)
        return seconds

    def finish(self):
        """What it writes after its last run: megabytes."""
        self.signal(signal.SIGCONT)
        megabytes = self.process.stdout.readline()
        self.signal(signal.SIGKILL)
        return int(megabytes or 0)


def medians(engines, runs):
    """Of as many runs in turn, by name."""
    for engine in engines.values():
        engine.run()  # cold: it was stopped
    for _ in range(runs):
        for engine in engines.values():
            engine.times.append(engine.run())
    return {name: statistics.median(engine.times) for name, engine in engines.items()}
