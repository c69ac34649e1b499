// Files, for the lab's PowerShell: what the reviewed scripts ask of them, done by Win32 instead.
#ifndef PS_FILES_H
#define PS_FILES_H
#include "version.h"
#include <wincrypt.h>

#define ABSENT 3    // as in hosts/powershell.py
#define DAMAGED 4

static HANDLE open_file(const wchar_t *path, DWORD access, DWORD share, DWORD how)
{
    return CreateFileW(path, access, share, 0, how, 0, 0);
}

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

static void hash_begin(HCRYPTPROV *provider, HCRYPTHASH *hash)
{
    CryptAcquireContextW(provider, 0, 0, PROV_RSA_AES, CRYPT_VERIFYCONTEXT);
    CryptCreateHash(*provider, CALG_SHA_256, 0, 0, hash);
}

static void hash_end(HCRYPTPROV provider, HCRYPTHASH hash, wchar_t *out)
{
    BYTE value[32];
    DWORD size = 32, i;

    CryptGetHashParam(hash, HP_HASHVAL, value, &size, 0);
    for (i = 0; i < 32; i++)
        swprintf(out + 2 * i, 3, L"%02X", value[i]);
    CryptDestroyHash(hash);
    CryptReleaseContext(provider, 0);
}

static int hash_of(const wchar_t *path, wchar_t *out, ULONGLONG *size)
{
    HANDLE file = open_file(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, OPEN_EXISTING);
    static BYTE block[65536];
    HCRYPTPROV provider;
    HCRYPTHASH hash;
    DWORD done;

    *size = 0;
    if (file == INVALID_HANDLE_VALUE)
        return 0;
    hash_begin(&provider, &hash);
    while (ReadFile(file, block, sizeof block, &done, 0) && done) {
        CryptHashData(hash, block, done, 0);
        *size += done;
    }
    hash_end(provider, hash, out);
    CloseHandle(file);
    return 1;
}

static int failed(const wchar_t *what)
{
    complain(L"HANDRAIL LAB: %ls: error %lu", what, GetLastError());
    return 1;
}

// What is done with each file below a folder: its path, and its path below the folder.
typedef int (*visit)(const wchar_t *path, const wchar_t *below);

static int walk(const wchar_t *folder, size_t cut, visit each)
{
    WIN32_FIND_DATAW found;
    wchar_t *path = malloc(4096 * sizeof *path);
    HANDLE find;
    int pass, code = 0;

    // The files of a folder come before those of its folders, as Get-ChildItem has them.
    for (pass = 0; pass < 2 && !code; pass++) {
        swprintf(path, 4096, L"%ls\\*", folder);
        find = FindFirstFileW(path, &found);
        if (find == INVALID_HANDLE_VALUE)
            break;
        do {
            int is_folder = !!(found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY);

            if (!wcscmp(found.cFileName, L".") || !wcscmp(found.cFileName, L"..") || is_folder != pass)
                continue;
            swprintf(path, 4096, L"%ls\\%ls", folder, found.cFileName);
            code = is_folder ? walk(path, cut, each) : each(path, path + cut);
        } while (!code && FindNextFileW(find, &found));
        FindClose(find);
    }
    free(path);
    return code;
}

static int print_hash(const wchar_t *path, const wchar_t *below)
{
    wchar_t hash[65];
    ULONGLONG size;

    if (!hash_of(path, hash, &size))
        return failed(path);
    say(L"%ls|%I64u|%ls", hash, size, below);
    return 0;
}

static int print_in_use(const wchar_t *path, const wchar_t *below)
{
    int read_only = !!(GetFileAttributesW(path) & FILE_ATTRIBUTE_READONLY);
    HANDLE file = open_file(path, read_only ? GENERIC_READ : GENERIC_READ | GENERIC_WRITE, 0, OPEN_EXISTING);

    if (file == INVALID_HANDLE_VALUE)
        say(L"%ls", below);
    else
        CloseHandle(file);
    return 0;
}

static int below(wchar_t *root, visit each)
{
    wchar_t full[4096], *name;
    DWORD attributes = GetFileAttributesW(root);

    if (attributes == INVALID_FILE_ATTRIBUTES)
        return ABSENT;
    GetFullPathNameW(root, 4096, full, &name);
    if (!(attributes & FILE_ATTRIBUTE_DIRECTORY))
        return each(full, name);
    if (full[wcslen(full) - 1] == '\\')
        full[wcslen(full) - 1] = 0;
    return walk(full, wcslen(full) + 1, each);
}

static int shred(const wchar_t *path)
{
    static BYTE zeros[65536];
    LARGE_INTEGER size;
    HANDLE file;
    DWORD done;

    if (GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES)
        return ABSENT;
    SetFileAttributesW(path, FILE_ATTRIBUTE_NORMAL);
    file = open_file(path, GENERIC_WRITE, 0, OPEN_EXISTING);
    if (file == INVALID_HANDLE_VALUE)
        return failed(L"Exception calling \"Open\": Access to the path is denied");
    GetFileSizeEx(file, &size);
    while (size.QuadPart > 0) {
        DWORD part = size.QuadPart > (LONGLONG)sizeof zeros ? sizeof zeros : (DWORD)size.QuadPart;

        WriteFile(file, zeros, part, &done, 0);
        size.QuadPart -= part;
    }
    FlushFileBuffers(file);
    CloseHandle(file);
    return DeleteFileW(path) ? 0 : failed(L"Remove-Item");
}

static int read_part(const wchar_t *path, LONGLONG from, LONGLONG most)
{
    HANDLE file = open_file(path, GENERIC_READ, SHARE_ALL, OPEN_EXISTING);
    LARGE_INTEGER size, at;
    HCRYPTPROV provider;
    HCRYPTHASH hash;
    wchar_t digest[65];
    FILETIME written;
    BYTE *data;
    char *text;
    DWORD done = 0, length = 0;

    if (file == INVALID_HANDLE_VALUE)
        return GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES ? ABSENT : failed(path);
    GetFileSizeEx(file, &size);
    GetFileTime(file, 0, 0, &written);
    if (most > size.QuadPart - from)
        most = size.QuadPart > from ? size.QuadPart - from : 0;
    at.QuadPart = from;
    SetFilePointerEx(file, at, 0, FILE_BEGIN);
    data = malloc((size_t)most + 1);
    ReadFile(file, data, (DWORD)most, &done, 0);
    CloseHandle(file);
    hash_begin(&provider, &hash);
    CryptHashData(hash, data, done, 0);
    hash_end(provider, hash, digest);
    say(L"%I64d|%I64u|%ls", size.QuadPart,
        (((ULONGLONG)written.dwHighDateTime << 32) | written.dwLowDateTime) + 504911232000000000ULL, digest);
    if (done) {
        CryptBinaryToStringA(data, done, CRYPT_STRING_BASE64, 0, &length);
        text = malloc(length + 1);
        CryptBinaryToStringA(data, done, CRYPT_STRING_BASE64, text, &length);
        fflush(stdout);
        _setmode(1, 0x8000);    // its lines end as they should already
        fputs(text, stdout);
    }
    return 0;
}

static void make_folders(const wchar_t *path)
{
    wchar_t part[4096];
    size_t i;

    for (i = 0; path[i] && i < 4095; i++) {
        part[i] = path[i];
        part[i + 1] = 0;
        if (path[i + 1] == '\\' && path[i] != ':')
            CreateDirectoryW(part, 0);
    }
}

// Lines of Base64 from standard input, to an open file.
static int take_in(HANDLE file)
{
    static char line[1 << 22];
    static BYTE data[1 << 22];
    DWORD size, done;

    while (fgets(line, sizeof line, stdin)) {
        size = sizeof data;
        if (line[0] == '\r' || line[0] == '\n')
            continue;
        if (!CryptStringToBinaryA(line, 0, CRYPT_STRING_BASE64, data, &size, 0, 0))
            return failed(L"FromBase64String");
        if (!WriteFile(file, data, size, &done, 0))
            return failed(L"Write");
    }
    return 0;
}

static int take_part(const wchar_t *part, const wchar_t *path, const wchar_t *wanted)
{
    wchar_t hash[65];
    ULONGLONG size;

    if (!hash_of(part, hash, &size))
        return ABSENT;
    if (_wcsicmp(hash, wanted)) {
        DeleteFileW(part);
        return DAMAGED;
    }
    SetFileAttributesW(path, FILE_ATTRIBUTE_NORMAL);
    return MoveFileExW(part, path, MOVEFILE_REPLACE_EXISTING) ? 0 : failed(L"Replace");
}

static int write_file(const wchar_t *path, const wchar_t *hash)
{
    wchar_t part[4096];
    HANDLE file;
    int code;

    swprintf(part, 4096, L"%ls.%08lx%08lx", path, GetTickCount(), GetCurrentProcessId());
    make_folders(part);
    file = open_file(part, GENERIC_WRITE, 0, CREATE_NEW);
    if (file == INVALID_HANDLE_VALUE)
        return failed(part);
    code = take_in(file);
    CloseHandle(file);
    return code ? code : take_part(part, path, hash);
}

static int write_part(const wchar_t *part, LONGLONG from)
{
    LARGE_INTEGER at;
    HANDLE file;
    int code;

    make_folders(part);
    file = open_file(part, GENERIC_WRITE, 0, OPEN_ALWAYS);
    if (file == INVALID_HANDLE_VALUE)
        return failed(part);
    at.QuadPart = from;
    SetFilePointerEx(file, at, 0, FILE_BEGIN);
    SetEndOfFile(file);
    code = take_in(file);
    CloseHandle(file);
    return code;
}
#endif
