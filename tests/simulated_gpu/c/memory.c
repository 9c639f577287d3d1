/* The device's memory: anonymous pages of the host. They are zero, and cost nothing before they are written. */
#include "device.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct gpu_block *blocks; /* sorted by address */
static size_t count, room;
static size_t used; /* bytes of device and managed memory */

/* Where the last block that begins at or before `pointer` is, plus one; 0: there is none. */
static size_t after(const void *pointer) {
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (blocks[middle].start <= (const char *)pointer) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool insert(struct gpu_block block) {
    if (count == room) {
        size_t more = room == 0 ? 256 : 2 * room;
        struct gpu_block *larger = realloc(blocks, more * sizeof *blocks);
        if (larger == NULL) {
            return false;
        }
        blocks = larger;
        room = more;
    }
    size_t place = after(block.start);
    memmove(blocks + place + 1, blocks + place, (count - place) * sizeof *blocks);
    blocks[place] = block;
    count++;
    return true;
}

static bool take_out(const void *pointer, bool borrowed, struct gpu_block *taken) {
    size_t place = after(pointer);
    if (place == 0 || blocks[place - 1].start != pointer || blocks[place - 1].borrowed != borrowed) {
        return false;
    }
    *taken = blocks[place - 1];
    memmove(blocks + place - 1, blocks + place, (count - place) * sizeof *blocks);
    count--;
    return true;
}

static bool is_of_device(enum gpu_memory_kind kind) {
    return kind == GPU_DEVICE || kind == GPU_MANAGED;
}

int simgpu_reserve(size_t bytes) {
    pthread_mutex_lock(&lock);
    bool fits = bytes <= simgpu_settings()->memory - used;
    used += fits ? bytes : 0;
    pthread_mutex_unlock(&lock);
    return fits ? SUCCESS : OUT_OF_MEMORY;
}

void simgpu_release(size_t bytes) {
    pthread_mutex_lock(&lock);
    used -= bytes;
    pthread_mutex_unlock(&lock);
}

int simgpu_borrow(void *pointer, size_t bytes, enum gpu_memory_kind kind) {
    struct gpu_block block = {.start = pointer, .bytes = bytes, .kind = kind, .borrowed = true};
    pthread_mutex_lock(&lock);
    bool kept = insert(block);
    pthread_mutex_unlock(&lock);
    return kept ? SUCCESS : OUT_OF_MEMORY;
}

int simgpu_give_back(void *pointer) {
    struct gpu_block block;
    pthread_mutex_lock(&lock);
    bool found = take_out(pointer, true, &block);
    pthread_mutex_unlock(&lock);
    return found ? SUCCESS : INVALID_VALUE;
}

int simgpu_allocate(void **pointer, size_t bytes, enum gpu_memory_kind kind) {
    *pointer = NULL;
    if (bytes == 0) {
        return SUCCESS;
    }
    if (is_of_device(kind) && simgpu_reserve(bytes) != SUCCESS) {
        return OUT_OF_MEMORY;
    }
    /* MAP_NORESERVE: a GB10 has more memory than the machine that simulates one. */
    void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct gpu_block block = {.start = start, .bytes = bytes, .kind = kind};
    pthread_mutex_lock(&lock);
    bool kept = start != MAP_FAILED && insert(block);
    pthread_mutex_unlock(&lock);
    if (!kept) {
        simgpu_release(is_of_device(kind) ? bytes : 0);
        return OUT_OF_MEMORY;
    }
    *pointer = start;
    return SUCCESS;
}

int simgpu_free(void *pointer) {
    if (pointer == NULL) {
        return SUCCESS;
    }
    struct gpu_block block;
    pthread_mutex_lock(&lock);
    bool found = take_out(pointer, false, &block);
    used -= found && is_of_device(block.kind) ? block.bytes : 0;
    pthread_mutex_unlock(&lock);
    if (!found) {
        return INVALID_VALUE;
    }
    munmap(block.start, block.bytes);
    return SUCCESS;
}

bool simgpu_find(const void *pointer, struct gpu_block *found) {
    pthread_mutex_lock(&lock);
    size_t place = after(pointer);
    bool inside = place > 0 && (size_t)((const char *)pointer - blocks[place - 1].start) < blocks[place - 1].bytes;
    if (inside) {
        *found = blocks[place - 1];
    }
    pthread_mutex_unlock(&lock);
    return inside;
}

size_t simgpu_memory_free(void) {
    pthread_mutex_lock(&lock);
    size_t left = simgpu_settings()->memory - used;
    pthread_mutex_unlock(&lock);
    return left;
}
