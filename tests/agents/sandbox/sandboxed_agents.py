"""Agents that attack what runs them: the text of Python files, to be run in the sandbox and nowhere else."""

from __future__ import annotations

import textwrap

TEMPLATE = """
import ctypes, mmap, os, resource, signal, socket, subprocess, sys, threading, time

BAD_SEED = {seed}

def open_lines():
    # the descriptors that are sockets
    return [int(n) for n in os.listdir("/proc/self/fd") if socket_at(n)]

def socket_at(n):
    try: return os.readlink("/proc/self/fd/" + n).startswith("socket")
    except OSError: return False

def attack(agent, step):
{body}

class Agent:
    def reset(self, *, seed, action_set):
        self.seed, self.action_set = seed, action_set

    def act(self, step):
        if self.seed == BAD_SEED and step.t == 3:
            attack(self, step)
        return self.action_set[step.t % 2]

    def close(self):
        pass

def make_player(game):
    return Agent()
"""


def attacker(body: str, seed: int) -> str:
    """Return the text of an agent that runs `body` at frame 3 of the game whose player seed is `seed`."""
    return TEMPLATE.format(seed=seed, body=textwrap.indent(textwrap.dedent(body).strip(), "    "))


NO_ANSWER = "gave no decision within"
EXTERNAL = "/var/lib/dpkg/status"

FAILS: dict[str, tuple[str, str]] = {
    "hang": ("while True: pass", NO_ANSWER),
    "sleep": ("time.sleep(1000)", NO_ANSWER),
    "raise": ("raise ValueError('no\\x1b[31m idea\\n' + 'x' * 10**6)", r"ValueError: no \[31m idea x+…"),
    "leave": ("sys.exit()", "SystemExit"),
    "quit at once": ("os._exit(3)", "ended with 3"),
    "crash": ("ctypes.string_at(0)", "SIGSEGV"),
    "kill itself": ("signal.raise_signal(signal.SIGKILL)", "PermissionError|SIGKILL|ended with"),
    "memory at once": ("bytearray(1 << 40)", "MemoryError"),
    "memory by and by": (
        """
        kept = []
        while True:
            kept.append(bytearray(b"x" * (16 << 20)))
        """,
        "MemoryError",
    ),
    "shared memory": (
        """
        kept = []
        while True:
            kept.append(mmap.mmap(-1, 64 << 20))
            kept[-1].write(b"x" * (64 << 20))
        """,
        "Cannot allocate memory|MemoryError",
    ),
    "fork": ("os.fork()", "Operation not permitted"),
    "fork bomb": (
        """
        while True:
            try: os.fork()
            except OSError: pass
        """,
        NO_ANSWER,
    ),
    "threads": (
        """
        while True:
            threading.Thread(target=time.sleep, args=(100,), daemon=True).start()
        """,
        "can't start new thread",
    ),
    "program": ("subprocess.run(['/bin/true'])", "Operation not permitted"),
    "another program": ("os.execv('/bin/true', ['true'])", "Operation not permitted"),
    "file": ("open('/canary', 'w')", "OSError|PermissionError"),
    "file in tmp": ("open('/tmp/canary', 'w')", "FileNotFoundError|OSError|PermissionError"),
    "file in shm": ("open('/dev/shm/canary', 'w')", "FileNotFoundError|OSError|PermissionError"),
    "file beside the libraries": (
        "open(os.path.join(os.path.dirname(os.__file__), 'canary'), 'w')",
        "OSError|PermissionError",
    ),
    "file without a name": ("os.memfd_create('canary')", "Operation not permitted"),
    "flood of messages": (
        """
        while True:
            os.write(2, b"x" * 4096)
        """,
        "File too large",
    ),
    "the system's files": ("open('/etc/passwd')", "FileNotFoundError|PermissionError"),
    "somebody's files": (f"open({EXTERNAL!r})", "FileNotFoundError|PermissionError"),
    "network": ("socket.create_connection(('127.0.0.1', 22))", "Operation not permitted"),
    "local socket": ("socket.socket(socket.AF_UNIX)", "Operation not permitted"),
    "kill the parent": ("os.kill(os.getppid(), signal.SIGKILL)", "Operation not permitted"),
    "kill all": ("os.kill(-1, signal.SIGKILL)", "Operation not permitted"),
    "trace": ("ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) == 0 or 1 / 0", "ZeroDivisionError"),
    "more files": (
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))",
        "not permitted|PermissionError|not allowed",
    ),
    "open many files": ("kept = [open(os.__file__) for _ in range(1000)]", "Too many open files"),
    "the console's memory": ("step.read_ram(bytearray(128))", "the memory isn't shown"),
    "a wrong action": ("agent.action_set = [99] * 2", "99"),
    "no action": ("agent.action_set = [None] * 2", "NoneType"),
    "a large action": ("agent.action_set = [1 << 40] * 2", "An action is an int"),
    "nonsense on the line": (
        """
        for line in range(3, 64):
            try: os.write(line, b"X" * 4096)
            except OSError: pass
        """,
        "ended with|was killed",
    ),
    "wants pictures for ever": (
        """
        descriptors = [n for n in range(3, 64) if n in open_lines()]
        while True:
            for line in descriptors:
                os.write(line, b"P" + bytes((0, 1)))
                os.read(line, 4096)
        """,
        NO_ANSWER,
    ),
    "wants what there isn't": (
        """
        for line in range(3, 64):
            try: os.write(line, b"P" + bytes((15, 99)))
            except OSError: pass
        """,
        "asks for what there isn't",
    ),
}
"""Name: what it does at frame 3, and what the forfeit's reason says."""
