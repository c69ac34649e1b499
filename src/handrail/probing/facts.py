"""Facts that no probe reads: why not, and how a person would settle them. Whatever else guides ask for is read.

A reason says one of three things: it is a wish, only people know it, or no tool that is there on every host tells it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NotRead:
    because: str
    settle: str = ""


_WISH = NotRead("it is a wish, not something that is")
_WISHES = ("window", "revision", "refresh", "databases", "library_share", "installations", "prefer", "to")
CHOICE = "it is yours to choose"

NOT_READ: Mapping[str, Mapping[str, NotRead]] = {
    "aim": dict.fromkeys(_WISHES, _WISH),
    "account": {
        "hardened": NotRead(
            "it stands in the security policy of the host, which only an administrator's export shows",
            r"secedit /export /areas USER_RIGHTS /cfg rights.inf, then look for SeDeny...Logon...Right",
        ),
        "member_of": NotRead("the directory tells it, in words that Windows translates", "net user NAME /domain"),
        "password": NotRead("secrets are never read; name where yours lies, such as keyring:SERVICE/USER"),
    },
    "installation": {
        "groups": NotRead(
            "which group has which role was said to setup, and its tool shows it",
            "the options of the product's console",
        ),
        "customisations": NotRead("only people know what they have changed on purpose"),
        "changed_objects": NotRead("only people know what they have changed on purpose"),
        "stock": NotRead("only people know where they keep the files as they were shipped"),
        "stock_forms": NotRead("only people know where they keep the forms as they were shipped"),
        "language_pack_folder": NotRead("only people know whether they put it elsewhere"),
        "extensions_of_setup": NotRead("only people know which files of setup they have left alone"),
        "service_address": NotRead("clients and portals name it in settings and pages of their own", "ping NAME"),
        "test_agents": NotRead(CHOICE),
        "test_searches": NotRead(CHOICE),
        "test_profile": NotRead(CHOICE),
        "test_object": NotRead(CHOICE),
        "test_user": NotRead(CHOICE),
        # What its publisher shows of its registry (KB3139299, "Back up and restore VMM") is the service account, names,
        # the database and ports, and no container.
        "key_storage": NotRead(
            "setup was told; no value of its registry that is documented says it, and none of its cmdlets",
            r"findstr /i TopContainerName %ProgramData%\VMMLogs\SetupWizard.log (there is one: dkm; none: dpapi)",
        ),
        "dkm_container": NotRead(
            "it lies in the directory, and who may write to it only that account can try",
            "dsquery * CONTAINER -scope base, as the account that will run setup",
        ),
        "encrypted_settings": NotRead(
            "no cmdlet lists them: they are spread over profiles, service templates and deployed services",
            "VMM console, Library: Profiles and Templates; VMs and Services: properties of each service",
        ),
        "update_rollup": NotRead("the list of products keeps the number of the release", "the product's own About box"),
        "other_servers": NotRead("only people know which servers belong together"),
        "new_data_dir": NotRead(CHOICE),
        "backup_dir": NotRead(CHOICE),
        "encrypted_columns": NotRead("only people know what is encrypted, and where its key lies"),
        "old_cluster": NotRead(CHOICE),
    },
    "media": {
        name: NotRead("media are yours to name: discovery does not look through disks for them")
        for name in ("release", "kind", "host", "label", "architecture", "language", "build", "path")
    },
}
"""By scope and name, as guides declare them."""

READ: Mapping[str, frozenset[str]] = {
    "host": frozenset(
        (
            *("os", "software", "service_pack", "key_sets", "deleted_profiles", "mounted_media", "wsman"),
            *("system_state_backup_age_days", "computer_name"),
        )
    ),
    "database": frozenset(("host", "name", "instance", "version", "alias")),
    "account": frozenset(("name", "kind")),
    "installation": frozenset(
        (
            *("build", "release", "database", "account", "architecture", "language", "language_packs"),
            "library_servers",
            *("bin_dir", "data_dir", "user", "config_dir", "port", "socket_dir", "databases", "extensions"),
            *("target_extensions", "locale", "encoding", "checksums", "replication_slots", "prepared_transactions"),
            *("tablespaces", "size_bytes", "free_bytes"),
        )
    ),
}
"""What probes read."""
