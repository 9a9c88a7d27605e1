/* A layer between a program and the file system, loaded with LD_PRELOAD.
 *
 * It writes down, in order, everything that the program does to files under one folder, so that a test can
 * build what a power cut would have left behind and a benchmark can count how often a disk was waited for.
 * It can also refuse: no space after so many bytes, or an error for everything that writes.
 *
 * Set from outside (file_calls.py does):
 *   FILE_CALLS_FOLDER  the folder that is watched, an absolute path without links
 *   FILE_CALLS_JOURNAL the file that is written, outside of the folder
 *   FILE_CALLS_ONLY_SYNCS  if set, only syncs are written down and nothing is locked
 *   FILE_CALLS_SPACE   files may grow by so many bytes in this process, then the disk is full
 *   FILE_CALLS_REFUSE  an errno with which everything that writes is refused
 *
 * A program may call file_calls_mark(text), file_calls_space(bytes; < 0 lifts it), file_calls_refuse(errno;
 * 0 lifts it) and file_calls_die_at(n; kills the process at the n-th call from now on) by ctypes.
 *
 * One record: the header below, then the path, the second path, the data. Writes are noted before they happen
 * and syncs after they returned, so that what the journal calls durable is durable.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CREATE = 1, MKDIR, WRITE, TRUNCATE, SYNC, RENAME, UNLINK, RMDIR, SNAPSHOT, LINK, MARK };

struct header {
    uint32_t magic, kind, pid, path_length, second_length, pad;
    uint64_t inode, offset, data_length;
};

static char folder[PATH_MAX];
static size_t folder_length;
static int journal = -1, only_syncs, refused;
static int64_t space = -1, die_at = -1;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("FILE_CALLS_FOLDER"), *path = getenv("FILE_CALLS_JOURNAL");
    if (!text || !path) return;
    snprintf(folder, sizeof folder, "%s", text);
    only_syncs = getenv("FILE_CALLS_ONLY_SYNCS") != NULL;
    if ((text = getenv("FILE_CALLS_SPACE"))) space = atoll(text);
    if ((text = getenv("FILE_CALLS_REFUSE"))) refused = atoi(text);
    int small = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (small < 0) _exit(97);
    journal = fcntl(small, F_DUPFD_CLOEXEC, 900); /* out of the way of programs that count descriptors */
    if (journal < 0) journal = small; else syscall(SYS_close, small);
    folder_length = strlen(folder);
}

static int is_under(const char *path) {
    return folder_length && strncmp(path, folder, folder_length) == 0 &&
           (path[folder_length] == '/' || path[folder_length] == 0);
}

/* Whether this descriptor is a file or folder that is watched; its path goes into `path`. */
static int watched(int fd, char *path) {
    if (journal < 0 || fd < 0) return 0;
    int before = errno;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_MAX - 1);
    errno = before;
    if (n <= 0) return 0;
    path[n] = 0;
    return is_under(path);
}

/* The path without links in its folder, and whether it is watched. */
static int resolved(int dirfd, const char *given, char *path) {
    char joined[PATH_MAX * 2], parent[PATH_MAX];
    if (journal < 0 || !given) return 0;
    int before = errno;
    if (given[0] == '/') snprintf(joined, sizeof joined, "%s", given);
    else {
        char base[PATH_MAX];
        if (dirfd == AT_FDCWD) { if (!getcwd(base, sizeof base)) base[0] = 0; }
        else {
            char link[64];
            snprintf(link, sizeof link, "/proc/self/fd/%d", dirfd);
            ssize_t n = readlink(link, base, sizeof base - 1);
            base[n > 0 ? n : 0] = 0;
        }
        snprintf(joined, sizeof joined, "%s/%s", base, given);
    }
    size_t n = strlen(joined);
    while (n > 1 && joined[n - 1] == '/') joined[--n] = 0;
    char *slash = strrchr(joined, '/');
    *slash = 0;
    const char *in = realpath(slash == joined ? "/" : joined, parent) ? parent : joined;
    int length = snprintf(path, PATH_MAX, "%s/%s", in, slash + 1);
    errno = before;
    return length < PATH_MAX && is_under(path);
}

static void die_if_due(void) {
    if (die_at > 0 && __atomic_sub_fetch(&die_at, 1, __ATOMIC_SEQ_CST) == 0) kill(getpid(), SIGKILL);
}

/* One process and one thread at a time, so that the order of the journal is the order of what happened. */
static void lock(void) {
    if (only_syncs) return;
    pthread_mutex_lock(&mutex);
    int before = errno;
    /* not flock: a forked child shares our description of the file and so would share the lock */
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    while (fcntl(journal, F_SETLKW, &whole) < 0 && errno == EINTR) {}
    errno = before;
    die_if_due();
}
static void unlock(void) {
    if (only_syncs) return;
    int before = errno;
    struct flock whole = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    fcntl(journal, F_SETLK, &whole);
    errno = before;
    pthread_mutex_unlock(&mutex);
}

static void note(int kind, uint64_t inode, uint64_t offset, const char *path, const char *second,
                 const void *data, uint64_t n) {
    if (only_syncs && kind != SYNC && kind != MARK) return;
    int before = errno;
    struct header h = {.magic = 0x46434C53, .kind = kind, .pid = (uint32_t)getpid(),
                       .path_length = path ? strlen(path) : 0, .second_length = second ? strlen(second) : 0,
                       .inode = inode, .offset = offset, .data_length = n};
    struct iovec parts[] = {{&h, sizeof h}, {(void *)path, h.path_length},
                            {(void *)second, h.second_length}, {(void *)data, n}};
    if (syscall(SYS_writev, journal, parts, 4) < 0) _exit(98);
    errno = before;
}

static uint64_t inode_of(int fd, off_t *size) {
    struct stat s;
    if (fstat(fd, &s)) return 0;
    if (size) *size = s.st_size;
    return s.st_ino;
}

/* The whole file as it is now: for what was written by ways that are not intercepted. */
static void note_snapshot(const char *path) {
    int before = errno;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        off_t size = 0;
        uint64_t inode = inode_of(fd, &size);
        char *data = malloc(size ? size : 1);
        ssize_t done = 0, n = 0;
        while (done < size && (n = pread(fd, data + done, size - done, done)) > 0) done += n;
        note(SNAPSHOT, inode, 0, path, NULL, data, done);
        free(data);
        syscall(SYS_close, fd);
    }
    errno = before;
}

/* How much of a write that ends at `end` fits on the disk. */
static int64_t room_for(int fd, int64_t offset, int64_t n) {
    if (space < 0) return n;
    off_t size = 0;
    inode_of(fd, &size);
    int64_t grows = offset + n - size;
    if (grows <= 0) return n;
    if (grows <= space) { space -= grows; return n; }
    int64_t fits = n - (grows - space);
    space = 0;
    return fits > 0 ? fits : 0;
}

static int refuses(void) {
    if (refused) errno = refused;
    return refused;
}

/* ---- opening and making ---- */

static int open_watched(int dirfd, const char *given, int flags, mode_t mode, const char *path) {
    int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC));
    if (writes && refuses()) return -1;
    if (!(flags & (O_CREAT | O_TRUNC)))
        return (int)syscall(SYS_openat, dirfd, given, flags, mode);
    struct stat s;
    lock();
    int existed = stat(path, &s) == 0;
    if (!existed && space == 0) { unlock(); errno = ENOSPC; return -1; }
    int fd = (int)syscall(SYS_openat, dirfd, given, flags, mode);
    if (fd >= 0 && !existed) note(CREATE, inode_of(fd, NULL), 0, path, NULL, NULL, 0);
    else if (fd >= 0 && (flags & O_TRUNC)) note(TRUNCATE, inode_of(fd, NULL), 0, path, NULL, NULL, 0);
    unlock();
    return fd;
}

#define MODE(flags, last)                                                                                   \
    mode_t mode = 0;                                                                                        \
    if ((flags) & (O_CREAT | O_TMPFILE)) { va_list a; va_start(a, last); mode = va_arg(a, mode_t); va_end(a); }

#define OPEN(name, openat_name)                                                                             \
    int name(const char *given, int flags, ...) {                                                           \
        char path[PATH_MAX];                                                                                \
        MODE(flags, flags)                                                                                  \
        if (!resolved(AT_FDCWD, given, path)) return REAL(name)(given, flags, mode);                        \
        return open_watched(AT_FDCWD, given, flags, mode, path);                                            \
    }                                                                                                       \
    int openat_name(int dirfd, const char *given, int flags, ...) {                                         \
        char path[PATH_MAX];                                                                                \
        MODE(flags, flags)                                                                                  \
        if (!resolved(dirfd, given, path)) return REAL(openat_name)(dirfd, given, flags, mode);             \
        return open_watched(dirfd, given, flags, mode, path);                                               \
    }
OPEN(open, openat)
OPEN(open64, openat64)
int __open_2(const char *given, int flags) { return open(given, flags); }
int __open64_2(const char *given, int flags) { return open(given, flags); }

int creat(const char *given, mode_t mode) { return open(given, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *given, mode_t mode) { return open(given, O_CREAT | O_WRONLY | O_TRUNC, mode); }

#define FOPEN(name)                                                                                         \
    FILE *name(const char *given, const char *how) {                                                        \
        char path[PATH_MAX];                                                                                \
        if (!strpbrk(how, "wa+") || !resolved(AT_FDCWD, given, path)) return REAL(name)(given, how);        \
        int flags = strchr(how, '+') ? O_RDWR : O_WRONLY;                                                   \
        if (how[0] == 'w') flags |= O_CREAT | O_TRUNC;                                                      \
        if (how[0] == 'a') flags |= O_CREAT | O_APPEND;                                                     \
        int fd = open_watched(AT_FDCWD, given, flags | O_CLOEXEC, 0666, path);                              \
        return fd < 0 ? NULL : fdopen(fd, how);                                                             \
    }
FOPEN(fopen)
FOPEN(fopen64)

int fclose(FILE *file) { /* libc writes streams by itself, so look at what is there now */
    char path[PATH_MAX];
    int fd = fileno(file);
    if (only_syncs || !watched(fd, path) || (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
        return REAL(fclose)(file);
    lock();
    int bad = fflush(file);
    note_snapshot(path);
    unlock();
    return REAL(fclose)(file) | bad;
}

/* ---- writing ---- */

static ssize_t positioned(int fd, const void *data, size_t n, off_t offset) {
    char path[PATH_MAX];
    if (!watched(fd, path)) return syscall(SYS_pwrite64, fd, data, n, offset);
    if (refuses()) return -1;
    lock();
    int64_t fits = room_for(fd, offset, n);
    ssize_t done = -1;
    if (!fits && n) errno = ENOSPC;
    else {
        note(WRITE, inode_of(fd, NULL), offset, path, NULL, data, fits);
        done = syscall(SYS_pwrite64, fd, data, (size_t)fits, offset);
    }
    unlock();
    return done;
}
ssize_t pwrite(int fd, const void *data, size_t n, off_t offset) { return positioned(fd, data, n, offset); }
ssize_t pwrite64(int fd, const void *data, size_t n, off64_t offset) { return positioned(fd, data, n, offset); }

static ssize_t write_watched(int fd, const void *data, size_t n, const char *path) {
    if (refuses()) return -1;
    lock();
    off_t size = 0;
    uint64_t inode = inode_of(fd, &size);
    int64_t offset = fcntl(fd, F_GETFL) & O_APPEND ? size : lseek(fd, 0, SEEK_CUR);
    int64_t fits = room_for(fd, offset, n);
    ssize_t done = -1;
    if (!fits && n) errno = ENOSPC;
    else {
        note(WRITE, inode, offset, path, NULL, data, fits);
        done = syscall(SYS_write, fd, data, (size_t)fits);
    }
    unlock();
    return done;
}
ssize_t write(int fd, const void *data, size_t n) {
    char path[PATH_MAX];
    if (!watched(fd, path)) return syscall(SYS_write, fd, data, n);
    return write_watched(fd, data, n, path);
}

static char *joined(const struct iovec *parts, int n_parts, size_t *n) {
    *n = 0;
    for (int i = 0; i < n_parts; i++) *n += parts[i].iov_len;
    char *data = malloc(*n ? *n : 1), *at = data;
    for (int i = 0; i < n_parts; i++) { memcpy(at, parts[i].iov_base, parts[i].iov_len); at += parts[i].iov_len; }
    return data;
}
ssize_t writev(int fd, const struct iovec *parts, int n_parts) {
    char path[PATH_MAX];
    if (!watched(fd, path)) return syscall(SYS_writev, fd, parts, n_parts);
    size_t n;
    char *data = joined(parts, n_parts, &n);
    ssize_t done = write_watched(fd, data, n, path);
    free(data);
    return done;
}
#define PWRITEV(name)                                                                                       \
    ssize_t name(int fd, const struct iovec *parts, int n_parts, off_t offset) {                            \
        size_t n;                                                                                           \
        char *data = joined(parts, n_parts, &n);                                                            \
        ssize_t done = positioned(fd, data, n, offset);                                                     \
        free(data);                                                                                         \
        return done;                                                                                        \
    }
PWRITEV(pwritev)
PWRITEV(pwritev64)

static int resize(int fd, off_t size) {
    char path[PATH_MAX];
    if (!watched(fd, path)) return (int)syscall(SYS_ftruncate, fd, size);
    if (refuses()) return -1;
    lock();
    note(TRUNCATE, inode_of(fd, NULL), size, path, NULL, NULL, 0);
    int done = (int)syscall(SYS_ftruncate, fd, size);
    unlock();
    return done;
}
int ftruncate(int fd, off_t size) { return resize(fd, size); }
int ftruncate64(int fd, off64_t size) { return resize(fd, size); }
int truncate(const char *given, off_t size) {
    int fd = open(given, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    int done = resize(fd, size);
    close(fd);
    return done;
}
int truncate64(const char *given, off64_t size) { return truncate(given, size); }

#define AFTERWARDS(call)                                                                                    \
    char path[PATH_MAX];                                                                                    \
    if (!watched(to, path)) return call;                                                                    \
    if (refuses()) return -1;                                                                               \
    if (space == 0) { errno = ENOSPC; return -1; }                                                          \
    lock();                                                                                                 \
    __typeof__(call) done = call;                                                                           \
    if (!only_syncs) note_snapshot(path);                                                                   \
    unlock();                                                                                               \
    return done;
ssize_t sendfile(int to, int from, off_t *offset, size_t n) { AFTERWARDS(syscall(SYS_sendfile, to, from, offset, n)) }
ssize_t sendfile64(int to, int from, off64_t *offset, size_t n) { AFTERWARDS(syscall(SYS_sendfile, to, from, offset, n)) }
ssize_t copy_file_range(int from, off64_t *at, int to, off64_t *to_at, size_t n, unsigned flags) {
    AFTERWARDS(syscall(SYS_copy_file_range, from, at, to, to_at, n, flags))
}
int fallocate(int to, int mode, off_t offset, off_t n) { AFTERWARDS((int)syscall(SYS_fallocate, to, mode, offset, n)) }
int fallocate64(int to, int mode, off64_t offset, off64_t n) { AFTERWARDS((int)syscall(SYS_fallocate, to, mode, offset, n)) }
int posix_fallocate(int to, off_t offset, off_t n) { AFTERWARDS((int)(syscall(SYS_fallocate, to, 0, offset, n) ? errno : 0)) }
int posix_fallocate64(int to, off64_t offset, off64_t n) { AFTERWARDS((int)(syscall(SYS_fallocate, to, 0, offset, n) ? errno : 0)) }
static int clone_into(int to, unsigned long request, void *argument) { AFTERWARDS((int)syscall(SYS_ioctl, to, request, argument)) }
int ioctl(int fd, unsigned long request, ...) {
    va_list a;
    va_start(a, request);
    void *argument = va_arg(a, void *);
    va_end(a);
    if (request == 0x40049409 /* FICLONE */) return clone_into(fd, request, argument);
    return (int)syscall(SYS_ioctl, fd, request, argument);
}

/* ---- syncing ---- */

static int synced(int fd, int number) {
    char path[PATH_MAX];
    if (!watched(fd, path)) return (int)syscall(number, fd);
    lock();
    int done = (int)syscall(number, fd);
    if (!done) note(SYNC, inode_of(fd, NULL), 0, path, NULL, NULL, 0);
    unlock();
    return done;
}
int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

/* ---- names ---- */

static int moved(int from_fd, const char *from, int to_fd, const char *to, unsigned flags) {
    char path[PATH_MAX], second[PATH_MAX];
    int is_ours = resolved(from_fd, from, path);
    if (!(resolved(to_fd, to, second) | is_ours)) return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
    if (refuses()) return -1;
    struct stat s = {0};
    lock();
    stat(path, &s);
    int done = (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
    if (!done) note(RENAME, s.st_ino, 0, path, second, NULL, 0);
    if (!done && !is_ours && !only_syncs) note_snapshot(second);
    unlock();
    return done;
}
int rename(const char *from, const char *to) { return moved(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int a, const char *from, int b, const char *to) { return moved(a, from, b, to, 0); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) { return moved(a, from, b, to, flags); }

int linkat(int a, const char *from, int b, const char *to, int flags) {
    char path[PATH_MAX], second[PATH_MAX];
    resolved(a, from, path);
    if (!resolved(b, to, second)) return (int)syscall(SYS_linkat, a, from, b, to, flags);
    if (refuses()) return -1;
    struct stat s = {0};
    lock();
    stat(path, &s);
    int done = (int)syscall(SYS_linkat, a, from, b, to, flags);
    if (!done) note(LINK, s.st_ino, 0, path, second, NULL, 0);
    unlock();
    return done;
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int dirfd, const char *given, int flags) {
    char path[PATH_MAX];
    if (!resolved(dirfd, given, path)) return (int)syscall(SYS_unlinkat, dirfd, given, flags);
    if (refuses()) return -1;
    lock();
    int done = (int)syscall(SYS_unlinkat, dirfd, given, flags);
    if (!done) note(flags & AT_REMOVEDIR ? RMDIR : UNLINK, 0, 0, path, NULL, NULL, 0);
    unlock();
    return done;
}
int unlink(const char *given) { return unlinkat(AT_FDCWD, given, 0); }
int rmdir(const char *given) { return unlinkat(AT_FDCWD, given, AT_REMOVEDIR); }

int mkdirat(int dirfd, const char *given, mode_t mode) {
    char path[PATH_MAX];
    if (!resolved(dirfd, given, path)) return (int)syscall(SYS_mkdirat, dirfd, given, mode);
    if (refuses()) return -1;
    struct stat s = {0};
    lock();
    int done = (int)syscall(SYS_mkdirat, dirfd, given, mode);
    if (!done) stat(path, &s), note(MKDIR, s.st_ino, 0, path, NULL, NULL, 0);
    unlock();
    return done;
}
int mkdir(const char *given, mode_t mode) { return mkdirat(AT_FDCWD, given, mode); }

/* ---- for the program itself ---- */

void file_calls_mark(const char *text) {
    lock();
    note(MARK, 0, 0, NULL, NULL, text, strlen(text));
    unlock();
}
void file_calls_space(int64_t n_bytes) { space = n_bytes; }
void file_calls_refuse(int error) { refused = error; }
void file_calls_die_at(int64_t n) { die_at = n; }
