// Drive letters, mapped through Wine's mount manager as winecfg does it: every process of the machine sees them. (On
// Windows a mapping belongs to the logon session that made it; that is not shown here.)
#ifndef DRIVES_H
#define DRIVES_H
#include "lab.h"

#define IOCTL_DEFINE_UNIX_DRIVE CTL_CODE('m', 32, METHOD_BUFFERED, FILE_READ_ACCESS | FILE_WRITE_ACCESS)

struct drive {                  // the layout of Wine's struct mountmgr_unix_drive
    ULONG size, type, fs_type;
    DWORD serial;
    ULONGLONG unix_dev;
    WCHAR letter;
    USHORT mount_point_offset, device_offset, label_offset;
};

// folder 0 takes the drive away
static int define_drive(wchar_t letter, const wchar_t *folder, ULONG type)
{
    char *(CDECL *unix_name)(const WCHAR *) =
        (void *)GetProcAddress(GetModuleHandleA("kernel32"), "wine_get_unix_file_name");
    char buffer[4096] = {0}, *path = 0;
    struct drive *one = (struct drive *)buffer;
    HANDLE manager;
    DWORD returned;
    int ok;

    if (folder && (!unix_name || !(path = unix_name(folder))))
        return 0;
    one->letter = letter | 32;
    one->size = sizeof *one;
    one->type = folder ? type : DRIVE_NO_ROOT_DIR;
    if (folder) {
        strcpy((char *)(one + 1), path);
        one->mount_point_offset = sizeof *one;
        one->size += strlen(path) + 1;
    }
    manager = CreateFileA("\\\\.\\MountPointManager", GENERIC_READ | GENERIC_WRITE,
                          FILE_SHARE_READ | FILE_SHARE_WRITE, 0, OPEN_EXISTING, 0, 0);
    if (manager == INVALID_HANDLE_VALUE)
        return 0;
    ok = DeviceIoControl(manager, IOCTL_DEFINE_UNIX_DRIVE, one, one->size, 0, 0, &returned, 0);
    CloseHandle(manager);
    return ok;
}

static int is_folder(const wchar_t *path)
{
    DWORD attributes = GetFileAttributesW(path);

    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY);
}
#endif
