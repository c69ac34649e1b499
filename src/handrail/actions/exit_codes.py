"""What exit codes of Windows tools mean: data alone.

Windows Installer: Microsoft, "Windows Installer error messages" (win32/msi/error-codes). Service control: Microsoft,
"System error codes". An exit code is a hint for people and for remedies; it proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Class = Literal["ok", "restart", "restarting", "busy", "cancelled", "absent", "medium", "policy", "failed"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """`restart`: it worked, after a restart. `restarting`: it worked and the machine is going down now. `busy`: try
    again later. `medium`: the package, patch or its source is not right."""

    name: str
    kind: Class
    says: str


INSTALLER: Mapping[int, Meaning] = {
    0: Meaning("SUCCESS", "ok", "it reported success"),
    1601: Meaning("SERVICE_FAILURE", "failed", "the Windows Installer service could not be reached"),
    1602: Meaning("USEREXIT", "cancelled", "somebody cancelled it"),
    1603: Meaning("FAILURE", "failed", "it failed; its log says why above 'Return value 3'"),
    1605: Meaning("UNKNOWN_PRODUCT", "absent", "the product is not installed here"),
    1612: Meaning("SOURCE_ABSENT", "medium", "the installation source of the product is not there"),
    1618: Meaning("ALREADY_RUNNING", "busy", "another installation is in progress"),
    1619: Meaning("PACKAGE_OPEN_FAILED", "medium", "the package could not be opened"),
    1620: Meaning("PACKAGE_INVALID", "medium", "the package is no valid one"),
    1624: Meaning("TRANSFORM_FAILURE", "medium", "a transform could not be applied"),
    1625: Meaning("PACKAGE_REJECTED", "policy", "a policy of this system forbids it"),
    1627: Meaning("FUNCTION_FAILED", "failed", "a function failed while it ran"),
    1633: Meaning("PLATFORM_UNSUPPORTED", "medium", "the package is for another processor"),
    1635: Meaning("PATCH_PACKAGE_OPEN_FAILED", "medium", "the patch could not be opened"),
    1636: Meaning("PATCH_PACKAGE_INVALID", "medium", "the patch is no valid one"),
    1638: Meaning("PRODUCT_VERSION", "failed", "another version of the product is installed already"),
    1639: Meaning("INVALID_COMMAND_LINE", "failed", "Windows Installer did not understand its command line"),
    1641: Meaning("REBOOT_INITIATED", "restarting", "it worked and the machine is restarting"),
    1642: Meaning(
        "PATCH_TARGET_NOT_FOUND", "medium", "the patch is for another build, or the product is not installed"
    ),
    1643: Meaning("PATCH_PACKAGE_REJECTED", "policy", "a policy of this system forbids the patch"),
    1644: Meaning("TRANSFORM_REJECTED", "policy", "a policy of this system forbids a transform"),
    1646: Meaning("PATCH_REMOVAL_UNSUPPORTED", "failed", "the patch cannot be uninstalled"),
    1647: Meaning("UNKNOWN_PATCH", "absent", "the patch is not applied here"),
    1648: Meaning("PATCH_NO_SEQUENCE", "medium", "there is no order in which these patches can be applied"),
    3010: Meaning("REBOOT_REQUIRED", "restart", "it worked; a restart will complete it"),
}

SERVICE: Mapping[int, str] = {
    5: "access is denied",
    1051: "services that are running depend on it",
    1052: "it does not take that request",
    1053: "it did not answer in time",
    1055: "the service database is locked",
    1056: "it is running already",
    1058: "it is disabled",
    1060: "there is no such service",
    1061: "it cannot take requests at this time",
    1062: "it has not been started",
    1068: "a service that it depends on did not start",
    1069: "its account could not log on: wrong password, or no right to log on as a service",
    1072: "it is marked for deletion",
    1115: "the machine is shutting down",
}

NEEDS_RESTART = tuple(code for code, meaning in INSTALLER.items() if meaning.kind in ("restart", "restarting"))


def installer(code: int) -> Meaning:
    """Setup programs that are no Windows Installer package mostly use its codes; others count as failures."""
    return INSTALLER.get(code, Meaning(str(code), "failed", f"it ended with exit code {code}"))


def service(code: int) -> str:
    return SERVICE.get(code, f"exit code {code}")
