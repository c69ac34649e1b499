// A service that answers start and stop and does nothing else: a stand-in of the lab for a product's server.
// It notes starts and stops in C:\lab\services.txt, with its version. While C:\lab\SERVICE.fails lies there, it refuses
// to start. With any argument it prints its version instead.
#include "version.h"

static wchar_t name[256], version[64];

static SERVICE_STATUS_HANDLE handle;
static SERVICE_STATUS status;
static HANDLE stop_event;

static void report(DWORD state, DWORD accepted, DWORD code)
{
    status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
    status.dwCurrentState = state;
    status.dwControlsAccepted = accepted;
    status.dwWin32ExitCode = code;
    SetServiceStatus(handle, &status);
}

static DWORD WINAPI control(DWORD code, DWORD type, LPVOID data, LPVOID context)
{
    (void)type, (void)data, (void)context;
    if (code == SERVICE_CONTROL_STOP || code == SERVICE_CONTROL_SHUTDOWN) {
        report(SERVICE_STOP_PENDING, 0, 0);
        SetEvent(stop_event);
    }
    return NO_ERROR;
}

static void note(const wchar_t *what)
{
    wchar_t text[400];

    swprintf(text, 400, L"%ls %ls %ls", name, version, what);
    append(LAB L"services.txt", text);
}

static void WINAPI service_main(DWORD argc, LPWSTR *argv)
{
    wchar_t file[300];

    wcsncpy(name, argc ? argv[0] : L"", 255);   // the service manager says which service this is
    own_version(version, 64);
    stop_event = CreateEventW(0, 1, 0, 0);
    handle = RegisterServiceCtrlHandlerExW(name, control, 0);
    swprintf(file, 300, LAB L"%ls.fails", name);
    if (GetFileAttributesW(file) != INVALID_FILE_ATTRIBUTES) {
        report(SERVICE_STOPPED, 0, ERROR_SERVICE_SPECIFIC_ERROR);
        return;
    }
    report(SERVICE_START_PENDING, 0, 0);
    note(L"start");
    report(SERVICE_RUNNING, SERVICE_ACCEPT_STOP, 0);
    WaitForSingleObject(stop_event, INFINITE);
    note(L"stop");
    report(SERVICE_STOPPED, 0, 0);
}

int wmain(int argc, wchar_t **argv)
{
    SERVICE_TABLE_ENTRYW table[] = {{name, service_main}, {0, 0}};

    (void)argv;
    if (argc > 1) {
        own_version(version, 64);
        say(L"%ls", version);
        return 0;
    }
    return StartServiceCtrlDispatcherW(table) ? 0 : 1;
}
