/* The trace: what was loaded and launched, one JSON object a line (tests/simulated_gpu/trace.py reads it). */
#define _GNU_SOURCE
#include "device.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_once_t device_traced = PTHREAD_ONCE_INIT;

static void put_string(FILE *line, const char *key, const char *value) {
    fprintf(line, ",\"%s\":\"", key);
    for (const char *at = value; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte == '"' || byte == '\\') {
            fprintf(line, "\\%c", byte);
        } else if (byte < 0x20 || byte >= 0x7f) {
            fprintf(line, "\\u%04x", byte);
        } else {
            fputc(byte, line);
        }
    }
    fputc('"', line);
}

/* Write the line with O_APPEND in one call, so that lines of several processes never mix. */
static void append(const char *text, size_t bytes) {
    int file = open(simgpu_settings()->trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file < 0) {
        return;
    }
    ssize_t written = write(file, text, bytes);
    (void)written; /* a full disk loses lines of the trace and must not fail the program under test */
    close(file);
}

struct line {
    FILE *stream;
    char *text;
    size_t bytes;
};

/* False: no trace is asked for. */
static bool begin(struct line *line, const char *event) {
    line->stream = simgpu_settings()->trace == NULL ? NULL : open_memstream(&line->text, &line->bytes);
    if (line->stream == NULL) {
        return false;
    }
    fprintf(line->stream, "{\"event\":\"%s\"", event);
    return true;
}

static void end(struct line *line) {
    fputs("}\n", line->stream);
    fclose(line->stream);
    append(line->text, line->bytes);
    free(line->text);
}

static void trace_device(void) {
    struct line line;
    if (!begin(&line, "device")) {
        return;
    }
    fprintf(line.stream, ",\"pid\":%d", (int)getpid());
    put_string(line.stream, "name", simgpu_settings()->name);
    fprintf(line.stream, ",\"capability\":\"%d.%d\"", simgpu_settings()->major, simgpu_settings()->minor);
    end(&line);
}

void simgpu_trace_device(void) {
    pthread_once(&device_traced, trace_device);
}

void simgpu_trace_module(const char *kind, const char *architecture, size_t bytes, int answer) {
    struct line line;
    if (!begin(&line, "module")) {
        return;
    }
    put_string(line.stream, "kind", kind);
    put_string(line.stream, "sm", architecture);
    fprintf(line.stream, ",\"bytes\":%zu,\"answer\":%d", bytes, answer);
    end(&line);
}

void simgpu_trace_function(const char *name, const char *architecture) {
    struct line line;
    if (!begin(&line, "function")) {
        return;
    }
    put_string(line.stream, "name", name);
    put_string(line.stream, "sm", architecture);
    end(&line);
}

void simgpu_trace_launch(const char *api, const char *name, int answer) {
    struct line line;
    if (!begin(&line, "launch")) {
        return;
    }
    put_string(line.stream, "api", api);
    put_string(line.stream, "name", name);
    fprintf(line.stream, ",\"answer\":%d", answer);
    end(&line);
}

void simgpu_trace_no_image(const char *name) {
    struct line line;
    if (!begin(&line, "no-image")) {
        return;
    }
    put_string(line.stream, "name", name);
    end(&line);
}
