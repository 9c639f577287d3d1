/* Reads fat binaries, cubins and PTX as far as it takes to know where they run.
 *
 * The fat binary's format: scripts/wheels/fatbin.py. The cubin's: its ELF header, as NVRTC 12.4 to 13.2 writes it.
 */
#include "fatbin.h"
#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FATBIN_MAGIC 0xba55ed50u
#define ELF_MAGIC 0x464c457fu
#define ARCHITECTURE_SPECIFIC ((uint64_t)1 << 20)
#define FAMILY_SPECIFIC ((uint64_t)1 << 21)

struct fatbin_header {
    uint32_t magic;
    uint16_t version;
    uint16_t header_bytes;
    uint64_t bytes; /* of the entries */
};

struct fatbin_entry {
    uint16_t kind; /* ENTRY_PTX, ENTRY_CUBIN; others are not run as they are */
    uint16_t version;
    uint32_t header_bytes;
    uint64_t bytes; /* of the payload */
    uint64_t compression;
    uint32_t ptx_version;
    uint32_t architecture;
    uint32_t name_offset;
    uint32_t name_bytes;
    uint64_t flags;
};

enum { ENTRY_PTX = 1, ENTRY_CUBIN = 2 };

bool code_runs(const struct device_code *code) {
    int device = simgpu_architecture();
    if (code->suffix == 'a') {
        return code->architecture == device;
    }
    if (code->is_ptx && code->suffix == '\0') {
        return code->architecture <= device;
    }
    return code->architecture / 10 == device / 10 && code->architecture <= device;
}

/* A cubin is better than PTX, the higher architecture better than the lower, and code with a suffix than without. */
static bool is_better(const struct device_code *one, const struct device_code *other) {
    if (one->is_ptx != other->is_ptx) {
        return !one->is_ptx;
    }
    if (one->architecture != other->architecture) {
        return one->architecture > other->architecture;
    }
    return one->suffix != '\0' && other->suffix == '\0';
}

static struct device_code code_of(const struct fatbin_entry *entry) {
    struct device_code code = {.is_ptx = entry->kind == ENTRY_PTX, .architecture = (int)entry->architecture};
    if (entry->flags & ARCHITECTURE_SPECIFIC) {
        code.suffix = 'a';
    } else if (entry->flags & FAMILY_SPECIFIC) {
        code.suffix = 'f';
    }
    return code;
}

bool choose_from_fatbin(const void *fatbin, struct device_code *chosen) {
    struct fatbin_header header;
    memcpy(&header, fatbin, sizeof header);
    if (header.magic != FATBIN_MAGIC) {
        return false;
    }
    const char *at = (const char *)fatbin + header.header_bytes;
    const char *stop = at + header.bytes;
    bool found = false;
    while (at < stop) {
        struct fatbin_entry entry;
        memcpy(&entry, at, sizeof entry);
        if (entry.header_bytes < sizeof entry) {
            return found; /* damaged: going on would never end */
        }
        struct device_code code = code_of(&entry);
        bool is_code = entry.kind == ENTRY_PTX || entry.kind == ENTRY_CUBIN;
        if (is_code && code_runs(&code) && (!found || is_better(&code, chosen))) {
            *chosen = code;
            found = true;
        }
        at += entry.header_bytes + entry.bytes;
    }
    return found;
}

/* The architecture of a cubin is in its ELF header's e_flags: in bits 0 to 7 by the ABI up to version 7, with bit 11
 * for suffix `a`; in bits 8 to 15 by ABI version 8, with bit 3 for it. */
static void read_cubin(const unsigned char *elf, struct device_code *code) {
    uint32_t flags;
    uint64_t sections;
    uint16_t section_bytes, section_count;
    bool is_new = elf[8] >= 8; /* EI_ABIVERSION */
    memcpy(&sections, elf + 40, sizeof sections);
    memcpy(&flags, elf + 48, sizeof flags);
    memcpy(&section_bytes, elf + 58, sizeof section_bytes);
    memcpy(&section_count, elf + 60, sizeof section_count);
    code->is_ptx = false;
    code->architecture = (int)((is_new ? flags >> 8 : flags) & 0xff);
    code->suffix = flags & (is_new ? 1u << 3 : 1u << 11) ? 'a' : '\0';
    code->bytes = sections + (size_t)section_bytes * section_count;
}

/* The newest PTX version that the driver knows, as 10 * major + minor (the PTX manual's release history): 13.2 is 9.2,
 * 12.8 is 8.7. 12.6 had no PTX version of its own, so what follows it is one behind. */
static int newest_ptx(void) {
    int major = simgpu_settings()->driver / 1000;
    int minor = simgpu_settings()->driver % 1000 / 10;
    if (major == 12 && minor >= 6) {
        minor--;
    }
    return 10 * (major - 4) + minor;
}

static int read_ptx(const char *text, struct device_code *code) {
    const char *version = strstr(text, ".version ");
    const char *target = strstr(text, ".target sm_");
    int major, minor;
    code->is_ptx = true;
    code->bytes = strlen(text);
    if (version == NULL || target == NULL || sscanf(version, ".version %d.%d", &major, &minor) != 2) {
        return INVALID_PTX;
    }
    char *rest;
    code->architecture = (int)strtol(target + strlen(".target sm_"), &rest, 10);
    code->suffix = *rest == 'a' || *rest == 'f' ? *rest : '\0';
    if (10 * major + minor > newest_ptx()) {
        return UNSUPPORTED_PTX_VERSION;
    }
    return code_runs(code) ? SUCCESS : NO_KERNEL_IMAGE;
}

int read_image(const void *image, struct device_code *code) {
    uint32_t magic;
    *code = (struct device_code){0};
    memcpy(&magic, image, sizeof magic);
    if (magic == ELF_MAGIC) {
        read_cubin(image, code);
        return code_runs(code) ? SUCCESS : NO_KERNEL_IMAGE;
    }
    if (magic == WRAPPER_MAGIC) {
        return read_image(((const struct fatbin_wrapper *)image)->data, code);
    }
    if (magic == FATBIN_MAGIC) {
        return choose_from_fatbin(image, code) ? SUCCESS : NO_KERNEL_IMAGE;
    }
    if (magic == 0 || ((const signed char *)image)[0] < 0) {
        return INVALID_IMAGE;
    }
    return read_ptx(image, code);
}

void name_architecture(const struct device_code *code, char *name, size_t room) {
    if (code->suffix == '\0') {
        snprintf(name, room, "%s%d", code->is_ptx ? "compute_" : "sm_", code->architecture);
    } else {
        snprintf(name, room, "%s%d%c", code->is_ptx ? "compute_" : "sm_", code->architecture, code->suffix);
    }
}
