/* What a failing disk, a full one and a slow one do to a program, for tests: loaded before the C library (LD_PRELOAD).
 *
 *   SHIM_BLOCK=PATH        a file is a block device
 *   SHIM_BAD=FROM-TO       its bytes from FROM to TO cannot be read
 *   SHIM_WAIT=PATH         when that file is mapped, wait until somebody changed it
 *   SHIM_FULL=FOLDER       there is no room in the folder
 *   SHIM_HOLD=FOLDER       the first write to a file in the folder says "held" on standard error, and never ends
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Whether a descriptor is of what a variable names, or of something below it. */
static int is_of(int fd, const char *variable) {
    const char *path = getenv(variable);
    char link[64], name[PATH_MAX];
    if (!path)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, name, sizeof name - 1);
    if (len < 0)
        return 0;
    name[len] = 0;
    return strncmp(name, path, strlen(path)) == 0;
}

int statx(int dir, const char *restrict path, int flags, unsigned mask, struct statx *restrict to) {
    static int (*real)(int, const char *restrict, int, unsigned, struct statx *restrict);
    if (!real)
        real = dlsym(RTLD_NEXT, "statx");
    int done = real(dir, path, flags, mask, to);
    if (done == 0 && !*path && is_of(dir, "SHIM_BLOCK"))
        to->stx_mode = (to->stx_mode & 07777) | S_IFBLK;
    return done;
}

ssize_t pread64(int fd, void *into, size_t count, off64_t at) {
    static ssize_t (*real)(int, void *, size_t, off64_t);
    if (!real)
        real = dlsym(RTLD_NEXT, "pread64");
    long long from, to;
    const char *bad = getenv("SHIM_BAD");
    if (bad && is_of(fd, "SHIM_BLOCK") && sscanf(bad, "%lld-%lld", &from, &to) == 2 && at < to &&
        from < at + (off64_t)count) {
        errno = EIO;
        return -1;
    }
    return real(fd, into, count, at);
}

void *mmap64(void *where, size_t len, int kind, int flags, int fd, off64_t at) {
    static void *(*real)(void *, size_t, int, int, int, off64_t);
    if (!real)
        real = dlsym(RTLD_NEXT, "mmap64");
    struct stat before, now;
    int waits = fd >= 0 && is_of(fd, "SHIM_WAIT") && fstat(fd, &before) == 0;
    void *map = real(where, len, kind, flags, fd, at);
    if (waits) {
        for (int turn = 0; turn < 3000; turn++) {
            fstat(fd, &now);
            if (now.st_size != before.st_size || now.st_mtim.tv_sec != before.st_mtim.tv_sec)
                break;
            nanosleep(&(struct timespec){0, 10000000}, NULL);
        }
    }
    return map;
}

void *mmap(void *where, size_t len, int kind, int flags, int fd, off_t at) {
    return mmap64(where, len, kind, flags, fd, at);
}

ssize_t write(int fd, const void *bytes, size_t count) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real)
        real = dlsym(RTLD_NEXT, "write");
    if (is_of(fd, "SHIM_FULL")) {
        errno = ENOSPC;
        return -1;
    }
    if (is_of(fd, "SHIM_HOLD")) {
        real(fd, bytes, count / 2);
        real(2, "held\n", 5);
        for (;;)
            pause();
    }
    return real(fd, bytes, count);
}
