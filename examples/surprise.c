/* surprise.c - reads a text as it arrives and says, character by character, how much of a surprise each was to a
 * language model: a network with a memory, fed one step at a time.
 *
 *     cc -O2 surprise.c $(pkg-config --cflags --libs engram_io) -lm -o surprise
 *     printf 'ROMEO:\nWhat light is thsi?\n' | ./surprise char-lstm.safetensors
 *
 * The model is one of characters, as `engram train recipes/char-lstm.yaml` writes it. Bits are -log2 of the probability
 * that the model gave to the character before it saw it. */
#include <engram.h>
#include <engram_io.h>
#include <engram_text.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const char *message) {
	fprintf(stderr, "surprise: %s\n", message);
	return 1;
}

/* -log2 of the share that class `id` has in the softmax of n logits. */
static double bits(const eg_real *logits, int n, int id) {
	double most = (double)logits[0], sum = 0;
	for (int i = 1; i < n; i++) most = fmax(most, (double)logits[i]);
	for (int i = 0; i < n; i++) sum += exp((double)logits[i] - most);
	return (log(sum) + most - (double)logits[id]) / log(2.0);
}

static int read_on(eg_session *s, const eg_vocab *v, eg_real *logits) {
	static const char *const name = "input";
	char line[4096];
	bool first = true;
	while (fgets(line, sizeof line, stdin)) {
		eg_error err;
		int32_t *ids;
		size_t n = 0;
		for (char *c = line; *c; c++) n++;
		if (eg_vocab_encode(v, line, n, "standard input", &ids, &n, &err)) return fail(err.message);
		for (size_t i = 0; i < n; i++) {
			const void *in = &ids[i];
			char text[64];
			eg_vocab_spell(v, -1, ids[i], text, sizeof text);
			if (!first) printf("%6.2f  %s\n", bits(logits, eg_vocab_count(v), ids[i]), text[0] == '\n' ? "(new line)" : text);
			first = false;
			if (eg_session_run(s, 1, &name, &in, 1, &logits, &err)) {
				free(ids);
				return fail(err.message);
			}
		}
		free(ids);
	}
	return 0;
}

int main(int argc, char **argv) {
	eg_error err;
	eg_model *m = NULL;
	int result = 1;
	if (argc != 2) return fail("usage: surprise MODEL <TEXT");
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, &err); /* one step is too little to
	                                                                              * share */
	if (!ctx) return fail(err.message);
	if (eg_model_load(argv[1], ctx, &m, &err)) {
		eg_context_free(ctx);
		return fail(err.message);
	}
	eg_vocab *v = NULL;
	const eg_value *kept = eg_value_get(eg_model_task(m), "vocab");
	if (kept && eg_vocab_from_value(kept, &v, &err)) fail(err.message);
	const char *const outputs[] = {"logits", NULL};
	eg_session *s = eg_session_new(eg_model_graph(m), eg_model_params(m), &(eg_session_options){.outputs = outputs}, &err);
	eg_real *logits = v ? calloc((size_t)eg_vocab_count(v), sizeof *logits) : NULL;
	if (!v) fail("this model has no vocabulary, so it is none of text");
	else if (!s) fail(err.message);
	else if (!logits) fail("out of memory");
	else result = read_on(s, v, logits);
	free(logits);
	eg_session_free(s);
	eg_vocab_free(v);
	eg_model_free(m);
	eg_context_free(ctx);
	return result;
}
