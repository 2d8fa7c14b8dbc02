"""The developers' commands: what is decided before anything is installed or started."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import dev
from sandbox.storage import install as storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

DEV_PY = dev.ROOT / "dev.py"


def interpreter(version: str = "3.11.7") -> dev.Interpreter:
    return dev.Interpreter("python-of-the-machine", version)


@pytest.fixture
def environment(tmp_path: Path) -> dev.VirtualEnvironment:
    """One that is whole, as an installation leaves it."""
    (tmp_path / "requirements.txt").write_text("httpx==0.28.1\n")
    (tmp_path / "requirements-dev.txt").write_text("-r requirements.txt\npytest==9.2.0\n")
    made = dev.VirtualEnvironment(tmp_path / "venv", interpreter(), tmp_path / "requirements-dev.txt")
    made.python.parent.mkdir(parents=True)
    made.python.touch()
    made.marker.write_text(made.fingerprint())
    return made


def command(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, DEV_PY, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )


# ---- Which Python


def test_an_older_python_still_parses_the_file_so_that_it_can_say_so() -> None:
    ast.parse(DEV_PY.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_an_older_python_is_refused_in_one_line_with_its_version() -> None:
    reason = dev.too_old((3, 10), "python3")
    assert reason is not None
    assert "3.11 or newer" in reason
    assert "python3 is 3.10" in reason
    assert "\n" not in reason


@pytest.mark.parametrize("version", [(3, 11), (3, 13), (4, 0)])
def test_a_python_that_is_new_enough_is_taken(version: tuple[int, int]) -> None:
    assert dev.too_old(version, "python3") is None


def test_each_minor_version_has_its_own_environments_and_the_worker_another() -> None:
    made = [
        dev.main_environment(interpreter("3.11.7")),
        dev.main_environment(interpreter("3.13.0")),
        dev.worker_environment(interpreter("3.13.0")),
        dev.checkov_environment(interpreter("3.11.7")),
    ]
    names = ["venv-3.11", "venv-3.13", "venv-3.13-worker", "venv-3.11-checkov"]
    assert [one.directory.name for one in made] == names


def test_python_313_is_looked_for_in_the_running_one_then_by_name_then_in_pyenv(tmp_path: Path) -> None:
    for name in ("3.13.2", "3.13.10", "3.13-dev", "3.12.1", "3.13.0t"):
        (tmp_path / "versions" / name).mkdir(parents=True)
    names = {"python3.13": "shim"}
    found = dev.worker_candidates(interpreter("3.13.1"), names.get, tmp_path, windows=False)
    assert found == [
        ["python-of-the-machine"],
        ["shim"],
        [str(tmp_path / "versions/3.13.10/bin/python")],
        [str(tmp_path / "versions/3.13.2/bin/python")],
    ]


def test_on_windows_python_313_is_also_asked_of_the_launcher(tmp_path: Path) -> None:
    found = dev.worker_candidates(interpreter("3.11.7"), {"py": "py.exe"}.get, tmp_path, windows=True)
    assert found == [["py.exe", "-3.13"]]


@pytest.mark.parametrize(
    "code", ["raise SystemExit(127)", "print('shim')", "print('/usr/bin/python'); print('3.12.1')"]
)
def test_a_command_that_starts_no_python_313_is_passed_over(code: str) -> None:
    """A shim of pyenv stands on PATH for every version that it knows, and fails for those not chosen."""
    assert dev.probe([sys.executable, "-c", code]) is None


def test_a_command_that_does_not_exist_is_passed_over(tmp_path: Path) -> None:
    assert dev.probe([str(tmp_path / "python")]) is None


def test_a_command_that_starts_python_313_is_taken() -> None:
    code = "print('/opt/python'); print('3.13.4')"
    assert dev.probe([sys.executable, "-c", code]) == dev.Interpreter("/opt/python", "3.13.4")


# ---- Whether an environment is whole


def test_an_installed_environment_is_whole(environment: dev.VirtualEnvironment) -> None:
    assert environment.is_whole()


def test_without_its_marker_an_environment_is_made_anew(environment: dev.VirtualEnvironment) -> None:
    """An installation that was interrupted leaves no marker."""
    environment.marker.unlink()
    assert not environment.is_whole()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"0" * 64])
def test_a_marker_of_something_else_does_not_count(
    environment: dev.VirtualEnvironment, content: bytes
) -> None:
    environment.marker.write_bytes(content)
    assert not environment.is_whole()


def test_an_environment_whose_python_was_removed_is_made_anew(environment: dev.VirtualEnvironment) -> None:
    environment.python.unlink()
    assert not environment.is_whole()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_a_changed_pin_makes_the_environment_anew(environment: dev.VirtualEnvironment, name: str) -> None:
    with environment.requirements.with_name(name).open("a") as file:
        file.write("idna==3.20\n")
    assert not environment.is_whole()


def test_another_python_makes_the_environment_anew(environment: dev.VirtualEnvironment) -> None:
    other = dev.VirtualEnvironment(environment.directory, interpreter("3.11.8"), environment.requirements)
    assert not other.is_whole()


def test_removing_takes_the_marker_with_the_rest(environment: dev.VirtualEnvironment) -> None:
    dev.remove(environment)
    assert not environment.directory.exists()
    dev.remove(environment)


def test_a_whole_environment_is_used_without_waiting_for_an_installer(
    environment: dev.VirtualEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev, "DEV", tmp_path)
    with dev.locked(tmp_path / "lock"):
        assert dev.ensure(environment) == environment.python


@pytest.mark.parametrize("failing", ["venv", "pip"])
def test_a_failed_installation_shows_what_was_said_and_leaves_nothing_that_counts(
    failing: str, environment: dev.VirtualEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: Sequence[str | Path], environment: Mapping[str, str]) -> tuple[int, str]:
        wanted.python.parent.mkdir(parents=True, exist_ok=True)
        wanted.python.touch()
        return (1, f"{failing} has no network\n") if command[2] == failing else (0, "")

    wanted = environment
    wanted.marker.unlink()
    monkeypatch.setattr(dev, "DEV", wanted.directory.parent)
    monkeypatch.setattr(dev, "run", run)
    with pytest.raises(dev.PreparationError, match=f"    {failing} has no network"):
        dev.ensure(wanted)
    assert not wanted.is_whole()


def test_a_good_installation_counts(
    environment: dev.VirtualEnvironment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(command: Sequence[str | Path], environment: Mapping[str, str]) -> tuple[int, str]:
        wanted.python.parent.mkdir(parents=True, exist_ok=True)
        wanted.python.touch()
        return 0, ""

    wanted = environment
    wanted.marker.write_text("of older pins")
    (wanted.directory / "leftover").touch()
    monkeypatch.setattr(dev, "DEV", wanted.directory.parent)
    monkeypatch.setattr(dev, "run", run)
    assert dev.ensure(wanted) == wanted.python
    assert wanted.is_whole()
    assert not (wanted.directory / "leftover").exists()
    said = capsys.readouterr()
    assert "Installing what requirements-dev.txt pins" in said.err
    assert said.out == ""


def test_azurite_that_cannot_be_installed_says_what_npm_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(directory: Path, python: str) -> tuple[Path, Path]:
        raise storage.InstallFailed(f"npm has no network, {directory.name}, {python}")

    monkeypatch.setattr(dev, "DEV", tmp_path / ".dev")
    monkeypatch.setattr(storage, "ensure", fail)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(dev.PreparationError, match=r"npm has no network, \.dev, python3"):
        dev.prepare_azurite(Path("python3"))


@pytest.mark.parametrize(
    ("version", "windows", "told"),
    [
        ("3.12.1", False, {"PIP_INDEX_URL"}),
        ("3.14.0", False, {"PIP_INDEX_URL", "3.14.0"}),
        ("3.12.1", True, {"PIP_INDEX_URL", "LongPathsEnabled"}),
    ],
)
def test_the_advice_after_a_failed_installation_fits_the_machine(
    version: str, windows: bool, told: set[str]
) -> None:
    text = dev.advice(interpreter(version), windows=windows)
    assert {word for word in ("PIP_INDEX_URL", "3.14.0", "LongPathsEnabled") if word in text} == told


def test_of_a_long_output_the_end_is_shown() -> None:
    shown = dev.last_lines("\n".join(f"line {number}" for number in range(100)) + "\n\n", count=2)
    assert shown == "    line 98\n    line 99"


# ---- One installer at a time

HOLDER = """
import sys, dev
from pathlib import Path
with dev.locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_lock_is_held_against_another_process_and_freed_by_its_death(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, lock], cwd=dev.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"held"
        with lock.open("ab") as file:
            assert not dev.take(file.fileno())
        holder.kill()
        holder.wait()
    with lock.open("ab") as file:
        assert dev.take(file.fileno())


def test_who_waits_for_the_lock_says_so_and_then_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "lock"
    said: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, lock], cwd=dev.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()

        def say_and_let_go(text: str) -> None:
            said.append(text)
            assert holder.stdin is not None
            holder.stdin.close()

        monkeypatch.setattr(dev, "say", say_and_let_go)
        with dev.locked(lock):
            pass
    assert said == ["Waiting for another dev.py, which is installing ..."]


# ---- What a child's environment holds


def test_the_host_has_the_callers_environment_but_for_what_bends_its_python() -> None:
    passed = dev.passed_on(
        {
            "SSL_CERT_FILE": "authority.pem",
            "AZURE_CLIENT_ID": "00000000-0000-0000-0000-000000000001",
            "https_proxy": "http://proxy:8080",
            "PYTHONPATH": "more",
            "PYTHONHOME": "elsewhere",
            "PYTHONSAFEPATH": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
    )
    assert passed == {
        "SSL_CERT_FILE": "authority.pem",
        "AZURE_CLIENT_ID": "00000000-0000-0000-0000-000000000001",
        "https_proxy": "http://proxy:8080",
        "PYTHONPATH": "more",
        "PYTHONUTF8": "1",
    }


def test_what_the_caller_says_about_utf8_stays() -> None:
    assert dev.passed_on({"PYTHONUTF8": "0"})["PYTHONUTF8"] == "0"


def test_pip_has_the_callers_index_and_proxy_but_installs_nowhere_else() -> None:
    given = {"PIP_INDEX_URL": "https://mirror.example.com", "HTTPS_PROXY": "http://proxy:8080"}
    elsewhere = {"PIP_TARGET": "there", "PIP_USER": "1", "PIP_PREFIX": "there", "PYTHONPATH": "more"}
    assert dev.for_installing({**given, **elsewhere}) == {**given, "PYTHONUTF8": "1"}


@pytest.mark.parametrize(
    "name",
    [
        "AZURE_CLIENT_SECRET",
        "AzureWebJobsStorage",
        "AzureWebJobsStorage__accountName",
        "AzureFunctionsJobHost__logging__logLevel__default",
        "MailStorage",
        "MailStorage__blobServiceUri",
        "GRAPH_CREDENTIAL",
        "VAULTPOST_SOURCES",
        "VAULTPOST_NOTIFICATION_URL",
        "VAULTPOST_PYTHON313",
        "KEY_VAULT_URL",
        "IDENTITY_ENDPOINT",
        "MSI_SECRET",
        "WEBSITE_HOSTNAME",
        "http_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "PYTEST_ADDOPTS",
        "PYTEST_PLUGINS",
        "PYTHONPATH",
        "PYTHONOPTIMIZE",
        "PYTHONWARNINGS",
        "PYTHONDONTWRITEBYTECODE",
    ],
)
def test_tests_do_not_see_what_would_change_the_app_or_them(name: str, tmp_path: Path) -> None:
    assert name not in dev.scrubbed({name: "value"}, tmp_path)


def test_tests_keep_the_rest_and_reach_loopback_without_a_proxy(tmp_path: Path) -> None:
    seen = dev.scrubbed({"PATH": "bin", "NO_PROXY": "example.com", "PYTHONHASHSEED": "7"}, tmp_path)
    assert seen == {
        "PATH": "bin",
        "PYTHONHASHSEED": "7",
        "PYTHONUTF8": "1",
        "NO_PROXY": "localhost,127.0.0.1,::1",
        "no_proxy": "localhost,127.0.0.1,::1",
        "VAULTPOST_DEV_DIRECTORY": str(tmp_path),
    }


# ---- Programs


def test_a_program_gives_its_status_and_all_that_it_printed() -> None:
    code = "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)"
    assert dev.run([sys.executable, "-c", code], os.environ) == (3, "out\nerr\n")


def test_a_long_step_shows_progress(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev, "_HEARTBEAT_SECONDS", 0.05)
    dev.run([sys.executable, "-c", "import time; time.sleep(0.3)"], os.environ)
    said = capsys.readouterr()
    assert "... 0 s" in said.err
    assert said.out == ""


INSTALLER = """
import os, signal, sys, dev
# A shell that starts its jobs in the background has them ignore Ctrl-C, and so would this.
signal.signal(signal.SIGINT, signal.default_int_handler)
dev.obey_termination()
child = "import subprocess, sys; subprocess.call([sys.executable, '-c', *sys.argv[1:]])"
try:
    dev.run([sys.executable, "-c", child, *sys.argv[1:]], os.environ)
except KeyboardInterrupt:
    sys.exit(130)
"""

LONG_STEP = """
import sys, time, dev
from pathlib import Path
lock = Path(sys.argv[1])
with dev.locked(lock):
    lock.with_suffix(".held").touch()
    time.sleep(60)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals between processes")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_installation_leaves_nothing_running(
    number: signal.Signals, status: int, tmp_path: Path
) -> None:
    """The program that pip starts holds a lock, which the system frees at its death."""
    lock = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", INSTALLER, LONG_STEP, lock], cwd=dev.ROOT) as installer:
        while not lock.with_suffix(".held").exists():
            assert installer.poll() is None
            time.sleep(0.02)
        installer.send_signal(number)
        assert installer.wait(timeout=10) == status
    with lock.open("ab") as file:
        assert taken_within(5, file.fileno())


def taken_within(seconds: float, descriptor: int) -> bool:
    deadline = time.monotonic() + seconds
    while not dev.take(descriptor):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


INSTALLING = """
import os, sys, dev
from pathlib import Path
with dev.locked(Path(sys.argv[1])):
    dev.run([sys.executable, "-c", *sys.argv[2:]], os.environ)
"""

PROGRAM = """
import sys, time
from pathlib import Path
going = Path(sys.argv[1])
going.touch()
while going.exists():
    time.sleep(0.02)
"""


@pytest.mark.skipif(os.name == "nt", reason="a lock of Windows belongs to one process")
def test_a_program_that_outlives_its_killed_installer_keeps_the_lock(tmp_path: Path) -> None:
    lock, going = tmp_path / "lock", tmp_path / "going"
    with subprocess.Popen(
        [sys.executable, "-c", INSTALLING, lock, PROGRAM, going], cwd=dev.ROOT
    ) as installer:
        while not going.exists():
            assert installer.poll() is None
            time.sleep(0.02)
        installer.kill()
    with lock.open("ab") as file:
        assert not dev.take(file.fileno())
        going.unlink()
        assert taken_within(5, file.fileno())


HANDED_OVER = """
import os, sys, dev
print(os.getpid(), flush=True)
code = "import os, sys; print(os.getpid(), os.getcwd(), os.environ['GIVEN'], sep='|'); sys.exit(7)"
sys.exit(dev.hand_over([sys.executable, "-c", code], {**os.environ, "GIVEN": "value"}))
"""


def test_the_command_takes_over_with_its_environment_at_the_checkout_and_its_status_is_ours(
    tmp_path: Path,
) -> None:
    """On Linux and macOS it is even the same process, so that every signal to dev.py is a signal to it."""
    done = subprocess.run(
        [sys.executable, "-c", HANDED_OVER],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(dev.ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    first, second = done.stdout.splitlines()
    pid, directory, value = second.split("|")
    assert done.returncode == 7
    assert (Path(directory), value) == (dev.ROOT, "value")
    assert (pid == first) == (os.name == "posix")


# ---- Arguments


def test_the_paths_of_demo_are_the_callers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    passed = dev.options(
        "demo", ["--mail", "mails", "--keep", "--json=figures.json", "--export", "out/../vault"]
    )
    assert passed == [
        f"--mail={tmp_path / 'mails'}",
        "--keep",
        f"--json={tmp_path / 'figures.json'}",
        f"--export={tmp_path / 'vault'}",
    ]


def test_a_demo_without_options_passes_none_on() -> None:
    assert dev.options("demo", []) == []


def test_the_names_of_benches_are_passed_on_as_they_are() -> None:
    assert dev.options("bench", ["start", "file", "--long"]) == ["start", "file", "--long"]


def test_the_settings_of_host_are_the_callers_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    passed = dev.options("host", ["--settings", "local.settings.json", "--port", "0", "--lease", "5"])
    assert passed == [f"--settings={tmp_path / 'local.settings.json'}", "--port=0", "--lease=5"]


@pytest.mark.parametrize(
    ("command_name", "arguments", "told"),
    [
        ("host", [], "--settings"),
        ("host", ["--settings"], "--settings"),
        ("host", ["--settings", ""], "a path is needed"),
        ("host", ["--settings", "x", "--port", "65536"], "'65536' is no port"),
        ("host", ["--settings", "x", "--port", "-1"], "--port"),
        ("host", ["--settings", "x", "--port", "http"], "'http' is no port"),
        ("host", ["--settings", "x", "--lease", "0"], "'0' is no whole number of seconds"),
        ("host", ["--settings", "x", "--lease", "2.5"], "'2.5' is no whole number of seconds"),
        ("host", ["--settings", "x", "--lease", "-1"], "--lease"),
        ("host", ["--settings", "x", "--lease", "long"], "'long' is no whole number of seconds"),
        ("host", ["--set", "x"], "--set"),
        ("demo", ["mails"], "mails"),
        ("demo", ["--mail", ""], "a path is needed"),
        ("sandbox", ["--port", "1"], "--port"),
        ("lint", ["shared"], "shared"),
    ],
)
def test_bad_arguments_end_with_a_line_on_them_before_anything_is_made(
    command_name: str, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        dev.main([command_name, *arguments])
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert told in said.err.splitlines()[-1]
    assert said.out == ""


def test_host_with_bad_arguments_exits_2_and_keeps_standard_output_clean(tmp_path: Path) -> None:
    done = command("host", "--port", "8080", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--settings" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_names_every_command(option: str) -> None:
    done = command(option)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"\n  {name}" in done.stdout for name in dev.COMMANDS)


@pytest.mark.parametrize("arguments", [[], ["deploy"], ["--version"]])
def test_anything_else_ends_with_the_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "usage: python3 dev.py COMMAND" in said.err
    assert all(repr(name) in said.err for name in arguments)


# ---- The processes of `test`

IN_TWO_FILES = {
    "first_test.py": "def test_a(note): note()\ndef test_b(note): note()\n",
    "second_test.py": """
def test_c(note): note()
def test_d(note):
    note()
    assert 'one thing' == 'another'
""",
    "conftest.py": """
import os
from pathlib import Path
import pytest
@pytest.fixture
def note(request):
    return lambda: Path(f"{os.getpid()}-{request.path.stem}.ran").touch()
""",
}


@pytest.mark.parametrize(("options", "processes"), [([], 2), (["-n", "0"], 1)])
def test_each_file_runs_in_one_of_two_processes_and_a_failure_is_shown_whole(
    options: list[str], processes: int, tmp_path: Path
) -> None:
    for name, code in IN_TWO_FILES.items():
        (tmp_path / name).write_text(code)
    arguments = ["-p", "no:cacheprovider", "--rootdir=.", "-ra", *options, "first_test.py", "second_test.py"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *dev.distribution(arguments), *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    ran = sorted(path.stem.split("-") for path in tmp_path.glob("*.ran"))
    assert sorted(file for _, file in ran) == ["first_test", "second_test"], "a file is never split"
    assert len({process for process, _ in ran}) == processes
    assert done.returncode == 1
    assert "E       AssertionError: assert 'one thing' == 'another'" in done.stdout
    assert "FAILED second_test.py::test_d" in done.stdout
    assert "1 failed, 3 passed" in done.stdout


@pytest.mark.parametrize(
    "arguments", [["--pdb"], ["--trace"], ["-s"], ["--capture=no"], ["-p", "no:xdist"], ["-pno:xdist"]]
)
def test_tests_that_need_the_terminal_run_in_one_process(arguments: list[str]) -> None:
    assert dev.distribution(["tests/e2e", *arguments]) == []


def test_the_arguments_for_pytest_come_last_so_that_they_win(monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[Sequence[str | Path]] = []

    def hand_over(command: Sequence[str | Path], environment: Mapping[str, str]) -> int:
        handed.append(command)
        return 5

    monkeypatch.setattr(dev, "ensure", lambda wanted: wanted.python)
    monkeypatch.setattr(dev, "prepare_azurite", lambda python: None)
    monkeypatch.setattr(dev, "worker_interpreter", lambda: None)
    monkeypatch.setattr(dev, "hand_over", hand_over)
    given = ["tests/e2e", "-k", "sweep", "--long", "-n", "4"]
    assert dev.main(["test", *given]) == 5
    (command,) = handed
    assert command[1:3] == ["-m", "pytest"]
    assert command[3:] == [*dev.distribution(given), *given]


# ---- How a command ends


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (dev.PreparationError("pip has no network"), 1, "pip has no network\n"),
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
    ],
)
def test_what_ends_a_command_early_is_said_without_a_traceback(
    error: BaseException,
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(wanted: dev.VirtualEnvironment) -> Path:
        raise error

    monkeypatch.setattr(dev, "ensure", fail)
    assert dev.main(["host", "--settings", "x"]) == status
    assert capsys.readouterr().err == said


LINTS = ["ruff check", "ruff format", "mypy", "bandit", "pip-audit", "checkov"]
CHECKOV = "tests.infra.policies"


@pytest.fixture
def linting(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The words of the commands that fail; every environment is whole."""

    def run_together(
        programs: Sequence[tuple[Sequence[str | Path], Mapping[str, str]]],
    ) -> Iterator[tuple[int, str]]:
        for command, _ in programs:
            failed = bool(failing & set(command))
            said = audited() if "pip_audit" in command else "all is well\n"
            yield int(failed), "the reason\n" if failed else said

    failing: set[str] = set()
    monkeypatch.setattr(dev, "ensure", lambda wanted: wanted.python)
    monkeypatch.setattr(dev, "run_together", run_together)
    return failing


@pytest.mark.parametrize(
    ("failing", "status"),
    [
        (set(), 0),
        ({"check"}, 1),
        ({"mypy"}, 1),
        ({"bandit"}, 1),
        ({CHECKOV}, 1),
        ({"check", "format", "mypy", "bandit", CHECKOV}, 1),
    ],
)
def test_every_check_runs_and_one_that_fails_shows_why(
    failing: set[str], status: int, linting: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    linting.update(failing)
    assert dev.main(["lint"]) == status
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines if ":" in line] == LINTS
    assert len([line for line in lines if ": failed (" in line]) == len(failing)
    assert lines.count("the reason") == len(failing)
    assert "all is well" not in lines


def without_checkov(said: str) -> Callable[[dev.VirtualEnvironment], Path]:
    """As `ensure`, where pip could not install checkov, and said this."""

    def ensure(wanted: dev.VirtualEnvironment) -> Path:
        if wanted.requirements.name == "requirements-checkov.txt":
            raise dev.PreparationError(said)
        return wanted.python

    return ensure


def test_without_an_index_checkov_is_not_run_and_does_not_fail(
    linting: set[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = (
        "ERROR: Could not find a version that satisfies the requirement aiodns==3.6.1 (from versions: none)"
    )
    monkeypatch.setattr(dev, "ensure", without_checkov(said))
    assert dev.main(["lint"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == LINTS
    assert lines[-1].startswith("checkov: not run: ")


@pytest.mark.parametrize(
    "said", ["No space left on device", "requires a different Python: 3.9 not in '>=3.11'"]
)
def test_a_checkov_that_cannot_be_installed_otherwise_fails(
    said: str, linting: set[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev, "ensure", without_checkov(said))
    assert dev.main(["lint"]) == 1
    assert said in capsys.readouterr().err


def test_programs_side_by_side_give_their_answers_in_order() -> None:
    codes = ["import time; time.sleep(0.3); print('slow')", "import sys; print('quick'); sys.exit(3)"]
    programs = [([sys.executable, "-c", code], os.environ) for code in codes]
    assert list(dev.run_together(programs)) == [(0, "slow\n"), (3, "quick\n")]


def test_nothing_of_programs_side_by_side_outlives_who_waits_for_them(tmp_path: Path) -> None:
    """The second one holds a lock, which the system frees at its death."""
    lock = tmp_path / "lock"
    commands = [[sys.executable, "-c", "print('done')"], [sys.executable, "-c", LONG_STEP, str(lock)]]
    ended = dev.run_together([(command, os.environ) for command in commands])
    assert next(ended) == (0, "done\n")
    while not lock.with_suffix(".held").exists():
        time.sleep(0.02)
    ended.close()
    with lock.open("ab") as file:
        assert taken_within(5, file.fileno())


# ---- What the audit says


def audited(*findings: Mapping[str, object], skipped: int = 0) -> str:
    """What pip-audit prints, of one package that it knows and others that it does not."""
    known = {"name": "a", "version": "1.0", "vulns": list(findings)}
    unknown = [{"name": f"b{number}", "skip_reason": "not found"} for number in range(skipped)]
    return f"WARNING: no hashes\n{json.dumps({'dependencies': [known, *unknown], 'fixes': []})}\n"


FOUND = {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-11", "GHSA-aaaa"], "fix_versions": ["1.1"]}


def test_a_vulnerability_fails_with_its_id_and_what_mends_it() -> None:
    verdict, why = dev.by_findings(1, audited(FOUND))
    assert (verdict, why) == ("failed", "a 1.0: PYSEC-2026-1 (CVE-2026-11, GHSA-aaaa), mended in 1.1")


def test_without_a_vulnerability_it_passes_and_says_what_it_does_not_know() -> None:
    assert dev.by_findings(0, audited()) == ("passed", "")
    assert dev.by_findings(0, audited(skipped=2)) == ("passed, 2 of 3 unknown to the index", "")


ROW = "| CVE-2026-11 | a | only who can write the settings can reach it |\n"


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (ROW, "passed"),
        (ROW.replace("CVE-2026-11", "PYSEC-2026-1"), "passed"),
        (ROW.replace("CVE-2026-11", "CVE-2026-1"), "failed"),
        ("| CVE-2026-11 | a | |\n", "failed"),
    ],
)
def test_what_is_accepted_with_a_reason_in_writing_does_not_fail(
    row: str, verdict: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    (tmp_path / "docs" / "decisions").mkdir(parents=True)
    (tmp_path / "docs" / "decisions" / "dependencies.md").write_text(
        f"| id | package | why |\n|---|---|---|\n{row}"
    )
    assert dev.by_findings(1, audited(FOUND))[0] == verdict


@pytest.mark.parametrize(
    "output",
    [
        "Traceback ...\nrequests.exceptions.ConnectionError: HTTPSConnectionPool(host='pypi.org')\n",
        "ERROR:pip_audit._cli:ConnectionError: Could not connect to PyPI's vulnerability feed\n",
        json.dumps({"dependencies": [{"name": "b", "skip_reason": "not found"}], "fixes": []}),
    ],
)
def test_without_the_data_the_audit_is_not_run_and_does_not_fail(output: str) -> None:
    verdict, why = dev.by_findings(1, output)
    assert verdict.startswith("not run: ")
    assert why == ""


def test_an_audit_that_breaks_otherwise_fails() -> None:
    said = "pip-audit: error: unrecognized arguments\n"
    assert dev.by_findings(2, said) == ("failed", said.rstrip())


def test_the_pins_of_the_app_count_only_where_they_are_installed(tmp_path: Path) -> None:
    prints = []
    for pins in (b"a==1\n", b"a==2\n"):
        (tmp_path / "requirements.txt").write_bytes(pins)
        for name, text in (("dev", b"-r requirements.txt\nb==1\n"), ("audit", b"c==1\n")):
            file = tmp_path / f"requirements-{name}.txt"
            file.write_bytes(text)
            prints.append(dev.VirtualEnvironment(tmp_path, dev.this_interpreter(), file).fingerprint())
    dev_before, audit_before, dev_after, audit_after = prints
    assert dev_before != dev_after
    assert audit_before == audit_after
