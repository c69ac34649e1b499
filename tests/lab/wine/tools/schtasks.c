// schtasks.exe, a stand-in of the lab (Wine's own cannot create tasks):
//   /create /tn NAME (/tr COMMAND | /xml FILE) ...   /run   /query /fo csv /v [/nh]   /end   /delete
// A task runs detached from whoever started it, in the same account. What Windows decides about accounts, rights,
// batteries and times is not shown. A task is a file C:\lab\tasks\NAME: command, arguments, last result, runs, process.
#include "lab.h"

#define NOT_YET_RUN 267011L
#define RUNNING_NOW 267009L
#define TERMINATED 267014L

struct task {
    wchar_t command[4096], arguments[4096];
    long result, runs;
    DWORD process;
};

static wchar_t file[4096], name[2048];

static void place(const wchar_t *given)
{
    size_t at;

    while (*given == '\\')
        given++;
    wcsncpy(name, given, 2047);
    swprintf(file, 4096, L"C:\\lab\\tasks\\%ls", name);
    for (at = wcslen(L"C:\\lab\\tasks\\"); file[at]; at++)
        if (file[at] == '\\')
            file[at] = '#';
}

static int load(struct task *task)
{
    wchar_t *text = read_text(file), *parts[5], *at = text;
    int i;

    if (!text)
        return 0;
    for (i = 0; i < 5; i++) {
        parts[i] = at;
        at = wcschr(at, '\n');
        if (!at)
            return 0;
        *at++ = 0;
    }
    wcsncpy(task->command, parts[0], 4095);
    wcsncpy(task->arguments, parts[1], 4095);
    task->result = _wtol(parts[2]);
    task->runs = _wtol(parts[3]);
    task->process = (DWORD)_wtol(parts[4]);
    free(text);
    return 1;
}

static void save(const struct task *task)
{
    static wchar_t text[10000], part[4200];

    CreateDirectoryW(L"C:\\lab", 0);
    CreateDirectoryW(L"C:\\lab\\tasks", 0);
    swprintf(text, 10000, L"%ls\n%ls\n%ld\n%ld\n%lu\n", task->command, task->arguments, task->result, task->runs,
             task->process);
    swprintf(part, 4200, L"%ls.part", file);
    write_text(part, text);
    MoveFileExW(part, file, MOVEFILE_REPLACE_EXISTING);
}

static int is_running(const struct task *task)
{
    HANDLE process = task->process ? OpenProcess(SYNCHRONIZE, 0, task->process) : 0;
    int yes = process && WaitForSingleObject(process, 0) == WAIT_TIMEOUT;

    if (process)
        CloseHandle(process);
    return yes;
}

// The text between <tag> and </tag>, with the five signs of XML resolved.
static void element(const wchar_t *text, const wchar_t *tag, wchar_t *out, size_t room)
{
    static const wchar_t *const signs[][2] = {{L"&lt;", L"<"}, {L"&gt;", L">"}, {L"&quot;", L"\""}, {L"&apos;", L"'"},
                                              {L"&amp;", L"&"}};
    wchar_t open[64], shut[64], *at;
    const wchar_t *from, *to;
    size_t i;

    swprintf(open, 64, L"<%ls>", tag);
    swprintf(shut, 64, L"</%ls>", tag);
    from = wcsstr(text, open);
    to = from ? wcsstr(from, shut) : 0;
    *out = 0;
    if (!to || (size_t)(to - from) >= room)
        return;
    from += wcslen(open);
    wcsncpy(out, from, to - from);
    out[to - from] = 0;
    for (i = 0; i < 5; i++)
        while ((at = wcsstr(out, signs[i][0]))) {
            *at = signs[i][1][0];
            memmove(at + 1, at + wcslen(signs[i][0]), (wcslen(at + wcslen(signs[i][0])) + 1) * sizeof *at);
        }
}

// Task files are UTF-16 with a mark, or UTF-8.
static wchar_t *read_task_file(const wchar_t *path)
{
    HANDLE handle = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ, 0, OPEN_EXISTING, 0, 0);
    DWORD size, done = 0;
    char *bytes;

    if (handle == INVALID_HANDLE_VALUE)
        return 0;
    size = GetFileSize(handle, 0);
    bytes = calloc(size + 4, 1);
    ReadFile(handle, bytes, size, &done, 0);
    CloseHandle(handle);
    return (unsigned char)bytes[0] == 0xFF ? (wchar_t *)bytes + 1 : read_text(path);
}

// Our own second half: carry the task out and note how it ended.
static int carry_out(void)
{
    static wchar_t line[9000];
    STARTUPINFOW startup = {sizeof startup};
    PROCESS_INFORMATION process;
    struct task task;
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {0};
    HANDLE job;
    DWORD code = 2;
    int quoted;

    if (!load(&task))
        return 1;
    // The command may be a whole line, as /tr takes it, or a program with arguments beside it.
    quoted = task.arguments[0] && task.command[0] != '"' && wcschr(task.command, ' ');
    swprintf(line, 9000, L"cmd.exe /s /c \"%ls%ls%ls %ls\"", quoted ? L"\"" : L"", task.command, quoted ? L"\"" : L"",
             task.arguments);
    // What the task starts goes down with it, as /end has it.
    job = CreateJobObjectW(0, 0);
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits);
    if (CreateProcessW(0, line, 0, 0, 0, CREATE_NO_WINDOW | CREATE_SUSPENDED, 0, L"C:\\windows\\system32", &startup,
                       &process)) {
        AssignProcessToJobObject(job, process.hProcess);
        ResumeThread(process.hThread);
        WaitForSingleObject(process.hProcess, INFINITE);
        GetExitCodeProcess(process.hProcess, &code);
    }
    if (load(&task)) {
        task.result = (long)code;
        task.process = 0;
        save(&task);
    }
    return 0;
}

static int start(struct task *task)
{
    static wchar_t line[9000], self[1024];
    SECURITY_ATTRIBUTES inherit = {sizeof inherit, 0, TRUE};
    STARTUPINFOW startup = {sizeof startup};
    PROCESS_INFORMATION process;
    HANDLE nowhere;

    if (is_running(task)) {
        say(L"SUCCESS: Attempted to run the scheduled task \"%ls\".", name);
        return 0;
    }
    // Nothing of ours may stay open in it, or the line that we came over would never end.
    nowhere = CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherit,
                          OPEN_EXISTING, 0, 0);
    startup.dwFlags = STARTF_USESTDHANDLES;
    startup.hStdInput = startup.hStdOutput = startup.hStdError = nowhere;
    GetModuleFileNameW(0, self, 1024);
    swprintf(line, 9000, L"\"%ls\" /lab-carry-out \"%ls\"", self, name);
    if (!CreateProcessW(0, line, 0, 0, 1, CREATE_SUSPENDED | CREATE_NO_WINDOW, 0, 0, &startup, &process))
        return refuse(L"the task could not be started");
    task->result = RUNNING_NOW;
    task->runs++;
    task->process = process.dwProcessId;
    save(task);
    ResumeThread(process.hThread);
    say(L"SUCCESS: Attempted to run the scheduled task \"%ls\".", name);
    return 0;
}

static void row(const struct task *task)
{
    int running = is_running(task);

    say(L"\"LAB\",\"\\%ls\",\"N/A\",\"%ls\",\"Interactive/Background\",\"%ls\",\"%ld\",\"N/A\",\"%ls%ls%ls\",\"N/A\","
        L"\"N/A\",\"Enabled\",\"Disabled\",\"\",\"SYSTEM\",\"Disabled\",\"72:00:00\"",
        name, running ? L"Running" : L"Ready", task->runs ? L"11/21/2026 6:00:00 PM" : L"11/30/1999 12:00:00 AM",
        task->result == RUNNING_NOW && !running ? 1L : task->result, task->command, task->arguments[0] ? L" " : L"",
        task->arguments);
}

static int query(int argc, wchar_t **argv, int all)
{
    WIN32_FIND_DATAW found;
    struct task task;
    HANDLE find;
    size_t at;
    int i, csv = 0, verbose = 0, bare = 0;

    for (i = 1; i < argc; i++) {
        csv |= !_wcsicmp(argv[i], L"csv");
        verbose |= !_wcsicmp(argv[i], L"/v");
        bare |= !_wcsicmp(argv[i], L"/nh");
    }
    if (!csv || !verbose)
        return refuse(L"tasks can be asked for only with /fo csv /v");
    if (!all && !load(&task)) {
        complain(L"ERROR: The system cannot find the file specified.");
        return 1;
    }
    if (!bare)
        say(L"\"HostName\",\"TaskName\",\"Next Run Time\",\"Status\",\"Logon Mode\",\"Last Run Time\",\"Last Result\","
            L"\"Author\",\"Task To Run\",\"Start In\",\"Comment\",\"Scheduled Task State\",\"Idle Time\","
            L"\"Power Management\",\"Run As User\",\"Delete Task If Not Rescheduled\","
            L"\"Stop Task If Runs X Hours and X Mins\"");
    if (!all) {
        row(&task);
        return 0;
    }
    find = FindFirstFileW(L"C:\\lab\\tasks\\*", &found);
    while (find != INVALID_HANDLE_VALUE) {
        if (!(found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY)) {
            for (at = 0; found.cFileName[at]; at++)
                if (found.cFileName[at] == '#')
                    found.cFileName[at] = '\\';
            place(found.cFileName);
            if (load(&task))
                row(&task);
        }
        if (!FindNextFileW(find, &found))
            break;
    }
    return 0;
}

static int create(int argc, wchar_t **argv, const wchar_t *command, const wchar_t *xml)
{
    struct task task = {{0}}, old;
    wchar_t *text;
    int i, force = 0;

    for (i = 1; i < argc; i++)
        force |= !_wcsicmp(argv[i], L"/f");
    if (load(&old) && !force) {
        // The real one asks, and takes its standard input's end for a no.
        say(L"WARNING: The task name \"%ls\" already exists. Do you want to replace it (Y/N)? ", name);
        complain(L"ERROR: The task \"%ls\" already exists.", name);
        return 1;
    }
    if (xml) {
        text = read_task_file(xml);
        if (!text) {
            complain(L"ERROR: The system cannot find the file specified.");
            return 1;
        }
        element(text, L"Command", task.command, 4096);
        element(text, L"Arguments", task.arguments, 4096);
    } else if (command)
        wcsncpy(task.command, command, 4095);
    if (!task.command[0])
        return refuse(L"a task without a command");
    task.result = NOT_YET_RUN;
    save(&task);
    say(L"SUCCESS: The scheduled task \"%ls\" has successfully been created.", name);
    return 0;
}

static int absent(void)
{
    complain(L"ERROR: The specified task name \"%ls\" does not exist in the system.", name);
    return 1;
}

int wmain(int argc, wchar_t **argv)
{
    const wchar_t *verb = argc > 1 ? argv[1] : L"", *tn = 0, *tr = 0, *xml = 0;
    HANDLE process;
    struct task task;
    int i;

    for (i = 2; i < argc - 1; i++) {
        if (!_wcsicmp(argv[i], L"/tn"))
            tn = argv[i + 1];
        if (!_wcsicmp(argv[i], L"/tr"))
            tr = argv[i + 1];
        if (!_wcsicmp(argv[i], L"/xml"))
            xml = argv[i + 1];
    }
    if (!_wcsicmp(verb, L"/lab-carry-out") && argc == 3) {
        place(argv[2]);
        return carry_out();
    }
    if (!_wcsicmp(verb, L"/query") && !tn)
        return query(argc, argv, 1);
    if (!tn)
        return refuse(L"no task is named");
    place(tn);
    if (!_wcsicmp(verb, L"/query"))
        return query(argc, argv, 0);
    if (!_wcsicmp(verb, L"/create"))
        return create(argc, argv, tr, xml);
    if (!load(&task))
        return absent();
    if (!_wcsicmp(verb, L"/run"))
        return start(&task);
    if (!_wcsicmp(verb, L"/delete")) {
        DeleteFileW(file);
        say(L"SUCCESS: The scheduled task \"%ls\" was successfully deleted.", name);
        return 0;
    }
    if (!_wcsicmp(verb, L"/end")) {
        process = OpenProcess(PROCESS_TERMINATE, 0, task.process);
        if (process)
            TerminateProcess(process, 1);
        task.result = TERMINATED;
        task.process = 0;
        save(&task);
        say(L"SUCCESS: The scheduled task \"%ls\" has been terminated successfully.", name);
        return 0;
    }
    return refuse(L"not a word of schtasks that the lab knows");
}
