// rawcmd.exe: run the line in LAB_LINE as `cmd.exe /s /c "LINE"`, untouched, and write all 32 bits of its exit code to
// the file LAB_EXIT, if there is one. Through a Linux argument list instead, every " would turn into \".
// LAB_CWD, if there is one, is the folder to begin in. LAB_BEGUN, if there is one, is a file that says that we began.
//
// On a busy machine Wine was seen to fail to start a program that is there, or cmd.exe itself (1359, an internal error).
// cmd.exe then ends with 9009, as for one that is not there, and nothing has run. Neither has it when a library of the
// program could not be loaded, or not made ready. Such a line is said again.
#include "lab.h"

enum { TIMES = 3 };

static int was_not_started(DWORD code)
{
    return code == 9009 || code == 0xC0000135 /* STATUS_DLL_NOT_FOUND */ || code == 0xC0000142 /* ..._INIT_FAILED */;
}

// Whether the line begins with the name of a program that can be found.
static int begins_with_a_program(const wchar_t *line)
{
    static wchar_t name[4096], found[4096];
    size_t length;

    while (*line == L' ')
        line++;
    length = *line == L'"' ? wcscspn(++line, L"\"") : wcscspn(line, L" &|<>");
    if (!length || length >= 4096)
        return 0;
    wcsncpy(name, line, length);
    name[length] = 0;
    return SearchPathW(0, name, L".exe", 4096, found, 0) != 0;
}

int wmain(void)
{
    static wchar_t line[40000] = L"cmd.exe /s /c \"", said[40000], folder[4096], file[4096], began[4096], number[32];
    const DWORD room = 32000;
    size_t prefix = wcslen(line);
    DWORD length = GetEnvironmentVariableW(L"LAB_LINE", line + prefix, room);
    DWORD placed = GetEnvironmentVariableW(L"LAB_CWD", folder, 4096);
    DWORD told = GetEnvironmentVariableW(L"LAB_EXIT", file, 4096);
    STARTUPINFOW startup = {sizeof startup};
    PROCESS_INFORMATION process;
    DWORD code = 255;
    int known;

    if (GetEnvironmentVariableW(L"LAB_BEGUN", began, 4096))
        write_text(began, L"");
    if (length && length < room) {
        SetEnvironmentVariableW(L"LAB_BEGUN", 0);
        SetEnvironmentVariableW(L"LAB_LINE", 0);
        SetEnvironmentVariableW(L"LAB_CWD", 0);
        SetEnvironmentVariableW(L"LAB_EXIT", 0);
        known = begins_with_a_program(line + prefix);
        wcscat(line, L"\"");
        for (int left = TIMES; left--; Sleep(200)) {
            // CreateProcess may write into the line that it is given.
            if (!CreateProcessW(0, wcscpy(said, line), 0, 0, 1, 0, 0, placed ? folder : 0, &startup, &process)) {
                if (!left)
                    complain(L"HANDRAIL LAB: cmd.exe could not be started: %lu", GetLastError());
                continue;
            }
            WaitForSingleObject(process.hProcess, INFINITE);
            GetExitCodeProcess(process.hProcess, &code);
            CloseHandle(process.hThread);
            CloseHandle(process.hProcess);
            if (!was_not_started(code) || !known)
                break;
        }
    }
    if (told) {
        swprintf(number, 32, L"%ld\n", (long)code);
        write_text(file, number);
    }
    return code;
}
