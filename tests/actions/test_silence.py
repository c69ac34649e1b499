"""What holds for every action alike: silence is never success, and garbage never breaks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support import virtual_time
from tests.support.scripted_host import ScriptedHost, receipt

from handrail.actions import ACTIONS, build
from handrail.actions.catalogue import EVERYWHERE, WINDOWS
from handrail.actions.protocol import InDoubt
from handrail.hosts.protocol import Exited, Lost, Outcome, TimedOut

PATCH = {"folder": "E:\\Sync", "patch": "sp3.msp", "product": "MIM*", "build": "4.7.12.0", "log": "C:\\l.txt"}
KEPT = {"file": "C:\\a.config", "kept": "D:\\kept\\customised\\a.config", "sha256": "ab" * 32}
SAMPLES: Mapping[str, Mapping[str, Any]] = {
    "barrier": {},
    "config.decide": KEPT,
    "config.keep": {"file": "C:\\a.config", "to": "D:\\kept"},
    "config.merge": KEPT,
    "config.prove": {"kept": KEPT["kept"], "sha256": KEPT["sha256"]},
    "config.redirects": {"file": "C:\\a.config", "assembly": "A"},
    "config.restore": KEPT,
    "drive.map": {"drive": "E:", "folder": "C:\\Patch"},
    "drive.unmap": {"drive": "E:"},
    "file.copy": {"source": "D:\\", "subfolder": "Sync", "name": "a.msi", "target": "E:\\Sync"},
    "file.version": {"file": "C:\\a.exe", "build": "4.7.12.0"},
    "folder.backup": {"folder": "C:\\Sync", "to": "D:\\Backup"},
    "folder.compare": {"folder": "C:\\Sync", "manifest": "D:\\Backup\\manifest.txt"},
    "folder.copy": {"source": "D:\\", "subfolder": "Sync", "target": "E:\\Sync"},
    "folder.prove": {"folder": "C:\\Sync", "backup": "D:\\Backup\\files"},
    "folder.remove_copies": {"folder": "C:\\Patch", "files": {"a.msi": "ab" * 32}},
    "folder.restore": {"folder": "C:\\Sync", "backup": "D:\\Backup\\files"},
    "hold": {"question": "Go on?"},
    "host.reboot": {"patience": 0},
    "host.system_state": {"hours": 24},
    "iis.start": {},
    "iis.stop": {},
    "installer.check_package": {"folder": "E:\\Sync", "name": "a.msi", "version": "4.6.673.0"},
    "installer.extract": {"package": "E:\\a.msi", "to": "D:\\Unpacked"},
    "installer.install": {"package": "E:\\a.msi", "product": "MIM*", "build": "4.7.12.0", "log": "C:\\l.txt"},
    "installer.patch": {**PATCH, "file": "C:\\miiserver.exe"},
    "installer.source": {"product": "MIM*"},
    "installer.uninstall": {"product": "IIFP*", "file": "C:\\miiserver.exe", "keeps": ["C:\\a"], "log": "C:\\l.txt"},
    "job.ended": {"job": "20261120-1/it/app@a/2/patch/1", "patience": 0},
    "keys.export": {"tool": "C:\\miiskmu.exe", "to": "D:\\Backup", "account": "C\\svc", "password": "env:KEY"},
    "keys.import": {"tool": "C:\\k.exe", "file": "D:\\keys.bin", "account": "C\\svc", "password": "env:KEY"},
    "keys.prove": {"file": "D:\\keys.bin", "sha256": "ab" * 32},
    "language_pack.present": {"product": "MIM*Language Pack", "locales": ["de"]},
    "language_pack.remove": {"product": "MIM*Language Pack", "log": "C:\\l.txt"},
    "media.close": {"path": "C:\\sp2.iso", "kind": "iso"},
    "media.not_mounted": {"path": "C:\\sp2.iso", "label": "MIM-X22"},
    "media.open": {"path": "C:\\sp2.iso", "kind": "iso"},
    "os.supported": {"in": ["windows-server-2019"]},
    "person.do": {"instructions": ["Open the wizard."]},
    "portal.answers": {"url": "https://portal/identity"},
    "product.version": {"product": "MIM*", "build": "4.7.12.0", "file": "C:\\miiserver.exe"},
    "rcdc.compare": {"address": "http://svc:5725", "before": "D:\\resources.xml"},
    "rcdc.decide": {"address": "http://svc:5725", "before": "D:\\resources.xml"},
    "rcdc.export": {"address": "http://svc:5725", "to": "D:\\Backup"},
    "rcdc.resubmit": {"address": "http://svc:5725", "before": "D:\\resources.xml"},
    "registry.export": {"keys": ["HKLM\\SOFTWARE\\X"], "file": "D:\\x.reg"},
    "registry.import": {"files": ["D:\\x.reg"]},
    "registry.prove": {"files": ["D:\\x.reg"], "sha256": ["ab" * 32]},
    "registry.remove_values": {"root": "HKLM\\SOFTWARE\\X", "data": "MIM-X22", "backup": "D:\\x.reg"},
    "restore": {"asset": "database:sync-db"},
    "secret.open": {"file": "D:\\keys.bin.age", "sha256": "ab" * 32, "to": "D:\\keys.bin"},
    "secret.seal": {"file": "D:\\keys.bin", "sha256": "ab" * 32},
    "secret.shred": {"file": "D:\\keys.bin"},
    "service.log_clean": {"providers": ["MsiInstaller"]},
    "service.object_update": {"address": "http://svc:5725", "object": "7fb2b853"},
    "service.running": {"name": "FIMService"},
    "service.start": {"name": "FIMService", "patience": 0},
    "service.stop": {"name": "FIMService", "patience": 0},
    "software.install": {"path": "C:\\ndp48.exe", "arguments": ["/q"], "detect": {"uninstall": "Driver*"}},
    "software.present": {"detect": {"key": "HKLM\\SOFTWARE\\X", "value": "Release", "at_least": "528040"}},
    "sqlserver.backup": {"server": "sql01", "database": "FIMService", "to": "D:\\Backup"},
    "sqlserver.count": {"server": "sql01", "database": "FIMService"},
    "sqlserver.files": {"server": "sql01", "database": "FIMService", "tool": "osql"},
    "sqlserver.online": {"server": "sql01", "database": "FIMService"},
    "sqlserver.prove": {"server": "sql01", "database": "FIMService", "file": "D:\\a.bak"},
    "sqlserver.prove_restored": {"server": "sql01", "database": "FIMService", "file": "D:\\a.bak"},
    "sqlserver.restore": {"server": "sql01", "database": "FIMService", "file": "D:\\a.bak"},
    "sqlserver.rows_kept": {"server": "sql01", "database": "FIMService", "before": {"objects": 3}},
    "sync.agents": {"agents": ["HR"]},
    "sync.compare_configuration": {"before": "D:\\a", "after": "D:\\b"},
    "sync.compare_space": {"before": "D:\\a", "after": "D:\\b"},
    "sync.export_configuration": {"to": "D:\\Backup", "tool": "C:\\svrexport.exe"},
    "sync.export_space": {"to": "D:\\Backup", "agents": ["HR"]},
    "sync.import": {"agents": ["HR"], "profile": "Full Import"},
    "sync.pending": {"folder": "D:\\a"},
    "vmm.answers": {"name": "vmm", "server": "sql01", "database": "VirtualManagerDB"},
    "vmm.installed": {"part": "server", "build": "4.0.1662.0", "server": "sql01", "database": "VirtualManagerDB"},
    "vmm.rollup": {"part": "server", "folder": "C:\\a", "patch": "a.msp", "build": "3.2.8145.0", "log": "C:\\l.txt"},
    "vmm.setup": {"mode": "uninstall", "part": "client", "build": "4.0.1662.0"},
    "wsman.compare": {},
    "wsman.set": {},
    "sync.search_space": {"folder": "D:\\a", "agent": "HR", "name": "CN=a"},
}
ASK_THE_HOST = sorted(set(WINDOWS) - {"host.reboot"})


def test_every_action_of_windows_and_of_people_is_sampled_here() -> None:
    assert set(SAMPLES) == set(WINDOWS) | set(EVERYWHERE)
    assert set(SAMPLES) <= set(ACTIONS)


@pytest.mark.parametrize("silence", [Lost("the line broke"), TimedOut(60)], ids=["lost", "timed-out"])
@pytest.mark.parametrize("uses", sorted(WINDOWS))
def test_a_silent_host_is_unknown_never_done(uses: str, silence: Outcome) -> None:
    action = build(uses, SAMPLES[uses])

    seen = virtual_time.run(action.observe(ScriptedHost(otherwise=silence), receipt(KEY="hunter2")))

    assert seen.state != "done"
    if isinstance(silence, Lost):
        assert seen.state == "unknown" and seen.because


@pytest.mark.parametrize(
    "uses", sorted(name for name in WINDOWS if ACTIONS[name].kind not in ("check", "prove", "person"))
)
def test_acting_on_a_silent_host_leaves_us_in_doubt(uses: str) -> None:
    """A job may take hours, and is asked after for as long."""
    action = build(uses, SAMPLES[uses])

    with pytest.raises(InDoubt):
        virtual_time.run(action.act(ScriptedHost(otherwise=Lost("the line broke")), receipt(KEY="hunter2")))


GARBAGE = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(lambda text: text.encode("utf-16")),
    st.text("HKEY_LM\\ REG_SZDWORD0123456789abcdef:|=-.,\r\n*[]{}\"'", max_size=200).map(str.encode),
)


@pytest.mark.parametrize("uses", ASK_THE_HOST)
@given(out=GARBAGE, code=st.sampled_from([0, 1, 3, 5, 87, 1060, 9009, -1]))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_garbage_is_an_observation_like_any_other(uses: str, out: bytes, code: int) -> None:
    """Whatever a tool prints, observing says something and raises nothing."""
    action = build(uses, SAMPLES[uses])
    host = ScriptedHost(otherwise=Exited(code, out, out))

    seen = virtual_time.run(action.observe(host, receipt()))

    assert seen.state in ("done", "not_done", "unknown")
    assert seen.because


@pytest.mark.parametrize("uses", ASK_THE_HOST)
def test_a_tool_that_is_not_there_is_no_success(uses: str) -> None:
    host = ScriptedHost(otherwise=Exited(9009, b"", b"'sc' is not recognized as an internal or external command"))

    seen = virtual_time.run(build(uses, SAMPLES[uses]).observe(host, receipt()))

    assert seen.state != "done" or uses == "media.close"
