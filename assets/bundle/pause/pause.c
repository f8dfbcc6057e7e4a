/*
 * pause: holds a Pod's namespaces and, as their PID 1, reaps what is left behind.
 * It ends on SIGINT and SIGTERM. Behaves as the image registry.k8s.io/pause does.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc > 1 && (!strcmp(argv[1], "-v") || !strcmp(argv[1], "--version"))) {
        puts("pause " VERSION);
        return 0;
    }
    if (getpid() != 1)
        fputs("Warning: pause should be the first process\n", stderr);

    /* Signals are blocked and taken one by one: no handler, so no race between a look and a sleep. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0) {
        perror("pause: sigprocmask");
        return 1;
    }
    for (;;) {
        int number;
        if (sigwait(&signals, &number) != 0)
            continue;
        if (number != SIGCHLD) {
            fprintf(stderr, "Shutting down, got signal: %s\n", strsignal(number));
            return 0;
        }
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
}
