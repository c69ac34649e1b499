"""Write what a wheel of ours brings with it as CycloneDX JSON: every package of all extras, and htmx.

python scripts/make_sbom.py WHEEL SBOM

The packages are those of a clean environment into which the wheel was just installed, read by cyclonedx-bom from
an environment of its own. Both are made in a folder that is deleted afterwards.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
EXTRAS = "winrm,fleet,console"
TOOL = "cyclonedx-bom>=5,<8"


def main(wheel: str, sbom: str) -> None:
    with tempfile.TemporaryDirectory(prefix="handrail-sbom-") as folder:
        ours, tool = Path(folder, "ours"), Path(folder, "tool")
        for path, wanted in ((ours, f"{Path(wheel).absolute()}[{EXTRAS}]"), (tool, TOOL)):
            venv.create(path, with_pip=True)
            _pip(path, "install", wanted)
        _pip(ours, "uninstall", "--yes", "pip", "setuptools", "wheel")
        bare = Path(folder, "bom.json")
        options = (
            "--pyproject",
            "pyproject.toml",
            "--mc-type",
            "application",
            "--output-reproducible",
            "--short-PURLs",
        )
        command = [tool / "bin" / "cyclonedx-py", "environment", *options, "-o", bare, ours / "bin" / "python"]
        subprocess.run([*map(str, command)], cwd=ROOT, check=True)
        found = json.loads(bare.read_text("utf-8"))
    Path(sbom).write_text(json.dumps(_completed(found), indent=2) + "\n", "utf-8")
    print(f"{sbom}: {len(found['components'])} components")


def _pip(environment: Path, *arguments: str) -> None:
    command = [str(environment / "bin" / "python"), "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check"]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL if arguments[0] == "uninstall" else None)


def _completed(found: dict[str, Any]) -> dict[str, Any]:
    """With htmx, which no package manager knows of, and without where things lay on this machine."""
    for one in found["components"]:
        kept = [link for link in one.get("externalReferences", []) if not link.get("url", "").startswith("file:")]
        if kept:
            one["externalReferences"] = kept
        else:
            one.pop("externalReferences", None)
    hook = (ROOT / "hatch_build.py").read_text("utf-8")
    version, digest = _named(r"Of htmx ([\d.]+[\d])", hook), _named(r'SHA256 = "(\w+)"', hook)
    htmx = {
        "type": "library",
        "bom-ref": f"htmx.org=={version}",
        "name": "htmx.org",
        "version": version,
        "purl": f"pkg:npm/htmx.org@{version}",
        "hashes": [{"alg": "SHA-256", "content": digest}],
        "licenses": [{"license": {"id": "0BSD"}}],
        "description": "within the wheel: handrail/console/static/htmx.min.js",
    }
    found["components"] = sorted([*found["components"], htmx], key=lambda one: str(one["name"]).lower())
    found["dependencies"].append({"ref": htmx["bom-ref"]})
    return found


def _named(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise SystemExit(f"hatch_build.py no longer says which htmx it brings: {pattern}")
    return found[1]


if __name__ == "__main__":
    main(*sys.argv[1:])
