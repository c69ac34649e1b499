// hold.exe FILE SECONDS: keep FILE open for reading, so that an installer cannot replace it (it ends with 3010 then).
#include "lab.h"

int wmain(int argc, wchar_t **argv)
{
    HANDLE file;

    if (argc != 3)
        return 2;
    file = CreateFileW(argv[1], GENERIC_READ, FILE_SHARE_READ, 0, OPEN_EXISTING, 0, 0);
    if (file == INVALID_HANDLE_VALUE) {
        complain(L"cannot open: error %lu", GetLastError());
        return 1;
    }
    say(L"holding");
    fflush(stdout);
    Sleep(1000 * _wtoi(argv[2]));
    return 0;
}
