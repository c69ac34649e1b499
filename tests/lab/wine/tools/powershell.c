// powershell.exe, a stand-in of the lab: no PowerShell at all. It knows the reviewed scripts of hosts/powershell.py by
// their text, which lies in C:\lab\scripts, and does through Win32 what they say. That proves how a script and its
// arguments travel and what is made of its answer. The scripts themselves are proved by nothing here.
#include "ps_files.h"
#include "ps_media.h"
#include <msi.h>
#include <msiquery.h>
#include <urlmon.h>

static wchar_t *arguments[16];
static int count;

// '...' '...' behind the script, quotes doubled within
static int take_apart(wchar_t *at)
{
    wchar_t *out;

    for (count = 0; *at; count++) {
        while (*at == ' ')
            at++;
        if (!*at)
            break;
        if (*at++ != '\'' || count == 16)
            return 0;
        arguments[count] = out = at;
        for (; *at && (*at != '\'' || at[1] == '\''); at++) {
            *out++ = *at;
            if (*at == '\'')
                at++;
        }
        if (*at)
            at++;
        *out = 0;
    }
    return 1;
}

// The name of the script that a text runs, and its arguments.
static int recognise(wchar_t *text, wchar_t *name)
{
    WIN32_FIND_DATAW found;
    HANDLE find = FindFirstFileW(L"C:\\lab\\scripts\\*.txt", &found);
    wchar_t path[1024], *script;
    size_t length;

    if (!wcsncmp(text, L"$input|", 7))
        text += 7;
    if (wcsncmp(text, L"& {", 3) || find == INVALID_HANDLE_VALUE)
        return 0;
    text += 3;
    do {
        swprintf(path, 1024, L"C:\\lab\\scripts\\%ls", found.cFileName);
        script = read_text(path);
        length = wcslen(script);
        if (!wcsncmp(text, script, length) && text[length] == '}') {
            wcscpy(name, found.cFileName);
            name[wcslen(name) - 4] = 0;
            return take_apart(text + length + 1);
        }
        free(script);
    } while (FindNextFileW(find, &found));
    return 0;
}

static int file_version(const wchar_t *path)
{
    wchar_t version[64];

    if (GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES)
        return ABSENT;
    say(L"%ls", version_of(path, version, 64) ? version : L"0.0.0.0");
    return 0;
}

static int msi_version(const wchar_t *path)
{
    static const wchar_t *const names[] = {L"ProductName", L"ProductVersion", L"ProductCode"};
    wchar_t query[256], value[1024];
    MSIHANDLE database, view, record;
    DWORD size;
    size_t i;

    if (GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES)
        return ABSENT;
    if (MsiOpenDatabaseW(path, MSIDBOPEN_READONLY, &database)) {
        complain(L"Exception calling \"InvokeMember\": \"OpenDatabase,DatabasePath,OpenMode\"");
        return 1;
    }
    for (i = 0; i < 3; i++) {
        swprintf(query, 256, L"SELECT `Value` FROM `Property` WHERE `Property`='%ls'", names[i]);
        size = 1024;
        if (!MsiDatabaseOpenViewW(database, query, &view) && !MsiViewExecute(view, 0) && !MsiViewFetch(view, &record)) {
            MsiRecordGetStringW(record, 1, value, &size);
            say(L"%ls=%ls", names[i], value);
        }
    }
    return 0;
}

// Virtual Machine Manager has none of its own here: its service is a stand-in, and a text file names its servers.
static int library_servers(const wchar_t *folder)
{
    wchar_t path[2048], *names;

    swprintf(path, 2048, L"%ls\\bin\\vmmservice.exe", folder);
    if (GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES)
        return ABSENT;
    if (service_state(L"SCVMMService") != SERVICE_RUNNING) {
        complain(L"Get-SCVMMServer : You cannot access VMM management server localhost. (Error ID: 1604)");
        return 1;
    }
    names = read_text(LAB L"library-servers.txt");
    say(L"%ls", names ? names : L"");
    return 0;
}

static int object_update(void)
{
    if (service_state(L"FIMService") != SERVICE_RUNNING) {
        complain(L"Export-FIMConfig : There was no endpoint listening at that address.");
        return 1;
    }
    say(L"updated");
    return 0;
}

// The last start, from the file that the lab writes when it boots the machine.
static int boot_time(void)
{
    wchar_t *text = read_text(LAB L"boots.txt");

    say(L"%ls", text ? wcstok(text, L"\r\n") : L"20260101000000.000000+000");
    return 0;
}

// How PowerShell stands there, and the time.
static int transport_facts(void)
{
    SYSTEMTIME now;

    GetSystemTime(&now);
    say(L"language=FullLanguage");
    say(L"version=5.1.0.0");
    say(L"utc=%04d-%02d-%02dT%02d:%02d:%02d", now.wYear, now.wMonth, now.wDay, now.wHour, now.wMinute, now.wSecond);
    return 0;
}

// One line for each folder: seconds since it was touched, whether there is an exit.txt in it, its name.
static int list_jobs(const wchar_t *root)
{
    WIN32_FIND_DATAW found;
    ULARGE_INTEGER then, now;
    FILETIME time;
    wchar_t path[4096];
    HANDLE search;

    if (GetFileAttributesW(root) == INVALID_FILE_ATTRIBUTES)
        return 3;
    GetSystemTimeAsFileTime(&time);
    now.LowPart = time.dwLowDateTime, now.HighPart = time.dwHighDateTime;
    swprintf(path, 4096, L"%ls\\*", root);
    search = FindFirstFileW(path, &found);
    if (search == INVALID_HANDLE_VALUE)
        return 0;
    do {
        if (!(found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) || found.cFileName[0] == '.')
            continue;
        then.LowPart = found.ftLastWriteTime.dwLowDateTime, then.HighPart = found.ftLastWriteTime.dwHighDateTime;
        swprintf(path, 4096, L"%ls\\%ls\\exit.txt", root, found.cFileName);
        say(L"%lld|%d|%ls", (long long)(now.QuadPart - then.QuadPart) / 10000000,
            GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES, found.cFileName);
    } while (FindNextFileW(search, &found));
    FindClose(search);
    return 0;
}

static int carry_out(const wchar_t *name)
{
#define IS(what, needs) (!wcscmp(name, what) && count == needs)
    if (IS(L"file-version", 1))
        return file_version(arguments[0]);
    if (IS(L"hash-tree", 1))
        return below(arguments[0], print_hash);
    if (IS(L"files-in-use", 1))
        return below(arguments[0], print_in_use);
    if (IS(L"msi-version", 1))
        return msi_version(arguments[0]);
    if (IS(L"shred-file", 1))
        return shred(arguments[0]);
    if (IS(L"mounted-media", 0))
        return mounted();
    if (IS(L"mount-image", 1))
        return mount(arguments[0]);
    if (IS(L"dismount-image", 1))
        return dismount(arguments[0]);
    if (IS(L"object-update", 2))
        return object_update();
    if (IS(L"vmm-library-servers", 1))
        return library_servers(arguments[0]);
    if (IS(L"boot-time", 0))
        return boot_time();
    if (IS(L"transport-facts", 0))
        return transport_facts();
    if (IS(L"readiness", 0)) {
        // Its services are up before anybody is answered.
        say(L"ready");
        return 0;
    }
    if (IS(L"read-part", 3))
        return read_part(arguments[0], _wtoi64(arguments[1]), _wtoi64(arguments[2]));
    if (IS(L"write-file", 2))
        return write_file(arguments[0], arguments[1]);
    if (IS(L"write-part", 2))
        return write_part(arguments[0], _wtoi64(arguments[1]));
    if (IS(L"take-part", 3))
        return take_part(arguments[0], arguments[1], arguments[2]);
    if (IS(L"list-jobs", 1))
        return list_jobs(arguments[0]);
    if (IS(L"own-folders", 2)) {
        // Wine keeps no rights worth the name.
        make_folders(arguments[1]);
        CreateDirectoryW(arguments[1], 0);
        return GetFileAttributesW(arguments[1]) == INVALID_FILE_ATTRIBUTES ? failed(L"CreateDirectory") : 0;
    }
    if (IS(L"pull-url", 2)) {
        make_folders(arguments[1]);
        DeleteFileW(arguments[1]);
        return URLDownloadToFileW(0, arguments[0], arguments[1], 0, 0) ? failed(L"DownloadFile") : 0;
    }
    return refuse(L"a script that the lab's PowerShell cannot carry out");
}

int wmain(int argc, wchar_t **argv)
{
    static wchar_t decoded[32768];
    wchar_t *text = 0, name[512];
    DWORD size = sizeof decoded - 2;
    int i;

    for (i = 1; i < argc - 1; i++) {
        if (!_wcsicmp(argv[i], L"-Command"))
            text = argv[i + 1];
        if (!_wcsicmp(argv[i], L"-EncodedCommand") &&
            CryptStringToBinaryW(argv[i + 1], 0, CRYPT_STRING_BASE64, (BYTE *)decoded, &size, 0, 0))
            text = decoded;
    }
    if (!text || !recognise(text, name))
        return refuse(L"not a reviewed script, and the lab has no PowerShell");
    return carry_out(name);
}
