// subst.exe, a stand-in of the lab (Wine's own does nothing and ends with 0):
//   subst E: C:\dir     map        subst E: /D     unmap        subst     list
// Own mappings are remembered in HKLM\Software\HandrailLab\Subst.
#include "drives.h"

static int list(HKEY key)
{
    wchar_t name[64], target[4096];
    DWORD name_size, target_size, i;

    for (i = 0;; i++) {
        name_size = 64;
        target_size = sizeof target;
        if (RegEnumValueW(key, i, name, &name_size, 0, 0, (BYTE *)target, &target_size))
            return 0;
        say(L"%ls\\: => %ls", name, target);
    }
}

static int unmap(HKEY key, const wchar_t *drive, int mine)
{
    if (!mine || !define_drive(drive[0], 0, 0)) {
        say(L"Invalid parameter - %ls", drive);
        return 1;
    }
    RegDeleteValueW(key, drive);
    return 0;
}

static int map(HKEY key, const wchar_t *drive, const wchar_t *folder, int mine)
{
    wchar_t root[4] = {drive[0], ':', '\\', 0}, full[MAX_PATH];

    if (!is_folder(folder)) {
        say(L"Path not found - %ls", folder);
        return 1;
    }
    if (mine) {
        say(L"Drive already SUBSTed");
        return 1;
    }
    if (GetDriveTypeW(root) != DRIVE_NO_ROOT_DIR) {
        say(L"Invalid parameter - %ls", drive);
        return 1;
    }
    GetFullPathNameW(folder, MAX_PATH, full, 0);
    if (!define_drive(drive[0], full, DRIVE_FIXED)) {
        complain(L"HANDRAIL LAB: cannot map (%lu)", GetLastError());
        return REFUSED;
    }
    RegSetValueExW(key, drive, 0, REG_SZ, (BYTE *)full, (DWORD)(wcslen(full) + 1) * sizeof *full);
    return 0;
}

int wmain(int argc, wchar_t **argv)
{
    HKEY key;
    int mine;

    RegCreateKeyW(HKEY_LOCAL_MACHINE, L"Software\\HandrailLab\\Subst", &key);
    if (argc == 1)
        return list(key);
    if (argc != 3 || wcslen(argv[1]) != 2 || argv[1][1] != ':') {
        say(L"Invalid parameter - %ls", argv[argc - 1]);
        return 1;
    }
    CharUpperW(argv[1]);
    mine = !RegQueryValueExW(key, argv[1], 0, 0, 0, 0);
    if (!_wcsicmp(argv[2], L"/D"))
        return unmap(key, argv[1], mine);
    return map(key, argv[1], argv[2], mine);
}
