"""The few things that no console tool of Windows does: short PowerShell scripts, reviewed one by one.

Their arguments are texts, quoted by `command`; nothing else is ever put into a script. The pretend Windows recognises
a script by its text (`recognise`), so a change here needs no change there, and none of them is ever parsed.

A script exits with `ABSENT` when the file or folder that it was asked about is not there, and with `DAMAGED` when
what it was to take over does not have the SHA-256 that was named, with `FOREIGN` when a folder is not ours alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from handrail.hosts.protocol import Command

ABSENT = 3
DAMAGED = 4
FOREIGN = 5

_SHELL = ("powershell", "-NoProfile", "-NonInteractive", "-Command")
_START = "$ErrorActionPreference='Stop';[Console]::OutputEncoding=[Text.Encoding]::UTF8;"

# $part takes the place of $file: readers see the old content or the new. What is replaced keeps its rights.
_TAKE = (
    "$h=[Security.Cryptography.SHA256]::Create();$r=[IO.File]::OpenRead($part);"
    "try{$d=[BitConverter]::ToString($h.ComputeHash($r)).Replace('-','')}finally{$r.Close()};"
    "if($d -ne $hash){Remove-Item -LiteralPath $part -Force;exit 4};"
    "if(Test-Path -LiteralPath $file){$i=Get-Item -LiteralPath $file -Force;"
    "if($i.IsReadOnly){$i.IsReadOnly=$false};$old=$part+'.old';"
    "[IO.File]::Replace($part,$file,$old);Remove-Item -LiteralPath $old -Force}else{[IO.File]::Move($part,$file)}"
)
_FOLDER = "[void][IO.Directory]::CreateDirectory([IO.Path]::GetDirectoryName($part));"
_LINES = "$b=[Convert]::FromBase64String($_);$s.Write($b,0,$b.Length)"

FED = ("write-file", "write-part", "register-task")
"""The scripts that read lines of Base64 from their standard input."""

SCRIPTS: Mapping[str, str] = {
    # -> when the machine was started, as wmic says it, in universal time. Newer systems have no wmic.
    "boot-time": "param()"
    + _START
    + "$t=(Get-CimInstance Win32_OperatingSystem).LastBootUpTime.ToUniversalTime();"
    + "$t.ToString('yyyyMMddHHmmss.ffffff')+'+000'",
    # FILE, OFFSET, MOST -> bytes of the file|when it was written|SHA-256 of the part; then the part in Base64. Short
    # lines, because PowerShell may break long ones. Whoever writes the file is not disturbed.
    "read-part": "param($file,$from,$most)"
    + _START
    + "if(-not(Test-Path -LiteralPath $file)){exit 3};"
    + "$s=[IO.File]::Open($file,'Open','Read',[IO.FileShare]'ReadWrite,Delete');"
    + "try{$n=$s.Length;$m=[int][Math]::Min([long]$most,[Math]::Max([long]0,$n-[long]$from));"
    + "[void]$s.Seek([long]$from,'Begin');$b=New-Object byte[] $m;$at=0;"
    + "while($at -lt $m){$r=$s.Read($b,$at,$m-$at);if($r -le 0){break};$at+=$r}}finally{$s.Close()};"
    + "$h=[Security.Cryptography.SHA256]::Create();"
    + "$d=[BitConverter]::ToString($h.ComputeHash($b,0,$at)).Replace('-','');"
    + "'{0}|{1}|{2}' -f $n,[IO.File]::GetLastWriteTimeUtc($file).Ticks,$d;"
    + "[Convert]::ToBase64String($b,0,$at,'InsertLineBreaks')",
    # FILE, SHA-256; the content comes in by standard input. The folders above it are made.
    "write-file": "param($file,$hash)begin{"
    + _START
    + "$part=$file+'.'+[guid]::NewGuid().ToString('N');"
    + _FOLDER
    + "$s=New-Object IO.FileStream($part,'CreateNew','Write','None',65536,'WriteThrough')}"
    + "process{"
    + _LINES
    + "}end{$s.Close();"
    + _TAKE
    + "}",
    # PART, OFFSET; what the file holds from there on comes in by standard input.
    "write-part": "param($part,$from)begin{"
    + _START
    + _FOLDER
    + "$s=New-Object IO.FileStream($part,'OpenOrCreate','Write','None',65536,'WriteThrough');"
    + "$s.SetLength([long]$from);[void]$s.Seek([long]$from,'Begin')}process{"
    + _LINES
    + "}end{$s.Close()}",
    # PART, FILE, SHA-256: the part takes the place of the file.
    "take-part": "param($part,$file,$hash)" + _START + "if(-not(Test-Path -LiteralPath $part)){exit 3};" + _TAKE,
    # ADDRESS, PART: what is offered there becomes the file. Who offers it says its SHA-256 to take-part.
    "pull-url": "param($url,$part)"
    + _START
    + _FOLDER
    + "$c=New-Object Net.WebClient;$c.Proxy=$null;$c.DownloadFile($url,$part)",
    # FOLDER, FOLDER in it: for the system and administrators alone, made if they are not there. Whoever may make
    # folders beside them could have made them before us, so their owners are looked at first.
    "own-folders": "param($outer,$inner)"
    + _START
    + "$t='S-1-5-18','S-1-5-32-544',[Security.Principal.WindowsIdentity]::GetCurrent().User.Value;"
    + "foreach($f in $outer,$inner){"
    + "$s=New-Object Security.AccessControl.DirectorySecurity;$s.SetAccessRuleProtection($true,$false);"
    + "foreach($w in 'S-1-5-18','S-1-5-32-544'){$i=New-Object Security.Principal.SecurityIdentifier $w;"
    + "$s.AddAccessRule((New-Object Security.AccessControl.FileSystemAccessRule("
    + "$i,'FullControl','ContainerInherit,ObjectInherit','None','Allow')))};"
    + "if(-not(Test-Path -LiteralPath $f)){[void][IO.Directory]::CreateDirectory($f,$s)};"
    + "$d=Get-Item -LiteralPath $f -Force;"
    + "$o=$d.GetAccessControl('Owner').GetOwner([Security.Principal.SecurityIdentifier]).Value;"
    + "if(($t -notcontains $o) -or ($d.Attributes -band [IO.FileAttributes]::ReparsePoint)){"
    + "'{0}|{1}' -f $f,$o;exit 5};"
    + "if(-not $d.GetAccessControl('Access').AreAccessRulesProtected){$d.SetAccessControl($s)}}",
    # FOLDER -> one line for each job in it: seconds since it was last touched|whether its end is known|its name.
    "list-jobs": "param($root)"
    + _START
    + "if(-not(Test-Path -LiteralPath $root)){exit 3};$now=[DateTime]::UtcNow;"
    + "Get-ChildItem -LiteralPath $root -Force|Where-Object{$_.PSIsContainer}|ForEach-Object{"
    + "'{0}|{1}|{2}' -f [long]($now-$_.LastWriteTimeUtc).TotalSeconds,"
    + "[int](Test-Path -LiteralPath (Join-Path $_.FullName 'exit.txt')),$_.Name}",
    # NAME, ACCOUNT; the task as XML and the account's password come in by standard input, so that neither command lines
    # nor files show it.
    "register-task": "param($name,$user)begin{"
    + _START
    + "$l=@()}process{$l+=[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($_))}end{"
    + "$s=New-Object -ComObject Schedule.Service;$s.Connect();"
    + "[void]$s.GetFolder('').RegisterTask($name,$l[0],6,$user,$l[1],1)}",
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
    # FOLDER of a management server of Virtual Machine Manager -> the name of each of its library servers. Its service
    # has to run, and we have to be an administrator of it.
    "vmm-library-servers": "param($folder)"
    + _START
    + "$m=Join-Path $folder 'bin\\psModules\\virtualmachinemanager\\virtualmachinemanager.psd1';"
    + "if(-not(Test-Path -LiteralPath $m)){exit 3};Import-Module $m;"
    + "$v=Get-SCVMMServer -ComputerName localhost;Get-SCLibraryServer -VMMServer $v|ForEach-Object{$_.Name}",
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
    # -> pending=NAME for each service on its way up or down, servicing=1 while updates are installed, setup=1 while
    # Windows itself is; the last line says that all of it was looked at.
    "readiness": "param()"
    + _START
    + "Get-Service|Where-Object{$_.Status -like '*Pending'}|ForEach-Object{'pending={0}' -f $_.Name};"
    + "if(Test-Path -LiteralPath 'HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based Servicing"
    + "\\RebootInProgress'){'servicing=1'};"
    + "if((Get-ItemProperty -LiteralPath 'HKLM:\\SYSTEM\\Setup').SystemSetupInProgress){'setup=1'};'ready'",
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


def command(name: str, *arguments: str, timeout: float = 300.0, stdin: bytes = b"") -> Command:
    """Run a script of `SCRIPTS`. `timeout` is in seconds; `stdin` is for those in `FED`."""
    quoted = "".join(" '" + one.replace("'", "''") + "'" for one in arguments)
    return Command((*_SHELL, _opening(name) + quoted), stdin, timeout=timeout)


def recognise(argv: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    """The script's name and its arguments, when `argv` was made by `command`."""
    if len(argv) != len(_SHELL) + 1 or argv[:-1] != _SHELL:
        return None
    text = argv[-1]
    for name in SCRIPTS:
        start = _opening(name)
        if text.startswith(start):
            found = re.findall(r" '((?:[^']|'')*)'", text[len(start) :])
            return name, tuple(one.replace("''", "'") for one in found)
    return None


def _opening(name: str) -> str:
    return ("$input|" if name in FED else "") + "& {" + SCRIPTS[name] + "}"
