/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * instance.c: see instance.h. The dynamic linker loads a file only once, so each instance is
 * loaded from a copy of it that lies in memory. Instances stay until the process ends.
 */
#include "instance.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static int copy_of(const char *path) {
    struct stat status;
    int from = open(path, O_RDONLY | O_CLOEXEC);
    int to = memfd_create("instance", MFD_CLOEXEC);
    bool ok = from >= 0 && to >= 0 && fstat(from, &status) == 0;
    for (off_t left = ok ? status.st_size : 0; left > 0;) {
        ssize_t n = sendfile(to, from, NULL, (size_t)left);
        if (n <= 0) {
            ok = false;
            break;
        }
        left -= n;
    }
    close(from);
    return ok ? to : -1;
}

struct search {
    struct instance *instance;
    uintptr_t base;
    bool ok;
};

static bool add_segment(struct instance *i, uintptr_t start, uintptr_t end) {
    void *pristine = malloc(end - start);
    if (pristine == NULL || i->segments_count == INSTANCE_SEGMENTS_MAX) {
        free(pristine);
        return false;
    }
    i->segments[i->segments_count].memory = (void *)start;
    i->segments[i->segments_count].bytes = end - start;
    i->segments[i->segments_count].pristine = pristine;
    memcpy(pristine, (void *)start, end - start);
    i->segments_count++;
    return true;
}

/* Writable segments, without what the linker has made read-only after relocating it. */
static int look(struct dl_phdr_info *info, size_t size, void *arg) {
    struct search *search = arg;
    uintptr_t relro_end = 0;
    (void)size;
    if (info->dlpi_addr != search->base) {
        return 0;
    }
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_GNU_RELRO) {
            uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
            relro_end = (info->dlpi_addr + p->p_vaddr + p->p_memsz) & ~(page - 1);
        }
    }
    search->ok = true;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && (p->p_flags & PF_W) != 0) {
            uintptr_t start = info->dlpi_addr + p->p_vaddr;
            uintptr_t end = start + p->p_memsz;
            start = start < relro_end ? relro_end : start;
            search->ok = search->ok && (start >= end || add_segment(search->instance, start, end));
        }
    }
    return 1;
}

bool instance_load(struct instance *i, const char *path, const char *symbol) {
    char name[64];
    struct link_map *map = NULL;
    *i = (struct instance){0};
    int file = copy_of(path);
    if (file < 0) {
        fprintf(stderr, "sim: %s: cannot be read\n", path);
        return false;
    }
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL || dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0 ||
        (i->symbol = dlsym(handle, symbol)) == NULL) {
        fprintf(stderr, "sim: %s: %s\n", path, dlerror());
        return false;
    }
    struct search search = {.instance = i, .base = map->l_addr};
    dl_iterate_phdr(look, &search);
    return search.ok; /* the file stays open: its name must not become another's */
}

void instance_reset(const struct instance *i) {
    for (int s = 0; s < i->segments_count; s++) {
        memcpy(i->segments[s].memory, i->segments[s].pristine, i->segments[s].bytes);
    }
}
