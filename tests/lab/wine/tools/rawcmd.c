// rawcmd.exe: run the line in LAB_LINE as `cmd.exe /s /c "LINE"`, untouched, and write all 32 bits of its exit code to
// the file LAB_EXIT, if there is one. Through a Linux argument list instead, every " would turn into \".
// LAB_CWD, if there is one, is the folder to begin in.
#include "lab.h"

int wmain(void)
{
    static wchar_t line[40000] = L"cmd.exe /s /c \"", folder[4096], file[4096], number[32];
    const DWORD room = 32000;
    size_t prefix = wcslen(line);
    DWORD length = GetEnvironmentVariableW(L"LAB_LINE", line + prefix, room);
    DWORD placed = GetEnvironmentVariableW(L"LAB_CWD", folder, 4096);
    DWORD told = GetEnvironmentVariableW(L"LAB_EXIT", file, 4096);
    STARTUPINFOW startup = {sizeof startup};
    PROCESS_INFORMATION process;
    DWORD code = 255;

    if (length && length < room) {
        SetEnvironmentVariableW(L"LAB_LINE", 0);
        SetEnvironmentVariableW(L"LAB_CWD", 0);
        SetEnvironmentVariableW(L"LAB_EXIT", 0);
        wcscat(line, L"\"");
        if (CreateProcessW(0, line, 0, 0, 1, 0, 0, placed ? folder : 0, &startup, &process)) {
            WaitForSingleObject(process.hProcess, INFINITE);
            GetExitCodeProcess(process.hProcess, &code);
        } else
            complain(L"HANDRAIL LAB: cmd.exe could not be started: %lu", GetLastError());
    }
    if (told) {
        swprintf(number, 32, L"%ld\n", (long)code);
        write_text(file, number);
    }
    return code;
}
