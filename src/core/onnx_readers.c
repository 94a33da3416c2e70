/* onnx_readers.c - who reads a value of a model: exporters write a layer with a constant as two nodes, a product and a
 * sum, which are one here. */
#include "core/onnx_import.h"

#include <string.h>

typedef struct eg_import_reader {
	const char *name;         /* NULL: a gap */
	const eg_onnx_node *node; /* the only one; NULL: none, several, or somebody else too */
	bool joined;              /* it is one with the node that makes the value */
} eg_import_reader;

static eg_import_reader *place(const eg_import *m, const char *name) {
	size_t at = (size_t)eg_import_hash(name) % m->nreaders;
	while (m->readers[at].name && strcmp(m->readers[at].name, name) != 0) at = (at + 1) % m->nreaders;
	return &m->readers[at];
}

static void note(const eg_import *m, const char *name, const eg_onnx_node *by) {
	if (!name || !*name) return;
	eg_import_reader *r = place(m, name);
	r->node = r->name ? NULL : by;
	r->name = name;
}

/* Bodies read values from outside, of which nothing is known here: a model that has some is left alone. */
static bool has_bodies(const eg_onnx_model *o) {
	for (int i = 0; i < o->nnodes; i++)
		for (int k = 0; k < o->nodes[i].nattrs; k++)
			if (o->nodes[i].attrs[k].kind == EG_ONNX_A_GRAPH) return true;
	return false;
}

static bool list_readers(eg_import *m) {
	const eg_onnx_model *o = m->model;
	size_t n = (size_t)o->noutputs + 8;
	for (int i = 0; i < o->nnodes; i++) n += (size_t)o->nodes[i].nin;
	m->nreaders = 2 * n;
	m->readers = eg_import_take(m, m->nreaders * sizeof *m->readers);
	if (!m->readers || has_bodies(o)) return m->readers;
	for (int i = 0; i < o->nnodes; i++)
		for (int k = 0; k < o->nodes[i].nin; k++) note(m, o->nodes[i].in[k], &o->nodes[i]);
	for (int i = 0; i < o->noutputs; i++) note(m, o->outputs[i].name, NULL);
	return true;
}

const real *eg_import_added(eg_import *m, int64_t n) {
	const eg_onnx_node *node = m->node;
	const char *own = eg_import_out_name(m, 0);
	eg_dims d;
	if (m->folding || m->scope || m->error.status || !*own || (!m->readers && !list_readers(m))) return NULL;
	const eg_onnx_node *sum = place(m, own)->node;
	if (!sum || place(m, own)->joined || !sum->type || strcmp(sum->type, "Add") != 0 || (sum->domain && *sum->domain && strcmp(sum->domain, "ai.onnx") != 0)) return NULL;
	if (sum->nin != 2 || sum->nout != 1 || sum->nattrs || !sum->out[0] || !*sum->out[0]) return NULL;
	const int other = !strcmp(sum->in[0], own);
	const eg_import_name *k = sum->in[other] && *sum->in[other] ? eg_import_look_up(m, sum->in[other]) : NULL;
	if (!k || !k->numbers || (k->numbers->type != EG_ONNX_FLOAT && k->numbers->type != EG_ONNX_DOUBLE) || eg_import_count(k->numbers, &d) != n || d.rank != 1) return NULL;
	m->node = sum;
	const real *v = eg_import_reals(m, other, NULL);
	eg_onnx_node *joint = eg_import_take(m, sizeof *joint);
	m->node = node;
	if (!v || !joint) return NULL;
	*joint = *node; /* the product, under the sum's name */
	joint->out = sum->out;
	joint->nout = 1;
	m->node = joint;
	place(m, own)->joined = true;
	return v;
}

bool eg_import_joined(const eg_import *m, const eg_onnx_node *n) {
	for (int i = 0; i < n->nin && m->readers; i++) {
		const eg_import_reader *r = n->in[i] && *n->in[i] ? place(m, n->in[i]) : NULL;
		if (r && r->name && r->joined && r->node == n) return true;
	}
	return false;
}
