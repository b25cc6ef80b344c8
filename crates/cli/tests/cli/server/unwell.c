/* A machine that is not well. Flushes fail for as long as the file BROKEN is there: what a disk does that is about to die. The
   clock is off by so many seconds as the file AHEAD has bytes, or the file BEHIND. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int flush(const char *name, int fd) {
    const char *broken = getenv("BROKEN");
    if (broken && access(broken, F_OK) == 0) {
        errno = EIO;
        return -1;
    }
    int (*real)(int) = dlsym(RTLD_NEXT, name);
    return real(fd);
}

int fsync(int fd) { return flush("fsync", fd); }
int fdatasync(int fd) { return flush("fdatasync", fd); }

static long length(const char *variable) {
    struct stat found;
    const char *path = getenv(variable);
    return path && stat(path, &found) == 0 ? (long)found.st_size : 0;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) {
        real = dlsym(RTLD_NEXT, "clock_gettime");
    }
    int done = real(clock, time);
    if (done == 0 && clock == CLOCK_REALTIME) {
        time->tv_sec += length("AHEAD") - length("BEHIND");
    }
    return done;
}
