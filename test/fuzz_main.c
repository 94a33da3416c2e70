/* fuzz_main.c - runs a fuzz target over kept inputs: each argument is a file or a folder of files. In a folder inside
 * of that are inputs of one reader of the target, which is called as the folder.
 *
 * Not a fuzzer: it finds nothing new. `make fuzz` links the same targets to libFuzzer instead of this. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/base.h"
#include "fuzz.h"

#include <dirent.h>

static int run_file(const char *path) {
	char *data = NULL;
	size_t size = 0;
	eg_error err = {0};
	if (eg_file_read(NULL, path, 0, &data, &size, &err) != EG_OK) {
		fprintf(stderr, "%s\n", err.message);
		return -1;
	}
	/* A copy of the exact size, so that the address sanitizer sees a read of one byte too many. */
	uint8_t *exact = malloc(size ? size : 1);
	if (exact) {
		memcpy(exact, data, size);
		LLVMFuzzerTestOneInput(exact, size);
	}
	free(exact);
	eg_release(NULL, data);
	return exact ? 1 : -1;
}

/* Files run, or -1. `inside`: of a folder that was given. */
static int run_path(const char *path, bool inside) {
	DIR *dir = opendir(path);
	if (!dir) return run_file(path);
	int n = 0;
	if (inside) setenv(FUZZ_READER, strrchr(path, '/') + 1, 1);
	for (struct dirent *entry; n >= 0 && (entry = readdir(dir));) {
		char file[4096];
		if (entry->d_name[0] == '.') continue;
		snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
		int r = run_path(file, true);
		n = r < 0 ? r : n + r;
	}
	closedir(dir);
	if (inside) unsetenv(FUZZ_READER);
	return n;
}

int main(int argc, char **argv) {
	int total = 0;
	for (int i = 1; i < argc; i++) {
		int n = run_path(argv[i], false);
		if (n < 0) return 1;
		total += n;
	}
	printf("%d inputs run\n", total);
	return total > 0 ? 0 : 1;
}
