/* peak_memory.c - runs a command, prints the most memory that it had at once, in KiB, on a line of its own behind what
 * the command prints, and exits with its exit code. Small itself, since a process starts with the peak of the one that
 * it comes from. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
	struct rusage u;
	int status;
	if (argc < 2) return fprintf(stderr, "usage: peak_memory COMMAND [ARGUMENT...]\n"), 2;
	pid_t child = fork();
	if (child == 0) {
		execv(argv[1], argv + 1);
		perror(argv[1]);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || getrusage(RUSAGE_CHILDREN, &u)) return perror("peak_memory"), 1;
	printf("%ld\n", u.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
