/* What one call across the C ABI costs: `cargo xtask bench boundary` compiles and runs it. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

struct buffer { uint64_t capacity, length; uint8_t *data; };
struct status { int8_t code; struct buffer error; };
typedef int64_t (*call)(struct status *);

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int count, char **arguments) {
    void *library = count > 1 ? dlopen(arguments[1], RTLD_NOW) : NULL;
    call objects_alive = library ? (call)dlsym(library, "uniffi_bedside_fn_func_objects_alive") : NULL;
    if (!objects_alive) {
        fprintf(stderr, "usage: boundary LIBRARY (%s)\n", library ? "no such function" : dlerror());
        return 1;
    }
    const long calls = 2000000;
    double best = 0;
    for (int round = 0; round < 7; round++) {
        struct status status = {0};
        double start = now();
        for (long i = 0; i < calls; i++) objects_alive(&status);
        double each = (now() - start) / (double)calls;
        if (round == 0 || each < best) best = each;
    }
    printf("%-60s %10.1f ns\n", "one call over the C ABI, best of 7 rounds", best);
    return 0;
}
