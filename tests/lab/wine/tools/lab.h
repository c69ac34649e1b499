// What the programs of the lab share. They take the place of tools of Windows that Wine lacks or only pretends to have:
// stand-ins of the lab. They prove our plumbing and say nothing about Windows.
//
// All that they remember lies in C:\lab, as text.
#ifndef LAB_H
#define LAB_H
#ifndef UNICODE
#define UNICODE
#endif
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <winioctl.h>
#include <io.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define LAB L"C:\\lab\\"
#define REFUSED 216   // the exit code of everything that the lab does not know: no tool of Windows ends with it

// UTF-8, as our own scripts of PowerShell write it; everything that the lab says is ASCII anyway.
static void put(FILE *stream, const wchar_t *text)
{
    static char bytes[200000];

    WideCharToMultiByte(CP_UTF8, 0, text, -1, bytes, sizeof bytes, 0, 0);
    fputs(bytes, stream);
}

static void say(const wchar_t *format, ...)
{
    static wchar_t text[65536];
    va_list rest;

    va_start(rest, format);
    _vsnwprintf(text, 65535, format, rest);
    va_end(rest);
    put(stdout, text);
    fputs("\n", stdout);
}

static void complain(const wchar_t *format, ...)
{
    static wchar_t text[65536];
    va_list rest;

    va_start(rest, format);
    _vsnwprintf(text, 65535, format, rest);
    va_end(rest);
    put(stderr, text);
    fputs("\n", stderr);
}

static void append(const wchar_t *path, const wchar_t *text)
{
    static char bytes[200000];
    HANDLE file;
    DWORD done;

    CreateDirectoryW(L"C:\\lab", 0);
    file = CreateFileW(path, FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE, 0, OPEN_ALWAYS, 0, 0);
    if (file == INVALID_HANDLE_VALUE)
        return;
    WideCharToMultiByte(CP_UTF8, 0, text, -1, bytes, sizeof bytes - 2, 0, 0);
    strcat(bytes, "\n");
    WriteFile(file, bytes, (DWORD)strlen(bytes), &done, 0);
    CloseHandle(file);
}

// The whole of a small text file; 0 when it is not there.
static wchar_t *read_text(const wchar_t *path)
{
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, 0,
                              OPEN_EXISTING, 0, 0);
    DWORD size, done = 0;
    char *bytes;
    wchar_t *text;

    if (file == INVALID_HANDLE_VALUE)
        return 0;
    size = GetFileSize(file, 0);
    bytes = calloc(size + 1, 1);
    text = calloc(size + 1, sizeof *text);
    ReadFile(file, bytes, size, &done, 0);
    CloseHandle(file);
    MultiByteToWideChar(CP_UTF8, 0, bytes, -1, text, size + 1);
    free(bytes);
    return text;
}

static int write_text(const wchar_t *path, const wchar_t *text)
{
    static char bytes[200000];
    HANDLE file;
    DWORD done;
    BOOL ok;

    WideCharToMultiByte(CP_UTF8, 0, text, -1, bytes, sizeof bytes, 0, 0);
    file = CreateFileW(path, GENERIC_WRITE, FILE_SHARE_READ, 0, CREATE_ALWAYS, 0, 0);
    if (file == INVALID_HANDLE_VALUE)
        return 0;
    ok = WriteFile(file, bytes, (DWORD)strlen(bytes), &done, 0);
    CloseHandle(file);
    return ok;
}

// What the lab does not know fails, and stands in C:\lab\refused.txt, where the test's end finds it.
static int refuse(const wchar_t *why)
{
    const wchar_t *line = GetCommandLineW();

    append(LAB L"refused.txt", line);
    complain(L"HANDRAIL LAB: %ls: %ls", why, line);
    return REFUSED;
}

// The state of a service, as the real service manager says it; 0 when there is no such service.
static DWORD service_state(const wchar_t *name)
{
    SC_HANDLE manager = OpenSCManagerW(0, 0, SC_MANAGER_CONNECT), service;
    SERVICE_STATUS status = {0};

    service = OpenServiceW(manager, name, SERVICE_QUERY_STATUS);
    if (service)
        QueryServiceStatus(service, &status);
    CloseServiceHandle(service);
    CloseServiceHandle(manager);
    return service ? status.dwCurrentState : 0;
}
#endif
