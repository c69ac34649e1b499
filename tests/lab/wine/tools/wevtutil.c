// wevtutil.exe, a stand-in of the lab: `qe LOG ...` prints C:\lab\events-LOG.txt, whatever is asked about it, or
// nothing when it is not there. Wine has no event log, so that no error stands in it proves nothing.
#include "lab.h"

int wmain(int argc, wchar_t **argv)
{
    wchar_t path[1024], *text;

    if (argc < 3 || (_wcsicmp(argv[1], L"qe") && _wcsicmp(argv[1], L"query-events")))
        return refuse(L"not a word of wevtutil that the lab knows");
    swprintf(path, 1024, LAB L"events-%ls.txt", argv[2]);
    text = read_text(path);
    if (text)
        put(stdout, text);
    return 0;
}
