// sqlcmd.exe, a stand-in of the lab with no SQL Server behind it: a database is a file C:\lab\sql\NAME.txt with its
// state in the first line and any text behind it, a backup is a text with a header, that text and an end. Beside it lie
// NAME.access (who is let in) and NAME.restores (what msdb would know). It answers the few statements that our
// procedures ask, one by one, with the columns that SQL Server 2019 has, and refuses every other. What server is named
// is all the same.
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

// What lies beside a database, or the database itself (kind L"txt"); 0 when there is none.
static wchar_t *kept(const wchar_t *database, const wchar_t *kind)
{
    wchar_t path[2048];

    swprintf(path, 2048, LAB L"sql\\%ls.%ls", database, kind);
    return read_text(path);
}

static int keep(const wchar_t *database, const wchar_t *kind, const wchar_t *text)
{
    wchar_t path[2048];

    swprintf(path, 2048, LAB L"sql\\%ls.%ls", database, kind);
    return write_text(path, text);
}

static wchar_t *state_of(const wchar_t *database)
{
    wchar_t *state = kept(database, L"txt");

    if (state)
        state[wcscspn(state, L"\r\n")] = 0;
    return state;
}

static int back_up(const wchar_t *text)
{
    static wchar_t line[60000];
    wchar_t name[512], path[4096], now[64];
    SYSTEMTIME time;
    GUID id = {0};
    wchar_t *state, *held;

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
    held = kept(name, L"txt");
    held += wcscspn(held, L"\n") + (wcschr(held, '\n') != 0);
    swprintf(line, 60000, L"HANDRAIL LAB BACKUP\n%ls\n%ls\n%08lX-%04X-4000-8000-000000000000\n%d\n%d\n%ls\nEND\n", name,
             now, id.Data1, id.Data2, wcsstr(text, L"COPY_ONLY") != 0, wcsstr(text, L"CHECKSUM") != 0, held);
    if (!write_text(path, line))
        return wrong(3201, L"Cannot open backup device. Operating system error 3(The system cannot find the path "
                           L"specified.).");
    say(L"Processed 344 pages for database '%ls', file '%ls' on file 1.", name, name);
    say(L"BACKUP DATABASE successfully processed 344 pages in 0.212 seconds (11.226 MB/sec).");
    return 0;
}

// The six lines of a backup and, behind them, what the database held; 0 and a message when it is none. `whole`: its end
// is there too.
static int opened(const wchar_t *text, wchar_t *lines[7], int *whole)
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
    if (i < 6 || !at || wcscmp(lines[0], L"HANDRAIL LAB BACKUP"))
        return wrong(3241, L"The media family on the device is incorrectly formed. SQL Server cannot process it."), 0;
    lines[6] = at;
    at = wcsstr(at, L"\nEND\n");
    if (at)
        *at = 0;
    return 1;
}

static int header(const wchar_t *text)
{
    static const wchar_t *const columns[] = {
        L"BackupName", L"BackupType", L"Position", L"UserName", L"ServerName", L"DatabaseName", L"DatabaseVersion",
        L"DatabaseCreationDate", L"BackupSize", L"BackupStartDate", L"BackupFinishDate", L"SoftwareVersionMajor",
        L"SoftwareVersionMinor", L"SoftwareVersionBuild", L"IsCopyOnly", L"HasBackupChecksums", L"BackupSetGUID"};
    wchar_t *lines[7];
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
    wchar_t *lines[7];
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

static int files_in(const wchar_t *text)
{
    static const wchar_t *const columns[] = {L"LogicalName", L"PhysicalName", L"Type", L"Size"};
    wchar_t *lines[7], path[2048];
    const wchar_t *row[] = {0, path, L"D", L"2818048"};
    int whole;

    if (!opened(text, lines, &whole))
        return 1;
    row[0] = lines[1];
    swprintf(path, 2048, LAB L"sql\\%ls.mdf", lines[1]);
    table(columns, row, 4);
    return 0;
}

static int files_of(const wchar_t *text)
{
    static const wchar_t *const columns[] = {L"name", L"filename"};
    wchar_t name[512], path[2048];
    const wchar_t *row[] = {name, path};

    if (!quoted(text, L"DB_ID(", name))
        return refuse(L"files of a database that is not named");
    swprintf(path, 2048, LAB L"sql\\%ls.mdf", name);
    table(columns, state_of(name) ? row : 0, 2);
    return 0;
}

// A note of it goes to what stands for msdb.
static int put_back(const wchar_t *text)
{
    static wchar_t all[65000];
    wchar_t name[512], note[2048], *lines[7], *before;
    int whole, count = 1;

    if (!bracketed(text, name) || !wcsstr(text, L"REPLACE"))
        return refuse(L"a restore that the lab's sqlcmd does not understand");
    if (!opened(text, lines, &whole))
        return 1;
    if (!whole)
        return wrong(3203, L"Read failed: 38(Reached the end of the file.)\nRESTORE DATABASE is terminating abnormally.");
    swprintf(all, 65000, L"ONLINE\n%ls", lines[6]);
    for (before = kept(name, L"restores"); before && *before; before++)
        count += *before == '\n';
    swprintf(note, 2048, LAB L"sql\\%ls.restores", name);
    if (!keep(name, L"txt", all))
        return wrong(3013, L"RESTORE DATABASE is terminating abnormally.");
    swprintf(all, 65000, L"%d|%ls|%ls", count, lines[3], lines[2]);
    append(note, all);
    say(L"RESTORE DATABASE successfully processed 344 pages in 0.212 seconds (11.226 MB/sec).");
    return 0;
}

static int last_restore(const wchar_t *text)
{
    static const wchar_t *const columns[] = {L"id", L"backup_set", L"finished"};
    wchar_t name[512], *at, *line = 0;
    const wchar_t *row[3];
    int i;

    if (!quoted(text, L"destination_database_name", name))
        return refuse(L"restores of a database that is not named");
    for (at = kept(name, L"restores"); at && *at; at += wcscspn(at, L"\n") + 1)
        line = at;
    for (i = 0; line && i < 3; i++)
        row[i] = wcstok(i ? 0 : line, L"|\r\n");
    table(columns, line ? row : 0, 3);
    return 0;
}

static int alter(const wchar_t *text)
{
    wchar_t name[512];
    const wchar_t *access = wcsstr(text, L"SET MULTI_USER") ? L"MULTI_USER" : L"SINGLE_USER";

    if (!bracketed(text, name) || !wcsstr(text, L" SET ") || !wcsstr(text, access))
        return refuse(L"a change of a database that the lab's sqlcmd does not know");
    return state_of(name) && keep(name, L"access", access) ? 0 : wrong(5011, L"ALTER DATABASE statement failed.");
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
    wchar_t *state = state_of(database), *access = kept(database, L"access");
    const wchar_t *row[] = {state, access ? access : L"MULTI_USER"};

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
    if (!wcsncmp(text, L"RESTORE FILELISTONLY ", 21))
        return files_in(text);
    if (!wcsncmp(text, L"RESTORE DATABASE ", 17))
        return put_back(text);
    if (!wcsncmp(text, L"ALTER DATABASE ", 15))
        return alter(text);
    if (!wcsncmp(text, L"SELECT TOP 1 h.restore_history_id AS id,", 40))
        return last_restore(text);
    if (!wcsncmp(text, L"SELECT spid FROM master.dbo.sysprocesses WHERE cmd LIKE N'RESTORE%'", 67))
        return one_value(L"spid", 0);
    if (!wcsncmp(text, L"SELECT name, filename FROM master.dbo.sysaltfiles", 49))
        return files_of(text);
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
