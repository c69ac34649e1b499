// Programs that a synchronization service brings along, as far as our procedure calls them: stand-ins of the lab.
// One program for all; what it does goes by its file's name:
//   miiskmu   /e FILE /u:ACCOUNT *       a key set of nonsense, when a password is typed; /c {ID}, /i FILE {ID}
//   csexport  AGENT FILE                 the same few objects every time, as long as the service runs
//   svrexport FOLDER                     a configuration of one file, as long as the service runs
//   anything else                        prints its version
#include "version.h"
#include <shellapi.h>

#define SERVICE L"FIMSynchronizationService"
#define KEYS L"HANDRAIL LAB KEY SET"

static int keys(int argc, wchar_t **argv)
{
    char typed[256] = {0};
    wchar_t text[512], *read;

    if (argc < 4)
        return refuse(L"miiskmu is asked for something that the lab does not know");
    if (!wcscmp(argv[argc - 1], L"*"))
        fgets(typed, sizeof typed, stdin);
    if (!typed[0] || typed[0] == '\r' || typed[0] == '\n') {
        complain(L"The user name or password is incorrect.");
        return 1;
    }
    if (!wcscmp(argv[1], L"/e")) {
        swprintf(text, 512, KEYS L" %lu\n", GetTickCount());
        if (!write_text(argv[2], text)) {
            complain(L"The key set could not be exported.");
            return 1;
        }
        say(L"The key set was exported successfully.");
        return 0;
    }
    if (!wcscmp(argv[1], L"/c")) {
        say(L"The key set is available.");
        return 0;
    }
    if (!wcscmp(argv[1], L"/i")) {
        read = read_text(argv[2]);
        if (!read || wcsncmp(read, KEYS, wcslen(KEYS))) {
            complain(L"The key set could not be imported.");
            return 1;
        }
        say(L"The key set was imported successfully.");
        return 0;
    }
    return refuse(L"miiskmu is asked for something that the lab does not know");
}

static int needs_service(void)
{
    if (service_state(SERVICE) == SERVICE_RUNNING)
        return 0;
    complain(L"Unable to connect to the synchronization service.");
    return 1;
}

static int space(int argc, wchar_t **argv)
{
    static wchar_t text[8000], one[1024];
    int i;

    if (argc != 3)
        return refuse(L"csexport is asked for something that the lab does not know");
    if (needs_service())
        return 1;
    wcscpy(text, L"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<cs-objects>");
    for (i = 0; i < 8; i++) {
        swprintf(one, 1024,
                 L"<cs-object cs-dn=\"CN=person%d,OU=%ls,DC=lab\" id=\"{00000000-0000-0000-0000-00000000000%d}\" "
                 L"object-type=\"user\"><synchronized-hologram><entry dn=\"CN=person%d,OU=%ls,DC=lab\">"
                 L"<primary-objectclass>user</primary-objectclass><attr name=\"displayName\" type=\"string\" "
                 L"multivalued=\"false\"><value>Person %d</value></attr></entry></synchronized-hologram>"
                 L"<connector>1</connector></cs-object>", i, argv[1], i, i, argv[1], i);
        wcscat(text, one);
    }
    wcscat(text, L"</cs-objects>");
    if (!write_text(argv[2], text)) {
        complain(L"The file cannot be written.");
        return 1;
    }
    say(L"Exported the connector space of %ls.", argv[1]);
    return 0;
}

static int configuration(int argc, wchar_t **argv)
{
    wchar_t path[4096];

    if (argc != 2)
        return refuse(L"svrexport is asked for something that the lab does not know");
    if (needs_service())
        return 1;
    CreateDirectoryW(argv[1], 0);
    swprintf(path, 4096, L"%ls\\MV.xml", argv[1]);
    if (!write_text(path, L"<saved-mv-configuration server=\"LAB\"><mv-data><schema/></mv-data>"
                          L"</saved-mv-configuration>")) {
        complain(L"The file cannot be written.");
        return 1;
    }
    say(L"Exported the configuration.");
    return 0;
}

// As the C runtime of Windows takes the program's name off a line: quotation marks hold together, a backslash is a
// backslash. That of Wine reads C:\"Program Files\a.exe" otherwise, and gets all arguments wrong.
static wchar_t **own_arguments(int *count)
{
    wchar_t *at = GetCommandLineW(), line[32768] = L"x ";
    int quoted = 0;

    for (; *at && (quoted || (*at != ' ' && *at != '\t')); at++)
        quoted ^= *at == '"';
    wcsncat(line, at, 32000);
    return CommandLineToArgvW(line, count);
}

int wmain(int argc, wchar_t **argv)
{
    wchar_t path[1024], version[64], *tool;

    GetModuleFileNameW(0, path, 1024);
    tool = wcsrchr(path, '\\') + 1;
    own_version(version, 64);
    argv = own_arguments(&argc);
    if (!_wcsicmp(tool, L"miiskmu.exe"))
        return keys(argc, argv);
    if (!_wcsicmp(tool, L"csexport.exe"))
        return space(argc, argv);
    if (!_wcsicmp(tool, L"svrexport.exe"))
        return configuration(argc, argv);
    say(L"%ls %ls", tool, version);
    return 0;
}
