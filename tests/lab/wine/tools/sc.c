// sc.exe, in place of Wine's, which cannot do queryex, qc and config and says 1 where Windows says why. The service
// manager that it asks is Wine's own, a real one. query [NAME], queryex NAME, qc NAME, start, stop, config NAME
// start=|obj= VALUE, create NAME binPath= VALUE ..., delete. Exit codes are the system's.
#include "lab.h"

static SC_HANDLE manager;

static int wrong(const wchar_t *what)
{
    DWORD code = GetLastError();
    wchar_t text[512] = L"";

    switch (code) {
    case ERROR_SERVICE_DOES_NOT_EXIST:
        wcscpy(text, L"The specified service does not exist as an installed service.");
        break;
    case ERROR_SERVICE_ALREADY_RUNNING:
        wcscpy(text, L"An instance of the service is already running.");
        break;
    case ERROR_SERVICE_NOT_ACTIVE:
        wcscpy(text, L"The service has not been started.");
        break;
    default:
        FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, 0, code, 0, text, 512, 0);
    }
    say(L"[SC] %ls FAILED %lu:\n\n%ls\n", what, code, text);
    return (int)code;
}

static const wchar_t *state_name(DWORD state)
{
    static const wchar_t *const names[] = {L"", L"STOPPED", L"START_PENDING", L"STOP_PENDING", L"RUNNING",
                                           L"CONTINUE_PENDING", L"PAUSE_PENDING", L"PAUSED"};

    return state < 8 ? names[state] : L"";
}

static void show(const wchar_t *name, const wchar_t *title, const SERVICE_STATUS_PROCESS *status, int more)
{
    say(L"\nSERVICE_NAME: %ls ", name);
    if (title)
        say(L"DISPLAY_NAME: %ls", title);
    say(L"        TYPE               : %lx  WIN32_OWN_PROCESS  ", status->dwServiceType);
    say(L"        STATE              : %lu  %ls ", status->dwCurrentState, state_name(status->dwCurrentState));
    say(L"                                (%ls, NOT_PAUSABLE, %ls)",
        status->dwControlsAccepted & SERVICE_ACCEPT_STOP ? L"STOPPABLE" : L"NOT_STOPPABLE",
        status->dwControlsAccepted & SERVICE_ACCEPT_SHUTDOWN ? L"ACCEPTS_SHUTDOWN" : L"IGNORES_SHUTDOWN");
    say(L"        WIN32_EXIT_CODE    : %lu  (0x%lx)", status->dwWin32ExitCode, status->dwWin32ExitCode);
    say(L"        SERVICE_EXIT_CODE  : %lu  (0x%lx)", status->dwServiceSpecificExitCode,
        status->dwServiceSpecificExitCode);
    say(L"        CHECKPOINT         : 0x%lx", status->dwCheckPoint);
    say(L"        WAIT_HINT          : 0x%lx", status->dwWaitHint);
    if (more) {
        say(L"        PID                : %lu", status->dwProcessId);
        say(L"        FLAGS              : ");
    }
}

static int query(SC_HANDLE service, const wchar_t *name, int more)
{
    SERVICE_STATUS_PROCESS status;
    DWORD size;

    if (!QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, (BYTE *)&status, sizeof status, &size))
        return wrong(L"QueryServiceStatusEx");
    show(name, 0, &status, more);
    return 0;
}

static int query_all(int everything, int more)
{
    static BYTE buffer[1 << 18];
    ENUM_SERVICE_STATUS_PROCESSW *found = (ENUM_SERVICE_STATUS_PROCESSW *)buffer;
    DWORD size, count, resume = 0, i;

    if (!EnumServicesStatusExW(manager, SC_ENUM_PROCESS_INFO, SERVICE_WIN32,
                               everything ? SERVICE_STATE_ALL : SERVICE_ACTIVE, buffer, sizeof buffer, &size, &count,
                               &resume, 0))
        return wrong(L"EnumServicesStatusEx");
    for (i = 0; i < count; i++)
        show(found[i].lpServiceName, found[i].lpDisplayName, &found[i].ServiceStatusProcess, more);
    return 0;
}

static int configuration(SC_HANDLE service, const wchar_t *name)
{
    static const wchar_t *const starts[] = {L"BOOT_START", L"SYSTEM_START", L"AUTO_START", L"DEMAND_START",
                                            L"DISABLED"};
    static BYTE buffer[8192];
    QUERY_SERVICE_CONFIGW *found = (QUERY_SERVICE_CONFIGW *)buffer;
    const wchar_t *one;
    DWORD size;

    if (!QueryServiceConfigW(service, found, sizeof buffer, &size))
        return wrong(L"QueryServiceConfig");
    say(L"[SC] QueryServiceConfig SUCCESS\n\nSERVICE_NAME: %ls", name);
    say(L"        TYPE               : %lx  WIN32_OWN_PROCESS ", found->dwServiceType);
    say(L"        START_TYPE         : %lu   %ls", found->dwStartType,
        found->dwStartType < 5 ? starts[found->dwStartType] : L"");
    say(L"        ERROR_CONTROL      : %lu   NORMAL", found->dwErrorControl);
    say(L"        BINARY_PATH_NAME   : %ls", found->lpBinaryPathName);
    say(L"        LOAD_ORDER_GROUP   : %ls", found->lpLoadOrderGroup ? found->lpLoadOrderGroup : L"");
    say(L"        TAG                : %lu", found->dwTagId);
    say(L"        DISPLAY_NAME       : %ls", found->lpDisplayName);
    one = found->lpDependencies ? found->lpDependencies : L"";
    say(L"        DEPENDENCIES       : %ls", one);
    while (*one && *(one += wcslen(one) + 1))
        say(L"                           : %ls", one);
    say(L"        SERVICE_START_NAME : %ls", found->lpServiceStartName);
    return 0;
}

static int stop(SC_HANDLE service, const wchar_t *name)
{
    SERVICE_STATUS status;

    if (!ControlService(service, SERVICE_CONTROL_STOP, &status))
        return wrong(L"ControlService");
    return query(service, name, 0);
}

// NAME= VALUE pairs, as start= auto obj= LocalSystem binPath= ... DisplayName= ...
static const wchar_t *option(int argc, wchar_t **argv, const wchar_t *name)
{
    int i;

    for (i = 3; i < argc - 1; i++)
        if (!_wcsicmp(argv[i], name))
            return argv[i + 1];
    return 0;
}

static DWORD start_type(const wchar_t *text, DWORD otherwise)
{
    if (!text)
        return otherwise;
    return !_wcsicmp(text, L"auto") ? SERVICE_AUTO_START : !_wcsicmp(text, L"disabled") ? SERVICE_DISABLED
                                                                                       : SERVICE_DEMAND_START;
}

int wmain(int argc, wchar_t **argv)
{
    const wchar_t *verb = argc > 1 ? argv[1] : L"", *name = argc > 2 ? argv[2] : 0;
    int listing = !_wcsicmp(verb, L"query") || !_wcsicmp(verb, L"queryex"), more = !_wcsicmp(verb, L"queryex"), i;
    SC_HANDLE service;

    manager = OpenSCManagerW(0, 0, SC_MANAGER_ALL_ACCESS);
    for (i = 2; listing && i < argc; i++)
        if (!_wcsicmp(argv[i], L"state="))
            return query_all(i + 1 < argc && !_wcsicmp(argv[i + 1], L"all"), more);
    if (listing && !name)
        return query_all(0, more);
    if (!name)
        return refuse(L"no service is named");
    if (!_wcsicmp(verb, L"create")) {
        const wchar_t *title = option(argc, argv, L"DisplayName=");

        if (!CreateServiceW(manager, name, title ? title : name, SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS,
                            start_type(option(argc, argv, L"start="), SERVICE_DEMAND_START), SERVICE_ERROR_NORMAL,
                            option(argc, argv, L"binPath="), 0, 0, 0, option(argc, argv, L"obj="), 0))
            return wrong(L"CreateService");
        say(L"[SC] CreateService SUCCESS");
        return 0;
    }
    service = OpenServiceW(manager, name, SERVICE_ALL_ACCESS);
    if (!service)
        return wrong(listing ? L"EnumQueryServicesStatus:OpenService"
                             : !_wcsicmp(verb, L"start") ? L"StartService: OpenService" : L"OpenService");
    if (listing)
        return query(service, name, more);
    if (!_wcsicmp(verb, L"qc"))
        return configuration(service, name);
    if (!_wcsicmp(verb, L"start"))
        return StartServiceW(service, 0, 0) ? query(service, name, 1) : wrong(L"StartService");
    if (!_wcsicmp(verb, L"stop"))
        return stop(service, name);
    if (!_wcsicmp(verb, L"delete")) {
        if (!DeleteService(service))
            return wrong(L"DeleteService");
        say(L"[SC] DeleteService SUCCESS");
        return 0;
    }
    if (!_wcsicmp(verb, L"config") && (option(argc, argv, L"start=") || option(argc, argv, L"obj="))) {
        if (!ChangeServiceConfigW(service, SERVICE_NO_CHANGE,
                                  start_type(option(argc, argv, L"start="), SERVICE_NO_CHANGE),
                                  SERVICE_NO_CHANGE, 0, 0, 0, 0, option(argc, argv, L"obj="),
                                  option(argc, argv, L"password="), 0))
            return wrong(L"ChangeServiceConfig");
        say(L"[SC] ChangeServiceConfig SUCCESS");
        return 0;
    }
    return refuse(L"not a word of sc that the lab knows");
}
