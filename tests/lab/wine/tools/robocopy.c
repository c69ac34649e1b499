// robocopy.exe, a stand-in of the lab (Wine's own ends with 16): FROM TO [FILE...] /E [/MIR], content, attributes and
// times. Files of the same size and time are passed over. The exit code has 1 for copied, 2 for extra, 8 for failed.
#include "lab.h"

static int code, mirrors, deep;
static wchar_t *patterns[32];
static int pattern_count;

static int fits(const wchar_t *name, const wchar_t *pattern)
{
    if (*pattern == '*')
        return fits(name, pattern + 1) || (*name && fits(name + 1, pattern));
    if (!*name || !*pattern)
        return *name == *pattern;
    return (*pattern == '?' || towlower(*name) == towlower(*pattern)) && fits(name + 1, pattern + 1);
}

static int wanted(const wchar_t *name)
{
    int i;

    for (i = 0; i < pattern_count; i++)
        if (fits(name, patterns[i]))
            return 1;
    return !pattern_count;
}

static int same(const WIN32_FIND_DATAW *one, const wchar_t *path)
{
    WIN32_FILE_ATTRIBUTE_DATA there;
    ULONGLONG left, right;

    if (!GetFileAttributesExW(path, GetFileExInfoStandard, &there))
        return 0;
    left = ((ULONGLONG)one->ftLastWriteTime.dwHighDateTime << 32) | one->ftLastWriteTime.dwLowDateTime;
    right = ((ULONGLONG)there.ftLastWriteTime.dwHighDateTime << 32) | there.ftLastWriteTime.dwLowDateTime;
    return there.nFileSizeLow == one->nFileSizeLow && there.nFileSizeHigh == one->nFileSizeHigh &&
           (left > right ? left - right : right - left) < 20000000;
}

static void remove_all(const wchar_t *path)
{
    WIN32_FIND_DATAW found;
    wchar_t *below = malloc(4096 * sizeof *below);
    HANDLE find;

    swprintf(below, 4096, L"%ls\\*", path);
    find = FindFirstFileW(below, &found);
    if (find != INVALID_HANDLE_VALUE) {
        do {
            if (wcscmp(found.cFileName, L".") && wcscmp(found.cFileName, L"..")) {
                swprintf(below, 4096, L"%ls\\%ls", path, found.cFileName);
                remove_all(below);
            }
        } while (FindNextFileW(find, &found));
        FindClose(find);
    }
    SetFileAttributesW(path, FILE_ATTRIBUTE_NORMAL);
    if (!RemoveDirectoryW(path))
        DeleteFileW(path);
    free(below);
}

static void make(const wchar_t *path)
{
    wchar_t part[4096];
    size_t i;

    for (i = 0; path[i] && i < 4094; i++) {
        part[i] = path[i];
        part[i + 1] = 0;
        if ((path[i + 1] == '\\' || !path[i + 1]) && path[i] != ':')
            CreateDirectoryW(part, 0);
    }
}

static void copy(const wchar_t *from, const wchar_t *to)
{
    WIN32_FIND_DATAW found;
    wchar_t *source = malloc(4096 * sizeof *source), *target = malloc(4096 * sizeof *target);
    HANDLE find;

    make(to);
    swprintf(source, 4096, L"%ls\\*", from);
    find = FindFirstFileW(source, &found);
    while (find != INVALID_HANDLE_VALUE) {
        swprintf(source, 4096, L"%ls\\%ls", from, found.cFileName);
        swprintf(target, 4096, L"%ls\\%ls", to, found.cFileName);
        if (found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) {
            if (deep && wcscmp(found.cFileName, L".") && wcscmp(found.cFileName, L".."))
                copy(source, target);
        } else if (wanted(found.cFileName) && !same(&found, target)) {
            SetFileAttributesW(target, FILE_ATTRIBUTE_NORMAL);
            if (CopyFileW(source, target, 0)) {
                code |= 1;
                say(L"\t    New File  \t\t%8lu\t%ls", found.nFileSizeLow, found.cFileName);
            } else {
                code |= 8;
                say(L"ERROR %lu (0x%08lX) Copying File %ls", GetLastError(), GetLastError(), source);
            }
        }
        if (!FindNextFileW(find, &found))
            break;
    }
    swprintf(target, 4096, L"%ls\\*", to);
    find = FindFirstFileW(target, &found);
    while (find != INVALID_HANDLE_VALUE) {
        swprintf(source, 4096, L"%ls\\%ls", from, found.cFileName);
        swprintf(target, 4096, L"%ls\\%ls", to, found.cFileName);
        if (GetFileAttributesW(source) == INVALID_FILE_ATTRIBUTES) {
            code |= 2;
            if (mirrors)
                remove_all(target);
        }
        if (!FindNextFileW(find, &found))
            break;
    }
    free(source);
    free(target);
}

int wmain(int argc, wchar_t **argv)
{
    wchar_t paths[2][4096];
    int i, found = 0;

    for (i = 1; i < argc; i++) {
        if (argv[i][0] != '/') {
            if (found < 2)
                GetFullPathNameW(argv[i], 4096, paths[found++], 0);
            else if (pattern_count < 32)
                patterns[pattern_count++] = argv[i];
        } else if (!_wcsicmp(argv[i], L"/E"))
            deep = 1;
        else if (!_wcsicmp(argv[i], L"/MIR"))
            deep = mirrors = 1;
        else if (_wcsnicmp(argv[i], L"/COPY:", 6) && _wcsnicmp(argv[i], L"/R:", 3) && _wcsnicmp(argv[i], L"/W:", 3) &&
                 _wcsnicmp(argv[i], L"/N", 2))
            return refuse(L"not an option of robocopy that the lab knows");
    }
    if (found < 2)
        return refuse(L"robocopy needs two folders");
    for (i = 0; i < 2; i++)
        if (wcslen(paths[i]) > 3 && paths[i][wcslen(paths[i]) - 1] == '\\')
            paths[i][wcslen(paths[i]) - 1] = 0;
    say(L"\n   ROBOCOPY     ::     Robust File Copy for Windows\n\n   Source : %ls\\\n     Dest : %ls\\\n", paths[0],
        paths[1]);
    if (GetFileAttributesW(paths[0]) == INVALID_FILE_ATTRIBUTES) {
        say(L"ERROR 2 (0x00000002) Accessing Source Directory %ls\\\nThe system cannot find the file specified.",
            paths[0]);
        return 16;
    }
    copy(paths[0], paths[1]);
    return code;
}
