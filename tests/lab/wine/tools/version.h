// The version that a file carries in its resources.
#ifndef VERSION_H
#define VERSION_H
#include "lab.h"

// Four numbers; 0 when the file has none.
static int version_of(const wchar_t *path, wchar_t *out, size_t room)
{
    DWORD size = GetFileVersionInfoSizeW(path, 0);
    void *data = size ? malloc(size) : 0;
    VS_FIXEDFILEINFO *info = 0;
    UINT length = 0;

    if (!data || !GetFileVersionInfoW(path, 0, size, data) || !VerQueryValueW(data, L"\\", (void **)&info, &length))
        return 0;
    swprintf(out, room, L"%u.%u.%u.%u", HIWORD(info->dwFileVersionMS), LOWORD(info->dwFileVersionMS),
             HIWORD(info->dwFileVersionLS), LOWORD(info->dwFileVersionLS));
    free(data);
    return 1;
}

static void own_version(wchar_t *out, size_t room)
{
    wchar_t path[1024];

    GetModuleFileNameW(0, path, 1024);
    if (!version_of(path, out, room))
        wcscpy(out, L"0.0.0.0");
}
#endif
