"""How customisations are kept, compared and brought back by hand: configuration, forms and texts, language packs."""

from __future__ import annotations

from collections.abc import Mapping

from handrail.reporting.byhand_entry import ByHand

_SNAPIN = "Add-PSSnapin FIMAutomation; "
_EXPORT = (
    'powershell -Command "' + _SNAPIN + "Export-FIMConfig -Uri {address} -CustomConfig "
    "'/ObjectVisualizationConfiguration','/ConstantSpecifier' -OnlyBaseResources -AllLocales -MessageSize 99999999 | "
)

CUSTOMISED: Mapping[str, ByHand] = {
    "config.keep": ByHand(
        (r'copy "{file}" "{to}\NEWFOLDER"',),
        (r'certutil -hashfile "{file}" SHA256',),
        "The copy has the same hash; note both, and the file's path as kept. If {stock?} holds the file as it shipped, "
        "copy that too and note it as stock_old; else nobody knows it.",
        back_says="Copy the file that was kept over the one that it was copied from, and compare their hashes.",
    ),
    "config.prove": ByHand(look=('certutil -hashfile "{kept}" SHA256',), expect="The hash is {sha256}."),
    "config.merge": ByHand(
        expect="Compare three files line by line: {stock_old?} (as the old version shipped it, if it is known), {kept} "
        "(as you had it) and what the new version ships ({stock_new?}, or {file} itself if setup replaced it). "
        "Everything that only you changed is in {file} now, and everything that only the new version brings. What both "
        "changed is left to the next step: write your proposal into a file beside {kept}. Note for each change whether "
        "it was carried, merged or dropped, and why."
    ),
    "config.decide": ByHand(
        (r'notepad "{file}"',),
        expect="Each question is settled in {file}, and nothing that was merged without a question is lost. "
        "Proposed is {proposal}. Asked is: {questions}.",
    ),
    "config.redirects": ByHand(
        (r'notepad "{file}"',),
        expect="Under runtime, assemblyBinding there is a bindingRedirect of {assembly} (publicKeyToken {token?}) "
        "whose oldVersion covers {covers}. Its newVersion is the version of the assembly that is installed.",
    ),
    "installer.extract": ByHand(
        (r'msiexec /a "{package}" TARGETDIR="{to}\NEWFOLDER" /qn',),
        expect="The new folder holds the files of the package; nothing is installed. Note the folder's name.",
    ),
    "folder.compare": ByHand(
        (r"for /r {folder} %f in (*) do @certutil -hashfile %f SHA256",),
        expect="Each file that {manifest} lists has the hash and size that stand there. Only these count: {only}. "
        "Setup may have replaced these: {of_setup}.",
    ),
    "language_pack.present": ByHand(
        ("appwiz.cpl",),
        expect="Programs and Features lists one product like {product}. Below {folder} there is a folder with files "
        "for each of these: {locales}. Where a locale has a new name, its folder has that: {renamed}.",
    ),
    "language_pack.remove": ByHand(
        ("appwiz.cpl", "msiexec /x PRODUCTCODE REBOOT=ReallySuppress /qn /norestart /l*v {log}"),
        expect="Remove {product}, there or by its product code. Then it is not listed any more.",
    ),
    "rcdc.export": ByHand(
        (_EXPORT + 'ConvertFrom-FIMResource -File {to}\\NEWFILE.xml"',),
        expect="The file holds every ObjectVisualizationConfiguration, with its StringResources once for each locale. "
        "Note the file's name.",
    ),
    "rcdc.compare": ByHand(
        (_EXPORT + 'ConvertFrom-FIMResource -File AFTER.xml"',),
        expect="Compare AFTER.xml with {before}, object by object, attribute by attribute, locale by locale. A locale "
        "may have a new name: {renamed}. Note every value that is another one now. You changed these: {customised}. "
        "What an unchanged service had is in {stock_old}.",
    ),
    "rcdc.resubmit": ByHand(
        expect="In the portal, under Resource Control Display Configurations, each value of {before} that you had "
        "changed is there again, in each locale. Where {stock_old} shows what was yours, only that is put into what "
        "the new version brings. You changed these: {customised}. Note what you cannot tell."
    ),
    "rcdc.decide": ByHand(
        expect="Each question is settled in the portal, under Resource Control Display Configurations. "
        "Asked is: {questions}."
    ),
}
