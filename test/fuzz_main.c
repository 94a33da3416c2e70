/* fuzz_main.c - runs a fuzz target over kept inputs: each argument is a file or a folder of files.
 *
 * Not a fuzzer: it finds nothing new. `make fuzz` links the same targets to libFuzzer instead of this. */
#include "base/base.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

/* Files run, or -1. */
static int run_path(const char *path) {
	DIR *dir = opendir(path);
	if (!dir) return run_file(path);
	int n = 0;
	for (struct dirent *entry; n >= 0 && (entry = readdir(dir));) {
		char file[4096];
		if (entry->d_name[0] == '.') continue;
		snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
		int r = run_file(file);
		n = r < 0 ? r : n + r;
	}
	closedir(dir);
	return n;
}

int main(int argc, char **argv) {
	int total = 0;
	for (int i = 1; i < argc; i++) {
		int n = run_path(argv[i]);
		if (n < 0) return 1;
		total += n;
	}
	printf("%d inputs run\n", total);
	return total > 0 ? 0 : 1;
}
