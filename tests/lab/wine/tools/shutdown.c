// shutdown.exe, a stand-in of the lab (Wine's own does nothing): /r [/t SECONDS] [/f] [/d ...] [/c ...] has the machine
// restart, which `WineMachine` does when it finds the note; /a takes it back.
#include "lab.h"

#define NOTE LAB L"shutdown.txt"

int wmain(int argc, wchar_t **argv)
{
    wchar_t text[32];
    long seconds = 30;
    int i, restarts = 0, takes_back = 0;

    for (i = 1; i < argc; i++) {
        restarts |= !_wcsicmp(argv[i], L"/r");
        takes_back |= !_wcsicmp(argv[i], L"/a");
        if (!_wcsicmp(argv[i], L"/t") && i + 1 < argc)
            seconds = _wtol(argv[i + 1]);
    }
    if (takes_back) {
        if (DeleteFileW(NOTE))
            return 0;
        complain(L"Unable to abort the system shutdown because no shutdown was in progress.(1116)");
        return 1116;
    }
    if (!restarts)
        return refuse(L"the lab's machine only restarts");
    if (GetFileAttributesW(NOTE) != INVALID_FILE_ATTRIBUTES) {
        complain(L"A system shutdown has already been scheduled.(1190)");
        return 1190;
    }
    swprintf(text, 32, L"%ld\n", seconds);
    return write_text(NOTE, text) ? 0 : 1;
}
