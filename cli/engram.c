/* engram.c - the program: finds the verb, hands it its arguments. Each verb has a file of its own. */
#define _XOPEN_SOURCE 700 /* SIGXFSZ */
#include "print.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const cli_verb *const verbs[] = {
#define CLI_VERB(name) &verb_##name,
#include "verbs.def"
#undef CLI_VERB
};
enum { VERBS = sizeof verbs / sizeof verbs[0] };

static const cli_verb *find(const char *name) {
	for (int i = 0; i < VERBS; i++)
		if (!strcmp(verbs[i]->name, name)) return verbs[i];
	return NULL;
}

const cli_verb *cli_verb_at(int i) { return i >= 0 && i < VERBS ? verbs[i] : NULL; }

static int unknown_verb(const char *name) {
	const char *names[VERBS + 1] = {"help"};
	for (int i = 0; i < VERBS; i++) names[i + 1] = verbs[i]->name;
	const char *meant = eg_did_you_mean(name, names, VERBS + 1);
	if (meant) return fail_usage(NULL, "there is no verb '%s'; did you mean '%s'?", name, meant);
	return fail_usage(NULL, "there is no verb '%s'", name);
}

static void help(FILE *f) {
	fprintf(f, "engram - trains and runs convolutional and recurrent networks\n\n"
	           "Usage: engram VERB [ARGUMENT]...\n\nVerbs:\n");
	for (int i = 0; i < VERBS; i++) fprintf(f, "  %-12s %s\n", verbs[i]->name, verbs[i]->line);
	fprintf(f,
	        "\nEvery verb tells more with --help, and most write JSON for other programs with --json.\n"
	        "\nFirst steps:\n"
	        "  $ engram data get fashion-mnist        # 70,000 pictures of clothes, 30 MB\n"
	        "  $ engram train recipes/lenet5.yaml     # learn to tell them apart\n"
	        "  $ engram eval lenet5.safetensors       # how well it does on pictures it has not seen\n"
	        "  $ engram predict lenet5.safetensors picture.png\n"
	        "or, with text:\n"
	        "  $ engram data get tinyshakespeare      # 40,000 lines from plays, 1 MB\n"
	        "  $ engram train recipes/char-lstm.yaml  # learn which character comes next\n"
	        "  $ engram generate char-lstm.safetensors --prompt 'ROMEO:'\n"
	        "\nEnvironment:\n"
	        "  ENGRAM_DATA       folders, separated by colons, that are looked in first for data sets\n"
	        "  ENGRAM_THREADS    how many threads compute, unless --threads says so\n"
	        "  ENGRAM_LOADERS    how many more read and prepare samples ahead, unless --loaders says so\n"
	        "  ENGRAM_ISA        kernels to use in place of the best this machine has: ref, neon, avx2, avx512\n"
	        "  ENGRAM_TUNING     a file of engram tune-kernels, whose measurements decide which kernels are used;\n"
	        "                    1: the one in its usual place\n"
	        "  ENGRAM_VERBOSE    1: tells on stderr which kernels were chosen and why; 2: the plan too\n"
	        "  NO_COLOR          when set, no colours\n"
	        "\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 a training's output cannot be written.\n");
}

static int run_verb(const cli_verb *verb, int argc, char **argv) {
	cli_args args;
	int code = CLI_USAGE;
	if (args_parse(&args, verb, argc, argv)) {
		code = CLI_OK;
		if (args.help)
			args_help(verb);
		else
			code = verb->run(&args);
	}
	args_free(&args);
	return code;
}

static int run(int argc, char **argv) {
	const char *name = argc > 1 ? argv[1] : NULL;
	if (!name) {
		help(stderr);
		return CLI_USAGE;
	}
	if (!strcmp(name, "--version") || !strcmp(name, "-V")) name = "version";
	if (!strcmp(name, "--help") || !strcmp(name, "-h") || (!strcmp(name, "help") && argc == 2)) {
		help(stdout);
		return CLI_OK;
	}
	if (name[0] == '-') return fail_usage(NULL, "a verb comes first, not '%s'", name);
	if (!strcmp(name, "help")) { /* engram help VERB */
		if (!find(argv[2])) return unknown_verb(argv[2]);
		args_help(find(argv[2]));
		return CLI_OK;
	}
	const cli_verb *verb = find(name);
	return verb ? run_verb(verb, argc - 2, argv + 2) : unknown_verb(name);
}

int main(int argc, char **argv) {
	signal(SIGXFSZ, SIG_IGN); /* a file that grows beyond `ulimit -f` is an error like a full disk */
	int code = run(argc, argv);
	if (!out_flush() && code == CLI_OK) code = CLI_FAILED;
	return code;
}
