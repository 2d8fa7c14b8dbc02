#!/usr/bin/env python3
"""The developers' commands: demo, test, bench, sandbox, host, lint, package. Standard library only.

What each takes stands in USAGE.

A command first makes what it needs below `.dev/`: a virtual environment of what is pinned, Node.js, Azurite.
What is said about that goes to standard error: standard output belongs to the command.
"""

# An older Python must get as far as `too_old`: nothing at the top level is newer than Python 3.8.
from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    Judge = Callable[[int, str], "tuple[str, str]"]

ROOT = Path(__file__).resolve().parent
DEV = ROOT / ".dev"
WINDOWS = os.name == "nt"
USAGE = """\
usage: python3 dev.py COMMAND

  demo [--mail DIR] [--keep] [--json FILE] [--export DIR]
            from nothing to filed mail, on this machine
  test [...]
            all tests; the arguments are pytest's, their paths start at the checkout
  bench [NAME ...] [--long] [--json FILE]
            ratios within one run, beside the least and the usual: acknowledge, file, memory, start,
            latency, growth; all of them without a name
  sandbox   the local services alone, until Ctrl-C
  host --settings FILE [--port N] [--lease SECONDS]
            the app alone, on plain HTTP at 127.0.0.1, against any services
  lint      ruff, mypy, bandit, pip-audit, and checkov over infra
  package [--out FILE]
            what is deployed as a ZIP file, and its size with what the platform installs beside it
"""

_OLDEST, _NEWEST = (3, 11), (3, 13)
_WORKER_VERSION = "3.13"
_MARKER = "vaultpost-installed"
_HEARTBEAT_SECONDS = 15.0
_INCLUDES_THE_APPS = re.compile(rb"^-r requirements\.txt\b", re.MULTILINE)
_AUDITED = ("requirements.txt", "requirements-dev.txt", "requirements-worker.txt")
_SCANNED = ("function_app.py", "dev.py", "ops.py", "handlers", "shared", "sandbox")
_ACCEPTED = re.compile(r"^\| ((?:CVE|GHSA|PYSEC)-[\w-]+) \|[^|]*\w[^|]*\|[^|]*\w[^|]*\|$", re.MULTILINE)
_NO_SUCH_PACKAGE = "(from versions: none)"
_UNREACHABLE = re.compile(r"\b(?:requests\.exceptions\.\w+|ServiceError|ConnectionError)\b")
_OF_ONE_PROCESS = {"--pdb", "--trace", "-s", "--capture=no", "no:xdist"}
_PROBE = "import sys; print(sys.executable); print('.'.join(map(str, sys.version_info[:3])))"

# Windows folds the case of names and the proxies' are written in both, so names are compared in upper case.
_OF_ANOTHER_INTERPRETER = {"PYTHONHOME", "PYTHONSAFEPATH", "__PYVENV_LAUNCHER__"}
_INSTALLS_ELSEWHERE = {"PIP_PREFIX", "PIP_ROOT", "PIP_TARGET", "PIP_USER"}
_PROXIES = {"ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY"}
_CHANGES_TESTS = {"PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTHONOPTIMIZE", "PYTHONPATH", "PYTHONWARNINGS"}
_CHANGES_APP = (
    "AZURE_",
    "AZUREFUNCTIONS",
    "AZUREWEBJOBS",
    "FUNCTIONS_",
    "GRAPH_",
    "IDENTITY_",
    "KEY_VAULT_",
    "MAILSTORAGE",
    "MSI_",
    "VAULTPOST_",
    "WEBSITE_",
)


class PreparationError(Exception):
    """What a command needs could not be made; the text says why and what to do."""


@dataclass(frozen=True)
class Interpreter:
    """A Python of this machine, from which a virtual environment is made."""

    executable: str
    version: str

    @property
    def line(self) -> str:
        """The minor version: `3.11` of `3.11.7`."""
        return ".".join(self.version.split(".")[:2])


@dataclass(frozen=True)
class VirtualEnvironment:
    """A directory below `.dev/` with all that `requirements` pins; whole only while its marker says so."""

    directory: Path
    interpreter: Interpreter
    requirements: Path

    @property
    def python(self) -> Path:
        """The interpreter in it."""
        return self.directory / ("Scripts/python.exe" if WINDOWS else "bin/python")

    @property
    def marker(self) -> Path:
        """The file that is written last: it holds the fingerprint of what is installed."""
        return self.directory / _MARKER

    def fingerprint(self) -> str:
        """What the content depends on: the pins, those that they include, and the version of Python."""
        digest = hashlib.sha256(f"{sys.platform} {self.interpreter.version}\n".encode())
        pins = self.requirements.read_bytes()
        if _INCLUDES_THE_APPS.search(pins):
            digest.update(self.requirements.with_name("requirements.txt").read_bytes())
        digest.update(pins)
        return digest.hexdigest()

    def is_whole(self) -> bool:
        """Whether everything pinned today is installed, and its Python still stands."""
        try:
            installed = self.marker.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            return False
        return self.python.exists() and installed == self.fingerprint()


# ---- What is said on the way


def say(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


def last_lines(output: str, count: int = 12) -> str:
    """The end of what a program printed, indented."""
    return "\n".join(f"    {line}" for line in output.rstrip().splitlines()[-count:])


def too_old(version: tuple[int, ...], executable: str) -> str | None:
    """Why this Python will not do, or None."""
    if version[:2] >= _OLDEST:
        return None
    found = ".".join(map(str, version[:2]))
    return f"dev.py needs Python 3.11 or newer; {executable} is {found}. Try: python3.11 dev.py"


def advice(interpreter: Interpreter, *, windows: bool) -> str:
    """What to do when pip could not install the pins."""
    lines = [
        "pip must reach a package index: see the network, a proxy (HTTPS_PROXY), a mirror (PIP_INDEX_URL),",
        "a private authority (PIP_CERT). Then run the same command again: it starts from a clean state.",
    ]
    if tuple(map(int, interpreter.line.split("."))) > _NEWEST:
        lines.append(f"The pins are known on Python 3.11 to 3.13; this is {interpreter.version}.")
    if windows:
        lines.append("msgraph-sdk has long file names: allow long paths in Windows (LongPathsEnabled).")
    return "\n".join(lines)


# ---- The environment of a child


def passed_on(environment: Mapping[str, str]) -> dict[str, str]:
    """The caller's variables, less those that would bend the Python of a virtual environment.

    Bytecode is kept, since pip was told to compile nothing: without it, each start takes seconds more.
    """
    dropped = _OF_ANOTHER_INTERPRETER | {"PYTHONDONTWRITEBYTECODE"}
    kept = {name: value for name, value in environment.items() if name.upper() not in dropped}
    return {"PYTHONUTF8": "1", **kept}


def for_installing(environment: Mapping[str, str]) -> dict[str, str]:
    """Index, proxy and certificates as the caller has them, but nothing that leads pip elsewhere."""
    dropped = _INSTALLS_ELSEWHERE | {"PYTHONPATH"}
    return {name: value for name, value in passed_on(environment).items() if name.upper() not in dropped}


def scrubbed(environment: Mapping[str, str], directory: Path) -> dict[str, str]:
    """For tests, demo and sandbox: nothing of the caller's that changes the app, and no proxy."""
    dropped = _PROXIES | _CHANGES_TESTS
    kept = {
        name: value
        for name, value in passed_on(environment).items()
        if name.upper() not in dropped and not name.upper().startswith(_CHANGES_APP)
    }
    # NO_PROXY stays set: without it, the proxies of macOS' and Windows' own settings would be used.
    loopback = "localhost,127.0.0.1,::1"
    return {**kept, "NO_PROXY": loopback, "no_proxy": loopback, "VAULTPOST_DEV_DIRECTORY": str(directory)}


# ---- Programs


def run(command: Sequence[str | Path], environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a program to its end; its exit status and all it printed. Nothing of it outlives an exception."""
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        close_fds=False,  # the lock goes along: see `locked`
        start_new_session=True,  # Ctrl-C comes here alone, and `end` reaches the children of the program
    )
    with process:
        try:
            while True:
                try:
                    return finished(process)
                except subprocess.TimeoutExpired:
                    say(f"  ... {time.monotonic() - started:.0f} s")
        except BaseException:
            end(process)
            raise


def finished(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit status and output. Raises subprocess.TimeoutExpired each time it is not yet at its end."""
    output, _ = process.communicate(timeout=_HEARTBEAT_SECONDS)
    return process.returncode, output


def end(process: subprocess.Popen[Any]) -> None:
    """End a program of `run` or `run_together` with all its children."""
    if sys.platform == "win32":
        tree = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
        subprocess.run(tree, check=False, capture_output=True)
    else:
        # The group lives as long as one of its members, so this is right even if the program has ended.
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
                process.wait(timeout=5)
            except (ProcessLookupError, PermissionError):  # the latter is macOS' word for a group of zombies
                break
            except subprocess.TimeoutExpired:
                continue
    process.wait()


def run_together(
    programs: Sequence[tuple[Sequence[str | Path], Mapping[str, str]]],
) -> Generator[tuple[int, str], None, None]:
    """Run programs side by side, each in its environment; status and output of each, in their order.

    Nothing of them outlives an exception.
    """
    with ExitStack() as stack:
        started = []
        for command, environment in programs:
            output = stack.enter_context(tempfile.TemporaryFile())
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            stack.callback(end_if_running, process)
            started.append((process, output))
        for process, output in started:
            status = process.wait()
            output.seek(0)
            yield status, output.read().decode(errors="replace").replace(os.linesep, "\n")


def end_if_running(process: subprocess.Popen[bytes]) -> None:
    """End a program with all its children, unless it has come to its end."""
    if process.poll() is None:
        end(process)


def hand_over(command: Sequence[str | Path], environment: Mapping[str, str]) -> int:
    """Become `command`, so that signals and exit status are its own. On Windows: wait for it.

    A Ctrl-C or Ctrl-Break of Windows reaches every process of the console, so the waiting one ignores them.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    words = [str(word) for word in command]
    if sys.platform == "win32":
        for number in (signal.SIGINT, signal.SIGBREAK):
            signal.signal(number, lambda *_: None)
        return subprocess.call(words, cwd=ROOT, env=environment)
    os.chdir(ROOT)
    return os.execve(words[0], words, environment)  # noqa: S606 - no shell is wanted # nosec B606


def obey_termination() -> None:
    """Let SIGTERM and SIGHUP end an installation cleanly, unless the caller had them ignored (nohup)."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, stop)


def stop(number: int, _frame: object) -> None:
    """End an installation that is under way as Ctrl-C does, with the status that shells give."""
    raise SystemExit(128 + number)


# ---- What the commands need


def this_interpreter() -> Interpreter:
    """The Python that runs this file."""
    return Interpreter(sys.executable, platform.python_version())


def main_environment(interpreter: Interpreter) -> VirtualEnvironment:
    """App, sandbox, tests and lint."""
    directory = DEV / f"venv-{interpreter.line}"
    return VirtualEnvironment(directory, interpreter, ROOT / "requirements-dev.txt")


def worker_environment(interpreter: Interpreter) -> VirtualEnvironment:
    """The app beside Microsoft's own worker, which needs Python 3.13."""
    directory = DEV / f"venv-{interpreter.line}-worker"
    return VirtualEnvironment(directory, interpreter, ROOT / "requirements-worker.txt")


def audit_environment(interpreter: Interpreter) -> VirtualEnvironment:
    """What audits the code and its dependencies: apart, as it depends on other versions of the same."""
    directory = DEV / f"venv-{interpreter.line}-audit"
    return VirtualEnvironment(directory, interpreter, ROOT / "requirements-audit.txt")


def checkov_environment(interpreter: Interpreter) -> VirtualEnvironment:
    """What checks the templates of infra/: apart, as it pins older versions of what the others need."""
    directory = DEV / f"venv-{interpreter.line}-checkov"
    return VirtualEnvironment(directory, interpreter, ROOT / "requirements-checkov.txt")


def ensure(wanted: VirtualEnvironment) -> Path:
    """Its Python, with everything installed; what is whole already costs nothing."""
    if not wanted.is_whole():
        with locked(DEV / "lock"):
            if not wanted.is_whole():
                install(wanted)
    return wanted.python


def install(wanted: VirtualEnvironment) -> None:
    """Make it anew. The marker goes first and comes last: what was interrupted is never taken for whole."""
    started = time.monotonic()
    name = wanted.requirements.name
    say(f"Installing what {name} pins (about a minute the first time) ...")
    environment = for_installing(os.environ)
    remove(wanted)
    status, output = run([wanted.interpreter.executable, "-m", "venv", wanted.directory], environment)
    if status:
        hint = "on Debian and Ubuntu: apt install python3-venv"
        raise PreparationError(f"No virtual environment could be made ({hint}):\n{last_lines(output)}")
    pip: list[str | Path] = [wanted.python, "-m", "pip", "install", "--no-compile", "--quiet", "--no-input"]
    status, output = run([*pip, "--disable-pip-version-check", "-r", wanted.requirements], environment)
    if status:
        help_ = advice(wanted.interpreter, windows=WINDOWS)
        raise PreparationError(
            f"{name} was not installed. The end of what pip says:\n{last_lines(output)}\n{help_}"
        )
    partial = wanted.marker.with_suffix(".partial")
    partial.write_text(wanted.fingerprint(), encoding="ascii")
    partial.replace(wanted.marker)
    say(f"Installed in {time.monotonic() - started:.0f} s.")


def remove(wanted: VirtualEnvironment) -> None:
    """Delete what stands in its place. Raises PreparationError where a running program holds a file of it."""
    try:
        wanted.marker.unlink(missing_ok=True)
        if wanted.directory.exists():
            shutil.rmtree(wanted.directory)
    except OSError as error:
        raise PreparationError(f"{error}\nEnd what runs from {wanted.directory}, then try again.") from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One installer at a time. The system frees the lock of a process that dies.

    On Linux and macOS the programs of `run` inherit it: a pip that outlives a killed dev.py still holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        os.set_inheritable(file.fileno(), True)
        if not take(file.fileno()):
            say("Waiting for another dev.py, which is installing ...")
            while not take(file.fileno()):
                time.sleep(0.2)
        yield


def take(descriptor: int) -> bool:
    """Lock an open file until it is closed; False if another process holds it."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def prepare_azurite(python: Path) -> None:
    """Node.js and Azurite below `.dev/`, where they are missing."""
    sys.path.insert(0, str(ROOT))
    from sandbox.storage import install as storage  # here, so that an older Python gets as far as `too_old`

    with locked(DEV / "lock"):
        try:
            storage.ensure(DEV, str(python))
        except storage.InstallFailed as error:
            help_ = "npm must reach its registry, and pip PyPI: see the network, a proxy (HTTPS_PROXY)."
            raise PreparationError(f"{error}\n{help_} Then run the same command again.") from error


def worker_candidates(
    running: Interpreter, which: Callable[[str], str | None], pyenv: Path, *, windows: bool
) -> list[list[str]]:
    """Commands that may start a Python 3.13, the likeliest first."""
    found = [[running.executable]] if running.line == _WORKER_VERSION else []
    named = which(f"python{_WORKER_VERSION}")
    launcher = which("py") if windows else None
    found += [[named]] if named else []
    found += [[launcher, f"-{_WORKER_VERSION}"]] if launcher else []
    kept = [path for path in pyenv.glob("versions/*") if re.fullmatch(r"3\.13\.\d+", path.name)]
    kept.sort(key=lambda path: int(path.name.split(".")[2]), reverse=True)
    return found + [[str(path / ("python.exe" if windows else "bin/python"))] for path in kept]


def probe(command: Sequence[str]) -> Interpreter | None:
    """The Python that a command starts, if it starts a Python 3.13: a shim of pyenv may start none."""
    try:
        answer = subprocess.run(
            [*command, "-c", _PROBE],
            env=passed_on(os.environ),
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = answer.stdout.splitlines()
    if answer.returncode or len(lines) != 2:
        return None
    found = Interpreter(*lines)
    return found if found.line == _WORKER_VERSION else None


def worker_interpreter() -> Interpreter | None:
    """The first Python 3.13 that is found on this machine."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates = worker_candidates(this_interpreter(), shutil.which, pyenv, windows=WINDOWS)
    return next((found for found in map(probe, candidates) if found), None)


# ---- Commands


def absolute(text: str) -> str:
    """A path of the caller, who may stand elsewhere than the command will."""
    if not text:
        raise argparse.ArgumentTypeError("a path is needed")
    return os.path.abspath(text)  # noqa: PTH100 -- Path.resolve would follow links


def port(text: str) -> str:
    """A port of this machine; 0 lets the system choose."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port (0 to 65535)")
    return text


def seconds(text: str) -> str:
    """Whole seconds over zero, as the leases of a queue are."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of seconds over 0")
    return text


def parser(command: str) -> argparse.ArgumentParser:
    """The options of one command."""
    made = argparse.ArgumentParser(prog=f"dev.py {command}", allow_abbrev=False)
    if command == "demo":
        made.add_argument("--mail", type=absolute, metavar="DIR", help="deliver the .eml files below DIR")
        made.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
        made.add_argument("--json", type=absolute, metavar="FILE", help="write the figures")
        made.add_argument("--export", type=absolute, metavar="DIR", help="write what the vault holds")
    if command == "bench":
        made.add_argument("names", nargs="*", metavar="NAME", help="by default, all")
        made.add_argument("--long", action="store_true", help="memory: 5,000 small mails, ten minutes")
        made.add_argument("--json", type=absolute, metavar="FILE", help="write the figures")
    if command == "package":
        made.add_argument("--out", type=absolute, metavar="FILE", help="by default .dev/vaultpost.zip")
    if command == "host":
        made.add_argument(
            "--settings", type=absolute, required=True, metavar="FILE", help="a local.settings.json"
        )
        made.add_argument("--port", type=port, metavar="N", help="by default, the system chooses")
        made.add_argument(
            "--lease", type=seconds, metavar="SECONDS", help="of a queue message; 600 by default"
        )
    return made


def options(command: str, arguments: Sequence[str]) -> list[str]:
    """The arguments as they are passed on: checked, paths absolute. Bad ones: a line on it, SystemExit(2)."""
    passed: list[str] = []
    for name, value in vars(parser(command).parse_args(arguments)).items():
        if isinstance(value, list):
            passed += value
        elif value is True:
            passed.append(f"--{name}")
        elif value:
            passed.append(f"--{name}={value}")
    return passed


def demo(arguments: Sequence[str]) -> int:
    """From nothing to filed mail."""
    return in_sandbox(["sandbox.demo", *options("demo", arguments)])


def bench(arguments: Sequence[str]) -> int:
    """What the app's speed is, as ratios."""
    return in_sandbox(["bench", *options("bench", arguments)])


def sandbox(arguments: Sequence[str]) -> int:
    """The local services alone."""
    return in_sandbox(["sandbox", *options("sandbox", arguments)])


def in_sandbox(module: Sequence[str]) -> int:
    """Become a module that starts the services itself."""
    python = ensure(main_environment(this_interpreter()))
    prepare_azurite(python)
    return hand_over([python, "-m", *module], scrubbed(os.environ, DEV))


def host(arguments: Sequence[str]) -> int:
    """The app alone, in the caller's environment."""
    passed = options("host", arguments)
    python = ensure(main_environment(this_interpreter()))
    return hand_over([python, "-m", "sandbox.host", *passed], passed_on(os.environ))


def test(arguments: Sequence[str]) -> int:
    """All tests, or those that the arguments for pytest name."""
    python = ensure(main_environment(this_interpreter()))
    prepare_azurite(python)
    environment = scrubbed(os.environ, DEV)
    interpreter = worker_interpreter()
    if interpreter:
        environment["VAULTPOST_PYTHON313"] = str(ensure(worker_environment(interpreter)))
    else:
        say("The test of Microsoft's own worker is skipped: no Python 3.13 was found.")
    return hand_over([python, "-m", "pytest", *distribution(arguments), *arguments], environment)


def distribution(arguments: Sequence[str]) -> list[str]:
    """Two processes share the files of tests; one alone where tests need the terminal, or xdist is left out.

    A file stays in one process, since its tests share what they start. The files keep their order: the
    longest stand in `tests/e2e` and `tests/protocol`, and no process waits for the other's at the end.
    The caller's own options (`-n 0`) come later, and win.
    """
    words = [word.removeprefix("-p") for word in arguments]
    if any(word in _OF_ONE_PROCESS for word in words):
        return []
    return ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]


def package(arguments: Sequence[str]) -> int:
    """What is deployed, as a ZIP file."""
    passed = options("package", arguments)
    python = ensure(main_environment(this_interpreter()))
    return hand_over([python, "-m", "sandbox.package", *passed], scrubbed(os.environ, DEV))


def lint(arguments: Sequence[str]) -> int:
    """Every check runs, beside the others, even if one of them fails."""
    options("lint", arguments)
    python = ensure(main_environment(this_interpreter()))
    auditor = ensure(audit_environment(this_interpreter()))
    checkov = ensure_if_reachable(checkov_environment(this_interpreter()))
    environment = scrubbed(os.environ, DEV)
    checks: list[tuple[str, list[str | Path], Mapping[str, str], Judge]] = [
        ("ruff check", [python, "-m", "ruff", "check"], environment, by_status),
        ("ruff format", [python, "-m", "ruff", "format", "--check"], environment, by_status),
        ("mypy", [python, "-m", "mypy"], environment, by_status),
        ("bandit", [auditor, "-m", "bandit", *BANDIT], environment, by_status),
        ("pip-audit", [auditor, "-m", "pip_audit", *pip_audit()], for_installing(os.environ), by_findings),
    ]
    if checkov:
        checks.append(("checkov", [python, "-m", "tests.infra.policies", checkov], environment, by_status))
    started, passed = time.monotonic(), True
    ended = run_together([(command, variables) for _, command, variables, _ in checks])
    for (name, *_, judge), (status, output) in zip(checks, ended, strict=True):
        verdict, why = judge(status, output)
        if why:
            print(why)
        print(f"{name}: {verdict} ({time.monotonic() - started:.1f} s)", flush=True)
        passed = passed and verdict != "failed"
    if not checkov:
        print("checkov: not run: the index that pip asks cannot be reached, or has none", flush=True)
    return 0 if passed else 1


def ensure_if_reachable(wanted: VirtualEnvironment) -> Path | None:
    """Its Python; None where no index gives pip what is pinned. Raises PreparationError for all else."""
    try:
        return ensure(wanted)
    except PreparationError as error:
        if _NO_SUCH_PACKAGE in str(error):
            return None
        raise


def by_status(status: int, output: str) -> tuple[str, str]:
    """A verdict, and why: what a check prints is of interest only if it fails."""
    return ("failed", output.rstrip()) if status else ("passed", "")


BANDIT = ("-c", "pyproject.toml", "--quiet", "--recursive", *_SCANNED)


def pip_audit() -> list[str]:
    """Its arguments: what is pinned is all there is, so that nothing has to be resolved or installed."""
    files = [word for name in _AUDITED for word in ("-r", name)]
    cache = str(DEV / "audit-cache")
    return [
        "--no-deps",
        "--disable-pip",
        "--progress-spinner=off",
        "--format=json",
        f"--cache-dir={cache}",
        *files,
    ]


def by_findings(status: int, output: str) -> tuple[str, str]:
    """The verdict on what pip-audit has found: what is accepted in writing does not count.

    Where the data cannot be had, on a machine without network or behind an index that has none, that is
    said, and is no failure.
    """
    found = next((line for line in output.splitlines() if line.startswith('{"dependencies"')), None)
    if found is None:
        if _UNREACHABLE.search(output):
            return "not run: the service with the vulnerabilities cannot be reached", ""
        return "failed", output.rstrip()
    dependencies = json.loads(found)["dependencies"]
    known = [one for one in dependencies if "skip_reason" not in one]
    if not known:
        return "not run: the index has no data on vulnerabilities", ""
    bad = [f"{one['name']} {one['version']}: {told(each)}" for one in known for each in open_findings(one)]
    unknown = len(dependencies) - len(known)
    verdict = f"passed, {unknown} of {len(dependencies)} unknown to the index" if unknown else "passed"
    return ("failed", "\n".join(sorted(set(bad)))) if bad else (verdict, "")


def open_findings(dependency: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What is known against a dependency, less what docs/decisions/dependencies.md accepts with a reason."""
    text = (ROOT / "docs" / "decisions" / "dependencies.md").read_text(encoding="utf-8")
    accepted = set(_ACCEPTED.findall(text))
    return [one for one in dependency["vulns"] if accepted.isdisjoint({one["id"], *one.get("aliases", ())})]


def told(finding: Mapping[str, Any]) -> str:
    """A finding in a line."""
    others = f" ({', '.join(finding['aliases'])})" if finding.get("aliases") else ""
    mended = f", mended in {', '.join(finding['fix_versions'])}" if finding.get("fix_versions") else ""
    return f"{finding['id']}{others}{mended}"


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "demo": demo,
    "test": test,
    "bench": bench,
    "sandbox": sandbox,
    "host": host,
    "lint": lint,
    "package": package,
}


def main(arguments: Sequence[str]) -> int:
    """Run one command; its exit status."""
    reason = too_old(sys.version_info[:2], sys.executable)
    if reason:
        say(reason)
        return 2
    if arguments[:1] in (["--help"], ["-h"]):
        print(USAGE, end="")
        return 0
    if not arguments or arguments[0] not in COMMANDS:
        say(f"unknown command {arguments[0]!r}\n{USAGE}" if arguments else USAGE)
        return 2
    try:
        return COMMANDS[arguments[0]](arguments[1:])
    except PreparationError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("Interrupted.")
        return 130


if __name__ == "__main__":
    obey_termination()
    sys.exit(main(sys.argv[1:]))
