/* onnx_samples.c - what the network of a model is given of its test records (of validation, where there are none),
 * and what it answers, as files of NumPy:
 *
 *     onnx_samples MODEL DIR [COUNT]
 *
 * DIR/0, DIR/1 ... are batches of up to 20 records, with a file for each input (in.NAME.npy) and answer (out.NAME.npy).
 * test/interop/onnx_written.py gives the same to other programs. Not a test. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "engram_onnx_file.h"
#include "engram_task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BATCH = 20 };

typedef struct job {
	const char *folder;
	const char **outputs;
	eg_graph *graph;
	int wanted, written, batches;
	bool failed;
} job;

/* An array in the order of C: little-endian, as this machine is. */
static bool write_array(const char *path, eg_dtype type, const eg_dims *d, const void *data) {
	static const char *const kinds[EG_DTYPES] = {[EG_F32] = "<f4", [EG_F64] = "<f8", [EG_I32] = "<i4", [EG_I64] = "<i8", [EG_U8] = "|u1", [EG_BOOL] = "|b1"};
	char head[246] = "";
	size_t count = 1, n;
	FILE *f = kinds[type] ? fopen(path, "wb") : NULL;
	if (!f) return false;
	n = (size_t)snprintf(head, sizeof head, "{'descr': '%s', 'fortran_order': False, 'shape': (", kinds[type]);
	for (int i = 0; i < d->rank; i++) {
		n += (size_t)snprintf(head + n, sizeof head - n, "%d, ", (int)d->d[i]);
		count *= (size_t)d->d[i];
	}
	n += (size_t)snprintf(head + n, sizeof head - n, ")}");
	memset(head + n, ' ', sizeof head - n);
	head[sizeof head - 1] = '\n';
	bool ok = fwrite("\x93NUMPY\1\0\xf6\0", 1, 10, f) == 10 && fwrite(head, 1, sizeof head, f) == sizeof head;
	ok = fwrite(data, eg_dtype_size(type), count, f) == count && ok;
	return !fclose(f) && ok;
}

static void put(job *j, eg_plan *plan, eg_tensor t, const char *kind, const char *name, const void *data) {
	char path[4096];
	const eg_dims d = eg_plan_dims(plan, t);
	snprintf(path, sizeof path, "%s/%d/%s.%s.npy", j->folder, j->batches, kind, name);
	if (write_array(path, eg_tensor_dtype(j->graph, t), &d, data)) return;
	fprintf(stderr, "cannot write %s\n", path);
	j->failed = true;
}

static bool done(void *user, const eg_batch_run *b) {
	job *j = user;
	char path[4096];
	eg_tensor x;
	snprintf(path, sizeof path, "%s/%d", j->folder, j->batches);
	mkdir(path, 0777);
	for (int i = 0; (x = eg_graph_input(j->graph, i)).id; i++) {
		const char *name = eg_tensor_name(j->graph, x);
		const void *given = eg_batch_input(b, name), *own = eg_plan_input(b->plan, name);
		if (own) put(j, b->plan, x, "in", name, given ? given : own); /* NULL: nothing is computed of it */
	}
	for (int i = 0; j->outputs[i]; i++) {
		const char *name = j->outputs[i];
		put(j, b->plan, eg_graph_find(j->graph, name), "out", name, eg_plan_output(b->plan, name));
	}
	j->batches++;
	j->written += eg_plan_batch(b->plan);
	return j->written < j->wanted && !j->failed;
}

static eg_status write_samples(job *j, eg_model *m, eg_error *err) {
	eg_task *t = NULL;
	eg_samples *s = NULL;
	eg_predictor *use; /* sets weights that follow from the data, as before any use of a model */
	eg_status status = eg_predictor_new(m, NULL, NULL, &use, err);
	if (!status) eg_predictor_free(use);
	if (!status) status = eg_task_open(eg_model_recipe(m), &t, err);
	eg_part part = status ? EG_PART_TEST : eg_task_eval_part(t); /* texts have no test records of their own */
	if (!status) status = eg_samples_load(t, &(eg_samples_options){.part = part, .model = m, .views = "one"}, &s, err);
	if (status && t && part == EG_PART_TEST) { /* nor have sets that are judged by folds */
		part = EG_PART_VALIDATION;
		status = eg_samples_load(t, &(eg_samples_options){.part = part, .model = m, .views = "one"}, &s, err);
	}
	if (!status) status = eg_task_suits(t, eg_model_graph(m), err);
	j->graph = eg_model_graph(m);
	j->outputs = eg_recipe_answers(eg_model_recipe(m));
	const eg_dataset *d = status ? NULL : eg_samples_get(s, part);
	if (d && d->streams) j->wanted = 1; /* the first batch: later ones go on with its states */
	if (d && j->outputs) status = eg_each_batch(j->graph, eg_model_params(m), j->outputs, BATCH, d, done, j, err);
	if (status == EG_ERR_STOPPED) status = EG_OK;
	free(j->outputs);
	eg_samples_free(s);
	eg_task_free(t);
	return status;
}

int main(int argc, char **argv) {
	job j = {.folder = argc > 2 ? argv[2] : "", .wanted = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 100};
	eg_error err = {0};
	eg_context *ctx = eg_context_new(NULL, &err);
	eg_model *m = NULL;
	if (argc < 3) return fprintf(stderr, "onnx_samples MODEL DIR [COUNT]\n"), 2;
	mkdir(j.folder, 0777);
	eg_status status = ctx ? eg_model_load(argv[1], ctx, &m, &err) : err.status;
	if (!status) status = write_samples(&j, m, &err);
	if (status) fprintf(stderr, "%s\n", err.message);
	else printf("%d records in %d batches\n", j.written, j.batches);
	eg_model_free(m);
	eg_context_free(ctx);
	return status || j.failed || !j.written;
}
