"""The few things that no console tool of Windows does: short PowerShell scripts, reviewed one by one.

Their arguments are texts, quoted by `command`; nothing else is ever put into a script. The pretend Windows recognises
a script by its text (`recognise`), so a change here needs no change there, and none of them is ever parsed.

A script exits with `ABSENT` when the file or folder that it was asked about is not there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from handrail.hosts.protocol import Command

ABSENT = 3

_SHELL = ("powershell", "-NoProfile", "-NonInteractive", "-Command")
_START = "$ErrorActionPreference='Stop';[Console]::OutputEncoding=[Text.Encoding]::UTF8;"

SCRIPTS: Mapping[str, str] = {
    # FILE -> four numbers. VersionInfo.FileVersion may carry words, its parts cannot.
    "file-version": "param($file)"
    + _START
    + "if(-not(Test-Path -LiteralPath $file)){exit 3};"
    + "$v=(Get-Item -LiteralPath $file -Force).VersionInfo;"
    + "'{0}.{1}.{2}.{3}' -f $v.FileMajorPart,$v.FileMinorPart,$v.FileBuildPart,$v.FilePrivatePart",
    # FOLDER or FILE -> one line for each file: SHA-256|bytes|path below the folder (of a single file: its name).
    # Get-FileHash came with PowerShell 4; Windows Server 2003 and 2008 have older ones.
    "hash-tree": "param($root)"
    + _START
    + "if(-not(Test-Path -LiteralPath $root)){exit 3};"
    + "$r=Get-Item -LiteralPath $root -Force;$cut=$r.FullName.TrimEnd('\\').Length+1;"
    + "if(-not $r.PSIsContainer){$cut=$r.FullName.Length-$r.Name.Length};"
    + "$h=[Security.Cryptography.SHA256]::Create();"
    + "Get-ChildItem -LiteralPath $root -Recurse -Force|Where-Object{-not $_.PSIsContainer}|ForEach-Object{"
    + "$s=[IO.File]::Open($_.FullName,'Open','Read','ReadWrite');"
    + "try{$d=[BitConverter]::ToString($h.ComputeHash($s)).Replace('-','')}finally{$s.Close()};"
    + "'{0}|{1}|{2}' -f $d,$_.Length,$_.FullName.Substring($cut)}",
    # FOLDER -> one line for each file below it that somebody keeps open; a read-only one is never opened for writing.
    "files-in-use": "param($root)"
    + _START
    + "if(-not(Test-Path -LiteralPath $root)){exit 3};"
    + "$cut=(Get-Item -LiteralPath $root -Force).FullName.TrimEnd('\\').Length+1;"
    + "Get-ChildItem -LiteralPath $root -Recurse -Force|Where-Object{-not $_.PSIsContainer}|ForEach-Object{"
    + "$n=$_.FullName;$how='ReadWrite';if($_.IsReadOnly){$how='Read'};"
    + "try{[IO.File]::Open($n,'Open',$how,'None').Close()}catch{$n.Substring($cut)}}",
    # PACKAGE.msi -> NAME=value lines out of its Property table.
    "msi-version": "param($file)"
    + _START
    + "if(-not(Test-Path -LiteralPath $file)){exit 3};"
    + "$i=New-Object -ComObject WindowsInstaller.Installer;"
    + "$d=$i.GetType().InvokeMember('OpenDatabase','InvokeMethod',$null,$i,@($file,0));"
    + "foreach($name in 'ProductName','ProductVersion','ProductCode'){"
    + "$v=$d.GetType().InvokeMember('OpenView','InvokeMethod',$null,$d,"
    + "@(\"SELECT Value FROM Property WHERE Property='$name'\"));"
    + "[void]$v.GetType().InvokeMember('Execute','InvokeMethod',$null,$v,$null);"
    + "$r=$v.GetType().InvokeMember('Fetch','InvokeMethod',$null,$v,$null);"
    + "if($r){'{0}={1}' -f $name,$r.GetType().InvokeMember('StringData','GetProperty',$null,$r,1)}}",
    # -> one line for each optical volume that holds a medium: drive|label|path of the image, if it is one.
    "mounted-media": "param()"
    + _START
    + "Get-Volume|Where-Object{$_.DriveType -eq 'CD-ROM' -and $_.Size -gt 0 -and $_.DriveLetter}|ForEach-Object{"
    + "$image=Get-DiskImage -Volume $_ -ErrorAction SilentlyContinue;"
    + "'{0}:|{1}|{2}' -f $_.DriveLetter,$_.FileSystemLabel,$image.ImagePath}",
    # IMAGE.iso
    "mount-image": "param($image)"
    + _START
    + "if(-not(Test-Path -LiteralPath $image)){exit 3};"
    + "[void](Mount-DiskImage -ImagePath $image -PassThru)",
    # IMAGE.iso
    "dismount-image": "param($image)" + _START + "[void](Dismount-DiskImage -ImagePath $image)",
    # ARCHIVE.zip, FOLDER: the folder appears whole or not at all.
    "expand-archive": "param($archive,$folder)"
    + _START
    + "if(-not(Test-Path -LiteralPath $archive)){exit 3};"
    + "$part=$folder+'.partial';"
    + "if(Test-Path -LiteralPath $part){Remove-Item -LiteralPath $part -Recurse -Force};"
    + "Expand-Archive -LiteralPath $archive -DestinationPath $part;"
    + "Move-Item -LiteralPath $part -Destination $folder",
    # FILE: zeros over its content, through to the disk, then it is deleted.
    "shred-file": "param($file)"
    + _START
    + "if(-not(Test-Path -LiteralPath $file)){exit 3};"
    + "[IO.File]::SetAttributes($file,'Normal');"
    + "$s=New-Object IO.FileStream($file,'Open','Write','None',4096,'WriteThrough');"
    + "try{$b=New-Object byte[] 65536;$n=$s.Length;"
    + "while($n -gt 0){$m=[int][Math]::Min($n,$b.Length);$s.Write($b,0,$m);$n-=$m};$s.Flush()}finally{$s.Close()};"
    + "Remove-Item -LiteralPath $file -Force",
    # ADDRESS -> the HTTP status, as the account that runs this. The first answer after a restart takes minutes.
    "web-status": "param($url)"
    + _START
    + "try{[int](Invoke-WebRequest -Uri $url -UseBasicParsing -UseDefaultCredentials -TimeoutSec 240).StatusCode}"
    + "catch{if($_.Exception.Response){[int]$_.Exception.Response.StatusCode}else{throw}}",
    # -> NAME=number for each quota of Windows Remote Management that Virtual Machine Manager leans on.
    "wsman-quotas": "param()"
    + _START
    + "foreach($n in 'MaxConcurrentOperationsPerUser','MaxConnections'){"
    + "'{0}={1}' -f $n,(Get-Item -Path (Join-Path 'WSMan:\\localhost\\Service' $n)).Value}",
    # OPERATIONS, CONNECTIONS
    "wsman-set-quotas": "param($operations,$connections)"
    + _START
    + "Set-Item -Path 'WSMan:\\localhost\\Service\\MaxConcurrentOperationsPerUser' -Value $operations -Force;"
    + "Set-Item -Path 'WSMan:\\localhost\\Service\\MaxConnections' -Value $connections -Force",
    # -> language, version, utc (ISO 8601) as NAME=value. Nothing here that a constrained language mode forbids.
    "transport-facts": "param()"
    + "'language={0}' -f $ExecutionContext.SessionState.LanguageMode;"
    + "'version={0}' -f $PSVersionTable.PSVersion;"
    + "'utc={0}' -f [DateTime]::UtcNow.ToString('s')",
    # ACCOUNTS -> who may and may not log on as a batch job, as secedit writes it; and the accounts' SIDs.
    "batch-logon": "param()"
    + _START
    + "$f=[IO.Path]::GetTempFileName();"
    + "try{[void](secedit /export /areas USER_RIGHTS /cfg $f);Get-Content -LiteralPath $f|"
    + "Where-Object{$_ -match '^Se(Deny)?BatchLogonRight '}}finally{Remove-Item -LiteralPath $f -Force};"
    + "foreach($a in $args){'sid of {0}={1}' -f $a,"
    + "(New-Object Security.Principal.NTAccount($a)).Translate([Security.Principal.SecurityIdentifier]).Value}",
    # ADDRESS of the MIM Service, OBJECT id -> 'updated' when a new description could be written, read and taken back.
    "object-update": "param($address,$object)"
    + _START
    + "Add-PSSnapin FIMAutomation;$x=\"/Person[ObjectID='$object']|/Group[ObjectID='$object']\";"
    + "function Read-It{(Export-FIMConfig -Uri $address -CustomConfig $x -OnlyBaseResources).ResourceManagementObject};"
    + "function Text-Of($o){($o.ResourceManagementAttributes|"
    + "Where-Object{$_.AttributeName -eq 'Description'}).Value};"
    + "function Write-It($o,$text){$c=New-Object Microsoft.ResourceManagement.Automation.ObjectModel.ImportChange;"
    + "$c.Operation='Replace';$c.AttributeName='Description';$c.AttributeValue=$text;$c.FullyResolved=1;"
    + "$c.Locale='Invariant';"
    + "$i=New-Object Microsoft.ResourceManagement.Automation.ObjectModel.ImportObject;"
    + "$i.ObjectType=$o.ObjectType;$i.SourceObjectIdentifier=$o.ObjectIdentifier;"
    + "$i.TargetObjectIdentifier=$o.ObjectIdentifier;$i.State='Put';$i.Changes=@($c);"
    + "$i|Import-FIMConfig -Uri $address};"
    + "$o=Read-It;if(-not $o){exit 3};$old=Text-Of $o;$new='Handrail '+[guid]::NewGuid();"
    + "Write-It $o $new;$seen=Text-Of (Read-It);Write-It $o $old;"
    + "if($seen -eq $new){'updated'}else{exit 1}",
    # ADDRESS of the MIM Service -> every form of its portal with its texts in all languages, as XML.
    "rcdc-export": "param($address)"
    + _START
    + "Add-PSSnapin FIMAutomation;"
    + "$all=Export-FIMConfig -Uri $address -CustomConfig '/ObjectVisualizationConfiguration','/ConstantSpecifier' "
    + "-OnlyBaseResources -AllLocales -MessageSize 99999999;"
    + "if(-not $all){exit 3};$part=[IO.Path]::GetTempFileName();"
    + "try{$all|ConvertFrom-FIMResource -File $part;[IO.File]::ReadAllText($part)}"
    + "finally{Remove-Item -LiteralPath $part -Force}",
    # ADDRESS of the MIM Service, FILE: a JSON list of {object, type, attribute, locale, value} -> how many it wrote.
    "rcdc-import": "param($address,$file)"
    + _START
    + "if(-not(Test-Path -LiteralPath $file)){exit 3};Add-PSSnapin FIMAutomation;$n=0;"
    + "$list=[IO.File]::ReadAllText($file,[Text.Encoding]::UTF8)|ConvertFrom-Json;"
    + "foreach($one in $list){"
    + "$c=New-Object Microsoft.ResourceManagement.Automation.ObjectModel.ImportChange;"
    + "$c.Operation='Replace';$c.AttributeName=$one.attribute;$c.AttributeValue=$one.value;$c.FullyResolved=1;"
    + "$c.Locale=$one.locale;"
    + "$i=New-Object Microsoft.ResourceManagement.Automation.ObjectModel.ImportObject;"
    + "$i.ObjectType=$one.type;$i.SourceObjectIdentifier=$one.object;$i.TargetObjectIdentifier=$one.object;"
    + "$i.State='Put';$i.Changes=@($c);$i|Import-FIMConfig -Uri $address;$n++};$n",
}


def command(name: str, *arguments: str, timeout: float = 300.0) -> Command:
    """Run a script of `SCRIPTS`. `timeout` is in seconds."""
    quoted = "".join(" '" + one.replace("'", "''") + "'" for one in arguments)
    return Command((*_SHELL, "& {" + SCRIPTS[name] + "}" + quoted), timeout=timeout)


def recognise(argv: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    """The script's name and its arguments, when `argv` was made by `command`."""
    if len(argv) != len(_SHELL) + 1 or argv[:-1] != _SHELL:
        return None
    text = argv[-1]
    for name, script in SCRIPTS.items():
        start = "& {" + script + "}"
        if text.startswith(start):
            found = re.findall(r" '((?:[^']|'')*)'", text[len(start) :])
            return name, tuple(one.replace("''", "'") for one in found)
    return None
