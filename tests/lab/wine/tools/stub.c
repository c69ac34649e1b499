// A stand-in of the lab for every tool that Wine only pretends to have: Wine's own ends with 0 and does nothing. This
// one fails, says so, and leaves a note, so that no test passes on a tool that was never there.
#include "lab.h"

int wmain(void)
{
    return refuse(L"Wine only pretends to have this tool, and the lab has no stand-in for it");
}
