// Images of media, for the lab's PowerShell. An image is a text file: "HANDRAIL LAB IMAGE", a label, a folder. Mounted,
// the folder is a drive; what is mounted stands in HKLM\Software\HandrailLab\Mounted as DRIVE -> "LABEL|IMAGE".
#ifndef PS_MEDIA_H
#define PS_MEDIA_H
#include "drives.h"

static HKEY mounts(void)
{
    HKEY key;

    RegCreateKeyW(HKEY_LOCAL_MACHINE, L"Software\\HandrailLab\\Mounted", &key);
    return key;
}

// 1 and what is in the drive, or 0
static int mounted_at(HKEY key, DWORD i, wchar_t *drive, wchar_t *what)
{
    DWORD drive_size = 16, what_size = 8192;

    return !RegEnumValueW(key, i, drive, &drive_size, 0, 0, (BYTE *)what, &what_size);
}

static int mounted(void)
{
    wchar_t drive[16], what[4096];
    HKEY key = mounts();
    DWORD i;

    for (i = 0; mounted_at(key, i, drive, what); i++)
        say(L"%ls|%ls", drive, what);
    return 0;
}

static int mount(const wchar_t *image)
{
    wchar_t *text = read_text(image), *label, *folder, root[4] = L"D:\\", what[4096], drive[3];

    if (!text)
        return 3;
    label = wcschr(text, '\n');
    folder = label ? wcschr(label + 1, '\n') : 0;
    if (!folder || wcsncmp(text, L"HANDRAIL LAB IMAGE", 18)) {
        complain(L"Mount-DiskImage : The file or directory is corrupted and unreadable.");
        return 1;
    }
    *label++ = *folder++ = 0;
    if (wcschr(folder, '\n'))
        *wcschr(folder, '\n') = 0;
    while (root[0] <= 'Y' && GetDriveTypeW(root) != DRIVE_NO_ROOT_DIR)
        root[0]++;
    if (!define_drive(root[0], folder, DRIVE_CDROM)) {
        complain(L"HANDRAIL LAB: cannot mount (%lu)", GetLastError());
        return 1;
    }
    swprintf(what, 4096, L"%ls|%ls", label, image);
    swprintf(drive, 3, L"%lc:", root[0]);
    RegSetValueExW(mounts(), drive, 0, REG_SZ, (BYTE *)what, (DWORD)(wcslen(what) + 1) * sizeof *what);
    return 0;
}

static int dismount(const wchar_t *image)
{
    wchar_t drive[16], what[4096], *bar;
    HKEY key = mounts();
    DWORD i;

    for (i = 0; mounted_at(key, i, drive, what); i++) {
        bar = wcschr(what, '|');
        if (bar && !_wcsicmp(bar + 1, image)) {
            define_drive(drive[0], 0, 0);
            RegDeleteValueW(key, drive);
            return 0;
        }
    }
    if (GetFileAttributesW(image) != INVALID_FILE_ATTRIBUTES)
        return 0;
    complain(L"Dismount-DiskImage : The system cannot find the file.");
    return 1;
}
#endif
