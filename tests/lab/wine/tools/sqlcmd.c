// sqlcmd.exe, a stand-in of the lab with no SQL Server behind it: a database is a file C:\lab\sql\NAME.txt that holds
// its state, a backup a short text with a header and an end. It answers the few statements that our procedure asks, one
// by one, with the columns that SQL Server 2019 has, and refuses every other. What server is named is all the same.
#include "lab.h"

static wchar_t separator = ' ';

// The N'...' that follows `key`, quotes undoubled.
static int quoted(const wchar_t *text, const wchar_t *key, wchar_t *out)
{
    const wchar_t *at = key ? wcsstr(text, key) : text;

    at = at ? wcschr(at, '\'') : 0;
    if (!at)
        return 0;
    for (at++; *at && (*at != '\'' || at[1] == '\''); at++) {
        *out++ = *at;
        if (*at == '\'')
            at++;
    }
    *out = 0;
    return 1;
}

static int bracketed(const wchar_t *text, wchar_t *out)
{
    const wchar_t *at = wcschr(text, '[');

    if (!at)
        return 0;
    for (at++; *at && (*at != ']' || at[1] == ']'); at++) {
        *out++ = *at;
        if (*at == ']')
            at++;
    }
    *out = 0;
    return 1;
}

static int wrong(int number, const wchar_t *text)
{
    say(L"Msg %d, Level 16, State 1, Server LAB, Line 1\n%ls", number, text);
    return 1;
}

static void cells(const wchar_t *const *all, int count)
{
    static wchar_t line[8192];
    wchar_t between[2] = {separator, 0};
    int i;

    line[0] = 0;
    for (i = 0; i < count; i++) {
        wcscat(line, i ? between : L"");
        wcscat(line, all[i]);
    }
    say(L"%ls", line);
}

static void head(const wchar_t *const *columns, int count)
{
    static wchar_t rules[32][64];
    const wchar_t *shown[32];
    int i;

    for (i = 0; i < count; i++) {
        size_t n = wcslen(columns[i]), k;

        for (k = 0; k < (n ? n : 1); k++)
            rules[i][k] = '-';
        rules[i][k] = 0;
        shown[i] = rules[i];
    }
    cells(columns, count);
    cells(shown, count);
}

static void table(const wchar_t *const *columns, const wchar_t *const *row, int count)
{
    head(columns, count);
    if (row)
        cells(row, count);
    say(L"\n(%d rows affected)", row ? 1 : 0);
}

static wchar_t *state_of(const wchar_t *database)
{
    wchar_t path[2048], *state;

    swprintf(path, 2048, L"C:\\lab\\sql\\%ls.txt", database);
    state = read_text(path);
    if (state)
        state[wcscspn(state, L"\r\n")] = 0;
    return state;
}

static int back_up(const wchar_t *text)
{
    wchar_t name[512], path[4096], line[6000], now[64];
    SYSTEMTIME time;
    GUID id = {0};
    wchar_t *state;

    if (!bracketed(text, name) || !quoted(text, L"DISK", path))
        return refuse(L"a backup that the lab's sqlcmd does not understand");
    state = state_of(name);
    if (!state)
        return wrong(911, L"Database does not exist. Make sure that the name is entered correctly.\n"
                          L"BACKUP DATABASE is terminating abnormally.");
    if (wcscmp(state, L"ONLINE"))
        return wrong(942, L"Database cannot be opened because it is offline.");
    GetSystemTime(&time);
    swprintf(now, 64, L"%04d-%02d-%02d %02d:%02d:%02d.000", time.wYear, time.wMonth, time.wDay, time.wHour,
             time.wMinute, time.wSecond);
    id.Data1 = GetTickCount();
    id.Data2 = (WORD)GetCurrentProcessId();
    swprintf(line, 6000, L"HANDRAIL LAB BACKUP\n%ls\n%ls\n%08lX-%04X-4000-8000-000000000000\n%d\n%d\nEND\n", name, now,
             id.Data1, id.Data2, wcsstr(text, L"COPY_ONLY") != 0, wcsstr(text, L"CHECKSUM") != 0);
    if (!write_text(path, line))
        return wrong(3201, L"Cannot open backup device. Operating system error 3(The system cannot find the path "
                           L"specified.).");
    say(L"Processed 344 pages for database '%ls', file '%ls' on file 1.", name, name);
    say(L"BACKUP DATABASE successfully processed 344 pages in 0.212 seconds (11.226 MB/sec).");
    return 0;
}

// The six lines of a backup; 0 and a message when it is none. `whole`: its end is there too.
static int opened(const wchar_t *text, wchar_t *lines[6], int *whole)
{
    wchar_t path[4096], *held, *at;
    int i;

    held = quoted(text, L"DISK", path) ? read_text(path) : 0;
    if (!held)
        return wrong(3201, L"Cannot open backup device. Operating system error 2(The system cannot find the file "
                           L"specified.)."), 0;
    *whole = wcsstr(held, L"\nEND\n") != 0;
    for (at = held, i = 0; i < 6 && at; i++) {
        lines[i] = at;
        at = wcschr(at, '\n');
        if (at)
            *at++ = 0;
    }
    if (i < 6 || wcscmp(lines[0], L"HANDRAIL LAB BACKUP"))
        return wrong(3241, L"The media family on the device is incorrectly formed. SQL Server cannot process it."), 0;
    return 1;
}

static int header(const wchar_t *text)
{
    static const wchar_t *const columns[] = {
        L"BackupName", L"BackupType", L"Position", L"UserName", L"ServerName", L"DatabaseName", L"DatabaseVersion",
        L"DatabaseCreationDate", L"BackupSize", L"BackupStartDate", L"BackupFinishDate", L"SoftwareVersionMajor",
        L"SoftwareVersionMinor", L"SoftwareVersionBuild", L"IsCopyOnly", L"HasBackupChecksums", L"BackupSetGUID"};
    wchar_t *lines[6];
    int whole;

    if (!opened(text, lines, &whole))
        return 1;
    {
        const wchar_t *row[] = {L"NULL", L"1", L"1", L"LAB\\root", L"LAB", lines[1], L"904", L"2026-01-01 00:00:00.000",
                                L"2818048", lines[2], lines[2], L"15", L"0", L"4375", lines[4], lines[5], lines[3]};

        table(columns, row, 17);
    }
    return 0;
}

static int verify(const wchar_t *text)
{
    wchar_t *lines[6];
    int whole;

    if (!opened(text, lines, &whole))
        return 1;
    if (!whole)
        return wrong(3203, L"Read failed: 38(Reached the end of the file.)");
    if (wcsstr(text, L"CHECKSUM") && wcscmp(lines[5], L"1"))
        return wrong(3187, L"The CHECKSUM option was specified, but the backup set contains no checksum information.");
    say(L"The backup set on file 1 is valid.");
    return 0;
}

static int make_folder(const wchar_t *text)
{
    wchar_t path[4096], part[4096];
    size_t i;

    if (!quoted(text, 0, path))
        return refuse(L"no folder");
    for (i = 0; path[i]; i++) {
        part[i] = path[i];
        part[i + 1] = 0;
        if ((path[i + 1] == '\\' || !path[i + 1]) && path[i] != ':')
            CreateDirectoryW(part, 0);
    }
    return GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES ? wrong(22048, L"The folder cannot be created.") : 0;
}

static int one_value(const wchar_t *column, const wchar_t *value)
{
    table(&column, value ? &value : 0, 1);
    return 0;
}

static int names(void)
{
    static const wchar_t *const column[] = {L"name"};
    WIN32_FIND_DATAW found;
    HANDLE find = FindFirstFileW(L"C:\\lab\\sql\\*.txt", &found);
    int count = 4;

    head(column, 1);
    say(L"master\nmodel\nmsdb\ntempdb");
    while (find != INVALID_HANDLE_VALUE) {
        found.cFileName[wcslen(found.cFileName) - 4] = 0;
        say(L"%ls", found.cFileName);
        count++;
        if (!FindNextFileW(find, &found))
            break;
    }
    say(L"\n(%d rows affected)", count);
    return 0;
}

static int access_of(const wchar_t *database)
{
    static const wchar_t *const columns[] = {L"state_desc", L"user_access_desc"};
    wchar_t *state = state_of(database);
    const wchar_t *row[] = {state, L"MULTI_USER"};

    table(columns, state ? row : 0, 2);
    return 0;
}

static int statement(const wchar_t *text)
{
    wchar_t name[512] = L"";

    quoted(text, L"name =", name);
    if (!wcsncmp(text, L"SET ", 4))
        return 0;
    if (!wcsncmp(text, L"BACKUP DATABASE ", 16))
        return back_up(text);
    if (!wcsncmp(text, L"RESTORE HEADERONLY ", 19))
        return header(text);
    if (!wcsncmp(text, L"RESTORE VERIFYONLY ", 19))
        return verify(text);
    if (wcsstr(text, L"xp_create_subdir"))
        return make_folder(text);
    if (!wcsncmp(text, L"SELECT is_broker_enabled FROM sys.databases", 43))
        return one_value(L"is_broker_enabled", state_of(name) ? L"0" : 0);
    if (!wcsncmp(text, L"SELECT state_desc, user_access_desc FROM sys.databases", 54))
        return access_of(name);
    if (!wcsncmp(text, L"SELECT state_desc FROM sys.databases", 36))
        return one_value(L"state_desc", state_of(name));
    if (!wcsncmp(text, L"SELECT name FROM sys.databases", 30))
        return *name ? one_value(L"name", state_of(name) ? name : 0) : names();
    if (wcsstr(text, L"SERVERPROPERTY('ProductVersion')") || wcsstr(text, L"SERVERPROPERTY(N'ProductVersion')"))
        return one_value(L"", L"15.0.4375.4");
    return refuse(L"a statement that the lab's sqlcmd does not know");
}

int wmain(int argc, wchar_t **argv)
{
    wchar_t *query = 0, *one, *end;
    int i, code = 0, inside;

    for (i = 1; i < argc; i++) {
        if (!wcscmp(argv[i], L"-Q") && i + 1 < argc)
            query = argv[i + 1];
        if (!wcscmp(argv[i], L"-s") && i + 1 < argc)
            separator = argv[i + 1][0];
    }
    if (!query)
        return refuse(L"the lab's sqlcmd needs -Q");
    for (one = query; one && *one && !code; one = end) {
        inside = 0;
        for (end = one; *end && (*end != ';' || inside); end++)
            inside ^= *end == '\'';
        if (*end)
            *end++ = 0;
        while (*one == ' ' || *one == '\r' || *one == '\n')
            one++;
        if (*one)
            code = statement(one);
    }
    return code;
}
