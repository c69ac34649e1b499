// wmic.exe, a stand-in of the lab (Wine's own prints tables and does not know /value):
//   os get NAME,... /value                                        Caption, BuildNumber, Version, CSName, LastBootUpTime
//   /namespace:\\root\MicrosoftIdentityIntegrationServer path MIIS_ManagementAgent get Name /value
//   ... path MIIS_ManagementAgent where Name='X' call Execute "PROFILE"
// The management agents are the lines of C:\lab\agents.txt (otherwise HR and AD); an import notes itself in
// C:\lab\imports.txt. Both need the service FIMSynchronizationService to run, which is all that they prove.
#include "lab.h"

static void pair(const wchar_t *name, const wchar_t *value)
{
    // Lines end as wmic is known for.
    say(L"%ls=%ls\r", name, value);
}

static int of_system(int argc, wchar_t **argv, int at)
{
    static wchar_t names[1024], *one;
    wchar_t host[64] = L"LAB", *booted = read_text(LAB L"boots.txt");
    DWORD size = 64;
    int i, value = 0;

    for (i = at; i < argc; i++) {
        if (!_wcsicmp(argv[i], L"/value"))
            value = 1;
        else {
            wcscat(names, argv[i]);
            wcscat(names, L",");
        }
    }
    if (!value)
        return refuse(L"the lab's wmic prints only /value");
    GetComputerNameW(host, &size);
    say(L"\r\n\r");
    for (one = wcstok(names, L", "); one; one = wcstok(0, L", ")) {
        if (!_wcsicmp(one, L"Caption"))
            pair(L"Caption", L"Microsoft Windows 7 Ultimate (Wine)");
        else if (!_wcsicmp(one, L"BuildNumber"))
            pair(L"BuildNumber", L"7601");
        else if (!_wcsicmp(one, L"Version"))
            pair(L"Version", L"6.1.7601");
        else if (!_wcsicmp(one, L"CSName"))
            pair(L"CSName", host);
        else if (!_wcsicmp(one, L"LastBootUpTime")) {
            if (booted)
                booted[wcscspn(booted, L"\r\n")] = 0;
            pair(L"LastBootUpTime", booted ? booted : L"20260101000000.000000+000");
        } else
            return refuse(L"not a property that the lab's wmic knows");
    }
    say(L"\r\n\r");
    return 0;
}

static int agents(int argc, wchar_t **argv, int at)
{
    wchar_t *text = read_text(LAB L"agents.txt"), *one, wanted[256] = L"", line[1024], *equals;
    int found = 0;

    if (service_state(L"FIMSynchronizationService") != SERVICE_RUNNING) {
        complain(L"ERROR:\r\nDescription = Provider load failure\r");
        return (int)0x80041013;
    }
    if (at + 1 < argc && !_wcsicmp(argv[at], L"where")) {
        equals = wcschr(argv[at + 1], '=');
        wcsncpy(wanted, equals ? equals + 1 : argv[at + 1], 255);
        for (one = wanted; *one; one++)
            while (*one == '\'' || *one == '"' || *one == ')')
                memmove(one, one + 1, wcslen(one) * sizeof *one);
        at += 2;
    }
    if (!text)
        text = _wcsdup(L"HR\nAD\n");
    for (one = wcstok(text, L"\r\n"); one; one = wcstok(0, L"\r\n")) {
        if (*wanted && _wcsicmp(one, wanted))
            continue;
        found = 1;
        if (at < argc && !_wcsicmp(argv[at], L"get")) {
            say(L"\r\n\r");
            pair(L"Name", one);
            say(L"\r\n\r");
        } else if (at + 2 < argc && !_wcsicmp(argv[at], L"call") && !_wcsicmp(argv[at + 1], L"Execute")) {
            swprintf(line, 1024, L"%ls %ls", one, argv[at + 2]);
            append(LAB L"imports.txt", line);
            say(L"Executing (\\\\LAB\\root\\MicrosoftIdentityIntegrationServer:MIIS_ManagementAgent.Name=\"%ls\")"
                L"->Execute()\r\nMethod execution successful.\r\nOut Parameters:\r\ninstance of __PARAMETERS\r\n{\r\n"
                L"\tReturnValue = \"success\";\r\n};\r\n\r", one);
        } else
            return refuse(L"not a word of wmic that the lab knows");
    }
    if (!found)
        complain(L"No Instance(s) Available.\r");
    return 0;
}

int wmain(int argc, wchar_t **argv)
{
    int at = 1, engine = 0;

    for (; at < argc && argv[at][0] == '/'; at++)
        engine |= !_wcsicmp(argv[at], L"/namespace:\\\\root\\MicrosoftIdentityIntegrationServer");
    if (at + 1 < argc && !_wcsicmp(argv[at], L"os") && !_wcsicmp(argv[at + 1], L"get"))
        return of_system(argc, argv, at + 2);
    if (engine && at + 1 < argc && !_wcsicmp(argv[at], L"path") && !_wcsicmp(argv[at + 1], L"MIIS_ManagementAgent"))
        return agents(argc, argv, at + 2);
    return refuse(L"not a word of wmic that the lab knows");
}
