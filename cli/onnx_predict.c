/* onnx_predict.c - engram predict of a network without a task: numbers in, its outputs by their names out. */
#define _POSIX_C_SOURCE 200809L /* getline */
#include "onnx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct job {
	const cli_args *args;
	eg_network *network;
	int code;
} job;

eg_network *onnx_open(const cli_args *a, const char *path, eg_context *ctx) {
	eg_error err;
	eg_network *n = eg_network_load(path, ctx, &err);
	if (!n) fail_error(a->verb->name, &err);
	return n;
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static double element(const eg_network_array *a, int64_t i) {
	switch (a->type) {
	case EG_F32: return (double)((const eg_real *)a->data)[i];
	case EG_F64: return ((const double *)a->data)[i];
	case EG_I32: return ((const int32_t *)a->data)[i];
	case EG_I64: return (double)((const int64_t *)a->data)[i];
	default: return ((const uint8_t *)a->data)[i];
	}
}

/* Nested lists from element *at on. */
static void put_list(eg_value *parent, const char *key, const eg_network_array *a, int depth, int64_t *at) {
	if (depth == a->dims.rank) {
		const double v = element(a, (*at)++);
		if (a->type == EG_F32 || a->type == EG_F64) eg_value_put_number(parent, key, v);
		else eg_value_put_int(parent, key, (int64_t)v);
		return;
	}
	eg_value *list = eg_value_put_list(parent, key);
	for (int64_t i = 0; i < a->dims.d[depth]; i++) put_list(list, NULL, a, depth + 1, at);
}

/* DIR/NAME.npy; slashes in the name become '_'. */
static bool write_npy(const job *j, const char *folder, const eg_network_array *a) {
	static const char *const kinds[EG_DTYPES] = {[EG_F32] = sizeof(eg_real) == 4 ? "<f4" : "<f8", [EG_I32] = "<i4", [EG_I64] = "<i8", [EG_U8] = "|u1",
		[EG_BOOL] = "|b1", [EG_F64] = "<f8", [EG_F16] = "<f2", [EG_BF16] = "<u2"};
	char header[256];
	const size_t room = strlen(folder) + strlen(a->name) + 8;
	char *path = cli_alloc(room);
	size_t n = (size_t)snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (", kinds[a->type]), count = 1;
	for (int i = 0; i < a->dims.rank; i++) {
		n += (size_t)snprintf(header + n, sizeof header - n, "%lld, ", (long long)a->dims.d[i]);
		count *= (size_t)a->dims.d[i];
	}
	n += (size_t)snprintf(header + n, sizeof header - n, "), }");
	while ((10 + n + 1) % 64) header[n++] = ' ';
	header[n++] = '\n';
	const int head = snprintf(path, room, "%s/", folder);
	snprintf(path + head, room - (size_t)head, "%s.npy", a->name);
	for (char *c = path + head; *c; c++)
		if (*c == '/') *c = '_';
	const unsigned char begin[] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)(n & 255), (unsigned char)(n >> 8)};
	FILE *f = fopen(path, "wb");
	const size_t bytes = count * eg_dtype_size(a->type);
	bool ok = f && fwrite(begin, 1, sizeof begin, f) == sizeof begin && fwrite(header, 1, n, f) == n && fwrite(a->data, 1, bytes, f) == bytes;
	if (f && fclose(f)) ok = false;
	if (!ok) fail(j->args->verb->name, "cannot write %s: %s", path, strerror(errno));
	else puts(path);
	free(path);
	return ok;
}

/* "logits (2,10): 0.1 -3 ...", a line an output. */
static void print_output(const eg_network_array *a) {
	enum { SHOWN = 12 };
	size_t count = 1;
	printf("%s (", text_shown(a->name));
	for (int i = 0; i < a->dims.rank; i++) {
		printf("%s%lld", i ? "," : "", (long long)a->dims.d[i]);
		count *= (size_t)a->dims.d[i];
	}
	printf("):");
	for (size_t i = 0; i < count && i < SHOWN; i++) printf(" %.6g", element(a, (int64_t)i));
	puts(count > SHOWN ? " ..." : "");
}

static bool show(job *j, const char *name, const eg_network_array *out) {
	const eg_onnx_model *m = eg_network_model(j->network);
	const char *folder = args_text(j->args, "output");
	bool ok = true;
	if (args_has(j->args, "json")) {
		eg_value *v = eg_value_new(EG_VALUE_MAP);
		eg_value_put_text(v, "input", name);
		eg_value *answer = eg_value_put_map(v, "answer");
		for (int i = 0; i < m->noutputs; i++) {
			int64_t at = 0;
			put_list(answer, out[i].name, &out[i], 0, &at);
		}
		print_json(v);
		eg_value_free(v);
	}
	for (int i = 0; i < m->noutputs && ok; i++) {
		if (folder) ok = write_npy(j, folder, &out[i]);
		else if (!args_has(j->args, "json")) print_output(&out[i]);
	}
	return ok;
}

static bool answer(job *j, onnx_arrays *a, const char *name) {
	eg_error err;
	const int n = eg_network_model(j->network)->noutputs;
	eg_network_array *out = cli_alloc((size_t)(n + 1) * sizeof *out);
	bool ok = !eg_network_run(j->network, a->at, a->n, out, &err);
	if (!ok) fail(j->args->verb->name, "%s: %s", name, err.message);
	ok = ok && show(j, name, out);
	free(out);
	if (!ok) j->code = CLI_FAILED;
	return ok;
}

/* ---- questions --------------------------------------------------------------------------------------------------- */

static void answer_lines(job *j, const char *path) {
	FILE *f = strcmp(path, "-") != 0 ? fopen(path, "rb") : stdin;
	char *line = NULL, where[400];
	size_t room = 0;
	ssize_t n;
	if (!f) {
		j->code = fail(j->args->verb->name, "cannot read %s: %s", path, strerror(errno));
		return;
	}
	for (int number = 1; (n = getline(&line, &room, f)) >= 0; number++) {
		onnx_arrays a = {.of = j->network};
		snprintf(where, sizeof where, "%.300s, line %d", path, number);
		if (strspn(line, " \t\r\n") == (size_t)n) continue;
		if (onnx_read_json(&a, j->args->verb->name, line, (size_t)n, where)) answer(j, &a, where);
		else j->code = CLI_FAILED;
		onnx_arrays_clear(&a);
		fflush(stdout);
	}
	free(line);
	if (f != stdin) fclose(f);
}

/* The array of a file is the only input of the network. */
static void answer_file(job *j, const char *path) {
	onnx_arrays a = {.of = j->network};
	const eg_onnx_model *m = eg_network_model(j->network);
	if (m->ninputs != 1) {
		j->code = fail(j->args->verb->name, "%s: the network has %d inputs; give each its file with --input NAME=FILE, or JSON", path, m->ninputs);
		return;
	}
	if (!onnx_read_array(&a, j->args->verb->name, m->inputs[0].name, path)) j->code = CLI_FAILED;
	else answer(j, &a, path);
	onnx_arrays_clear(&a);
}

/* --input NAME=FILE, once each. */
static void answer_given(job *j) {
	onnx_arrays a = {.of = j->network};
	int n;
	bool ok = true;
	const char **all = args_all(j->args, "input", &n);
	for (int i = 0; i < n && ok; i++) {
		const char *equals = strchr(all[i], '=');
		char *name = cli_alloc(strlen(all[i]) + 1);
		if (equals) memcpy(name, all[i], (size_t)(equals - all[i]));
		ok = equals ? onnx_read_array(&a, j->args->verb->name, name, equals + 1)
			    : (fail_usage(j->args->verb->name, "--input %s: NAME=FILE is needed", all[i]), false);
		free(name);
	}
	if (ok) ok = answer(j, &a, "--input");
	if (!ok) j->code = CLI_FAILED;
	onnx_arrays_clear(&a);
	free(all);
}

int onnx_predict(const cli_args *a) {
	job j = {.args = a, .code = CLI_OK};
	static const char *const others[] = {"text", "why", "split", "truth", "data", "folder", "path"};
	for (int i = 0; i < (int)(sizeof others / sizeof *others); i++)
		if (args_has(a, others[i])) return fail_usage("predict", "--%s is about models with a task; %s is a network alone", others[i], a->operands[0]);
	if (a->noperands < 2 && !args_has(a, "input"))
		return fail_usage("predict", "a network alone has no data of its own: name inputs (.npy, .csv, .json, -, or --input NAME=FILE)");
	if (args_has(a, "output") && !cli_make_folder(a, args_text(a, "output"))) return CLI_FAILED;
	eg_context *ctx = cli_context(a);
	j.network = ctx ? onnx_open(a, a->operands[0], ctx) : NULL;
	if (!j.network) j.code = CLI_FAILED;
	if (j.network && args_has(a, "input")) answer_given(&j);
	for (int i = 1; i < a->noperands && j.network; i++) {
		const char *path = a->operands[i];
		if (!strcmp(path, "-") || cli_ends_with(path, ".json") || cli_ends_with(path, ".jsonl")) answer_lines(&j, path);
		else answer_file(&j, path);
	}
	eg_network_free(j.network);
	eg_context_free(ctx);
	return j.code;
}
