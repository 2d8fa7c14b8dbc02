"""The checks of others over the templates, where they are at hand."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .templates import BICEP, ROOT, TERRAFORM

SCHEMAS = ("cdktn-provider-azurerm==18.9.0", "cdktn-provider-azuread==17.1.0")
"""Generated from the providers' own schemas: azurerm 5.10."""
TOOLS = ROOT.parent / "shared/tools"


def _run(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    return output


@pytest.mark.skipif(not TOOLS.exists(), reason="the published types of Azure are not at hand")
def test_bicep_has_only_what_azure_publishes() -> None:
    output = _run(sys.executable, TOOLS / "check_bicep.py", *sorted(BICEP.rglob("*.bicep")))
    assert output.splitlines()[-1] == "nothing found"


@pytest.fixture(scope="module")
def schemas() -> Path:
    """The wheels that carry the providers' schemas, downloaded once; without them the test is skipped."""
    folder = Path(os.environ.get("VAULTPOST_DEV_DIRECTORY", ROOT / ".dev")) / "terraform-schemas"
    if len(list(folder.glob("*.whl"))) < len(SCHEMAS):
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
        # The tests' own authority knows no package index.
        own = {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"}
        environment = {name: value for name, value in os.environ.items() if name not in own}
        done = subprocess.run(
            [*pip, *SCHEMAS], env=environment, capture_output=True, timeout=120, check=False
        )
        if done.returncode:
            pytest.skip("the providers' schemas cannot be downloaded")
    return folder


@pytest.mark.skipif(not TOOLS.exists(), reason="the check of the providers' schemas is not at hand")
def test_terraform_has_only_what_its_providers_know(schemas: Path) -> None:
    output = _run(sys.executable, TOOLS / "check_terraform.py", TERRAFORM, TF_SCHEMAS=str(schemas))
    assert output.splitlines()[-1] == "nothing found"


@pytest.mark.skipif(not shutil.which("terraform"), reason="there is no terraform on this machine")
def test_terraform_is_formatted() -> None:
    _run("terraform", "fmt", "-check", "-recursive", TERRAFORM, CHECKPOINT_DISABLE="1")
