/* opgen.c - writes what is generated from the operator table: include/engram_ops.h, the operators' builders, and
 * docs/layers.md, the same table for people.
 *
 *   opgen [--markdown]          prints the header, or the page
 *   opgen [--markdown] --check F  says whether file F is what would be printed: exit code 0, or 1
 *
 * The options structs are declared from the attribute tables; where an offset in the table is not
 * the one that the declared struct has, the operator's file is wrong and nothing is printed. */
#include "core/op.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 120 };

/* ---- text -------------------------------------------------------------------------------------------------------- */

/* Text wrapped as lines of a comment; the equation's own line ends are kept. */
static void paragraph(FILE *out, const char *text) {
	size_t column = 0;
	for (const char *p = text; *p;) {
		size_t word = strcspn(p, " \n");
		if (column == 0) column = (size_t)fprintf(out, " *");
		if (column > 3 && column + 1 + word > WIDTH) {
			fprintf(out, "\n *");
			column = 2;
		}
		column += (size_t)fprintf(out, " %.*s", (int)word, p);
		p += word;
		if (*p == '\n') {
			fprintf(out, "\n");
			column = 0;
		}
		if (*p) p++;
	}
	fprintf(out, "\n");
}

static void upper(FILE *out, const char *s) {
	for (; *s; s++) fputc(toupper((unsigned char)*s), out);
}

/* ---- one attribute ----------------------------------------------------------------------------------------------- */

static const char *field_type(const eg_attr *a) {
	switch (a->type) {
	case EG_ATTR_INT:
	case EG_ATTR_INTS:
	case EG_ATTR_ENUM: return "int";
	case EG_ATTR_FLOAT: return "float";
	case EG_ATTR_BOOL:
	case EG_ATTR_NOT: return "bool";
	case EG_ATTR_INT_LIST: return "eg_ints";
	case EG_ATTR_FLOAT_LIST: return "eg_floats";
	case EG_ATTR_STRING: return "const char *";
	}
	return "?";
}

static size_t field_size(const eg_attr *a) {
	switch (a->type) {
	case EG_ATTR_INT:
	case EG_ATTR_ENUM: return sizeof(int);
	case EG_ATTR_INTS: return sizeof(int) * (size_t)a->count;
	case EG_ATTR_FLOAT: return sizeof(float);
	case EG_ATTR_BOOL:
	case EG_ATTR_NOT: return sizeof(bool);
	case EG_ATTR_INT_LIST: return sizeof(eg_ints);
	case EG_ATTR_FLOAT_LIST: return sizeof(eg_floats);
	case EG_ATTR_STRING: return sizeof(const char *);
	}
	return 0;
}

static bool points(const eg_attr *a) {
	return a->type == EG_ATTR_INT_LIST || a->type == EG_ATTR_FLOAT_LIST || a->type == EG_ATTR_STRING;
}

static size_t field_align(const eg_attr *a) {
	if (points(a)) return _Alignof(void *);
	return a->type == EG_ATTR_BOOL || a->type == EG_ATTR_NOT ? _Alignof(bool) : _Alignof(int);
}

/* The list of names that several operators share is eg_init_kind of engram.h; any other becomes an enumeration of
 * its own. */
static bool own_enum(const eg_attr *a) { return a->type == EG_ATTR_ENUM && a->names != eg_init_names; }

static void enum_prefix(FILE *out, const eg_op_info *op, const eg_attr *a) {
	fprintf(out, "EG_");
	if (own_enum(a)) {
		upper(out, op->name);
		fputc('_', out);
	}
	upper(out, a->name);
	fputc('_', out);
}

static void field(FILE *out, const eg_op_info *op, const eg_attr *a) {
	fprintf(out, "\t%s%s%s%s", field_type(a), a->type == EG_ATTR_STRING ? "" : " ", a->type == EG_ATTR_NOT ? "no_" : "", a->name);
	if (a->type == EG_ATTR_INTS) fprintf(out, "[%d]", a->count);
	fprintf(out, "; /* %s%s", a->type == EG_ATTR_NOT ? "true switches this off: " : "", a->doc);
	if (a->type == EG_ATTR_ENUM) {
		fprintf(out, "; ");
		enum_prefix(out, op, a);
		fprintf(out, "...");
	} else if (isnan(a->def)) {
		fprintf(out, "; needed");
	} else if (!points(a) && a->def != 0 && a->def >= a->min && a->def <= a->max && a->type != EG_ATTR_NOT) {
		fprintf(out, "; default %g", a->def);
	}
	fprintf(out, " */\n");
}

/* ---- one operator ------------------------------------------------------------------------------------------------ */

static bool offsets_agree(const eg_op_info *op) {
	size_t at = sizeof(const char *);
	for (int i = 0; i < op->nattrs; i++) {
		const eg_attr *a = &op->attrs[i];
		at = (at + field_align(a) - 1) / field_align(a) * field_align(a);
		if (a->offset != at) {
			fprintf(stderr,
				"opgen: %s: attribute '%s' lies at offset %zu of the options struct, the table's order "
				"gives %zu\n",
				op->name, a->name, a->offset, at);
			return false;
		}
		at += field_size(a);
	}
	size_t size = (at + sizeof(void *) - 1) / sizeof(void *) * sizeof(void *);
	if (op->options_size == size) return true;
	fprintf(stderr, "opgen: %s: the options struct has %zu bytes, its attributes make %zu\n", op->name,
		op->options_size, size);
	return false;
}

static void names(FILE *out, const char *what, const char *const *list, int n) {
	for (int i = 0; i < n; i++) fprintf(out, "%s%s", i ? ", " : what, list[i]);
}

static int count(const char *const *list) {
	int n = 0;
	while (list && list[n]) n++;
	return n;
}

static void comment(FILE *out, const eg_op_info *op) {
	fprintf(out, "/* %s.\n *\n", op->doc);
	paragraph(out, op->equation);
	fprintf(out, " *\n *");
	names(out, " Inputs: ", op->inputs, op->min_inputs);
	names(out, ", optional: ", op->inputs + op->min_inputs, op->max_inputs - op->min_inputs);
	fprintf(out, ".");
	if (op->params) {
		names(out, " Weights: ", op->params, count(op->params));
		fprintf(out, ".");
	}
	names(out, count(op->outputs) > 1 ? " Outputs: " : " Output: ", op->outputs, count(op->outputs));
	fprintf(out, ".\n");
	paragraph(out, op->source);
	fprintf(out, " */\n");
}

static void enums(FILE *out, const eg_op_info *op) {
	for (int i = 0; i < op->nattrs; i++) {
		const eg_attr *a = &op->attrs[i];
		if (!own_enum(a)) continue;
		fprintf(out, "enum {");
		for (int k = 0; a->names[k]; k++) {
			fprintf(out, k ? ", " : " ");
			enum_prefix(out, op, a);
			upper(out, a->names[k]);
		}
		fprintf(out, " };\n");
	}
}

static void options(FILE *out, const eg_op_info *op) {
	fprintf(out, "typedef struct eg_%s_options {\n", op->name);
	fprintf(out, "\tconst char *name; /* of the node%s; NULL: made from the operator's */\n",
		op->params ? " and its weights" : "");
	for (int i = 0; i < op->nattrs; i++) field(out, op, &op->attrs[i]);
	for (int i = op->min_inputs; i < op->max_inputs; i++)
		fprintf(out, "\teg_tensor %s; /* optional input */\n", op->inputs[i]);
	fprintf(out, "\tbool end_; /* closes the builder's list */\n} eg_%s_options;\n", op->name);
}

static void builder(FILE *out, const eg_op_info *op) {
	int n = op->min_inputs, most = op->max_inputs;
	fprintf(out, "static inline eg_tensor eg_%s_with(eg_graph *g, ", op->name);
	for (int i = 0; i < n; i++) fprintf(out, "eg_tensor %s,%s", op->inputs[i], i + 1 < n || n == 1 ? " " : "\n\t");
	fprintf(out, "const eg_%s_options *options) {\n\teg_tensor inputs[%d] = {", op->name, most);
	for (int i = 0; i < most; i++) fprintf(out, i < n ? "%s%s" : "%s{0}", i ? ", " : "", op->inputs[i]);
	fprintf(out, "};\n");
	if (most > n) fprintf(out, "\tint n = %d;\n", n);
	for (int i = n; i < most; i++)
		fprintf(out, "\tif (options && options->%s.id) {\n\t\tinputs[%d] = options->%s;\n\t\tn = %d;\n\t}\n",
			op->inputs[i], i, op->inputs[i], i + 1);
	fprintf(out, "\treturn eg_apply(g, \"%s\", options, inputs, ", op->name);
	fprintf(out, most > n ? "n);\n}\n" : "%d);\n}\n", n);
	fprintf(out, "#define eg_%s(...) EG_BUILD_%d(%s, __VA_ARGS__, )\n", op->name, n, op->name);
	if (op->variadic)
		fprintf(out,
			"/* n of them, %d to %d; inputs among the options do not count. */\n"
			"static inline eg_tensor eg_%s_n(eg_graph *g, const eg_tensor *inputs, int n, "
			"const eg_%s_options *options) {\n\treturn eg_apply(g, \"%s\", options, inputs, n);\n}\n",
			n, EG_MAX_INPUTS, op->name, op->name, op->name);
	fputc('\n', out);
}

/* ---- the header -------------------------------------------------------------------------------------------------- */

static const char head[] =
	"/* engram_ops.h - the operators' builders, written by tools/opgen.c from the operator table: change that.\n"
	" *\n"
	" * In C, options follow the inputs by name, and those left out have their defaults:\n"
	" *\n"
	" *   eg_tensor h = eg_conv2d(g, x, .filters = 6, .kernel = {5, 5}, .padding = {2, 2});\n"
	" *   eg_tensor y = eg_relu(g, h);\n"
	" *\n"
	" * Lists are written .axes = EG_INTS(0, 2).\n"
	" *\n"
	" * In C++, and where the options are at hand already:\n"
	" *\n"
	" *   eg_conv2d_options o = {};\n"
	" *   o.filters = 6; ...\n"
	" *   eg_tensor h = eg_conv2d_with(g, x, &o);\n"
	" *   eg_tensor y = eg_relu_with(g, h, NULL);\n"
	" *\n"
	" * Every builder returns {0} after an error, which eg_graph_status tells. A zero in the options means the\n"
	" * default; EG_ZERO, or EG_ZERO_F for a float, means 0. */\n"
	"#ifndef ENGRAM_OPS_H\n"
	"#define ENGRAM_OPS_H\n\n"
	"#include \"engram.h\"\n\n"
	"#ifdef __cplusplus\n"
	"extern \"C\" {\n"
	"#endif\n\n"
	"/* The options end with a comma or are empty, so the member end_ makes a valid list of them. */\n"
	"#define EG_BUILD_1(op, g, a, ...) eg_##op##_with(g, a, &(eg_##op##_options){__VA_ARGS__ .end_ = false})\n"
	"#define EG_BUILD_2(op, g, a, b, ...) \\\n"
	"\teg_##op##_with(g, a, b, &(eg_##op##_options){__VA_ARGS__ .end_ = false})\n"
	"#define EG_BUILD_3(op, g, a, b, c, ...) \\\n"
	"\teg_##op##_with(g, a, b, c, &(eg_##op##_options){__VA_ARGS__ .end_ = false})\n\n";

static const char tail[] =
	"#ifdef __cplusplus\n"
	"}\n"
	"#endif\n\n"
	"#endif\n";

static bool print_header(FILE *out) {
	fputs(head, out);
	for (int i = 0; i < eg_op_count(); i++) {
		const eg_op_info *op = eg_op_at(i);
		if (!offsets_agree(op)) return false;
		fprintf(out, "/* ---- %s ", op->name);
		for (size_t k = strlen(op->name) + 9; k < WIDTH - 4; k++) fputc('-', out);
		fprintf(out, " */\n\n");
		comment(out, op);
		enums(out, op);
		options(out, op);
		builder(out, op);
	}
	fputs(tail, out);
	return !ferror(out);
}

/* ---- the page for people ----------------------------------------------------------------------------------------- */

static const char page_head[] =
	"# Layers and operators\n\n"
	"Written from the operator table by `make docs`; what is said here is changed in `src/ops`.\n\n"
	"A recipe names the layers (`conv`), a C program the builders (`eg_conv2d`); both take the attributes below. In a\n"
	"recipe a layer is a word (`- relu`), a word with one value where a short form is given (`- maxpool: 2`), or a word\n"
	"with attributes (`- maxpool: {kernel: 2, stride: 1}`). Every layer also takes `name` and `from`, which\n"
	"[recipes.md](recipes.md) explains. Pairs and threes may be given as one number, which then counts for all.\n\n"
	"In C the attributes are fields of the same name. A zero means the default; where that is not 0, `EG_ZERO` means 0, and\n"
	"`EG_ZERO_F` in a field of type float. A switch that is on by default is stored the other way round:\n"
	"`.no_bias = true`. A list is written `.axes = EG_INTS(0, 2)`; zeros in it are zeros, and the graph copies it.\n"
	"`include/engram_ops.h` holds the builders.\n\n"
	"N is the batch, C channels, H and W height and width; dx is the gradient of x, and so on.\n\n"
	"In the tables *layout* says how pictures may lie in memory when the operator gets them: it *chooses* what is fastest,\n"
	"*follows* what is there, or works on *plain* rows. *ONNX* is the operator of that name and the opset that it is of; *of\n"
	"several* there; nothing: it has no equal.\n";

/* Text of a table's cell. */
static void cell(FILE *out, const char *text) {
	for (; *text; text++) {
		if (*text == '|') fputc('\\', out);
		fputc(*text, out);
	}
}

static void type_and_range(FILE *out, const eg_attr *a) {
	bool whole = a->type != EG_ATTR_FLOAT && a->type != EG_ATTR_FLOAT_LIST, bounded = a->max < (whole ? (double)(1 << 24) : 1e6);
	if (a->type == EG_ATTR_BOOL || a->type == EG_ATTR_NOT) {
		fprintf(out, "true or false");
	} else if (a->type == EG_ATTR_STRING) {
		fprintf(out, "text");
	} else if (a->type == EG_ATTR_ENUM && !own_enum(a)) {
		fprintf(out, "a name of [initial weights](recipes.md#initial-weights)");
	} else if (a->type == EG_ATTR_ENUM) {
		for (int k = 0; a->names[k]; k++) fprintf(out, "%s`%s`", k ? ", " : "", a->names[k]);
	} else {
		fprintf(out, "%s", a->type == EG_ATTR_INTS ? a->count == 2 ? "pair of whole numbers" : "three whole numbers" : points(a) ? whole ? "list of whole numbers" : "list of numbers" : whole ? "whole number" : "number");
		if (bounded) fprintf(out, ", %g to %g", a->min, a->max);
		else if (a->min > -1e6) fprintf(out, ", %g or more", a->min);
	}
}

static void default_value(FILE *out, const eg_attr *a) {
	if (a->type == EG_ATTR_ENUM) fprintf(out, "`%s`", a->names[0]);
	else if (a->size) fprintf(out, "`%s`", a->size);
	else if (isnan(a->def)) fprintf(out, "needed");
	else if (a->type == EG_ATTR_BOOL || a->type == EG_ATTR_NOT) fprintf(out, "%s", a->def != 0 ? "true" : "false");
	else if (!points(a) && a->def >= a->min && a->def <= a->max) fprintf(out, "%g", a->def);
	else fprintf(out, "(see meaning)");
}

static void attributes(FILE *out, const eg_op_info *op) {
	fprintf(out, "\n| attribute | type and range | default | meaning | in ONNX |\n|---|---|---|---|---|\n");
	for (int i = 0; i < op->nattrs; i++) {
		const eg_attr *a = &op->attrs[i];
		fprintf(out, "| `%s` | ", a->name);
		type_and_range(out, a);
		fprintf(out, " | ");
		default_value(out, a);
		fprintf(out, " | ");
		cell(out, a->doc);
		if (a->onnx) fprintf(out, " | `%s` |\n", a->onnx);
		else fprintf(out, " | |\n");
	}
}

static void section(FILE *out, const eg_op *def) {
	const eg_op_info *op = &def->info;
	const char *name = op->layer ? op->layer : op->name;
	fprintf(out, "\n## %s\n\n", name);
	fprintf(out, "%s. In C: `eg_%s`.\n\n```\n%s\n```\n\n", op->doc, op->name, op->equation);
	names(out, "* Inputs: ", op->inputs, op->min_inputs);
	names(out, "; optional: ", op->inputs + op->min_inputs, op->max_inputs - op->min_inputs);
	if (op->variadic) fprintf(out, "; and more, up to %d in all (`eg_%s_n`)", EG_MAX_INPUTS, op->name);
	if (op->params) names(out, ". Weights: ", op->params, count(op->params));
	names(out, count(op->outputs) > 1 ? ". Outputs: " : ". Output: ", op->outputs, count(op->outputs));
	fprintf(out, ".\n* Source: %s.\n", op->source);
	if (op->contains) fprintf(out, "* Contains `%s`: what it judges are numbers of any size, no `%s` layer before it.\n", op->contains, op->contains);
	if (def->no_gradient) fprintf(out, "* No gradient: %s.\n", def->no_gradient);
	if (op->shorthand) fprintf(out, "* Short form: `%s: V` stands for `%s: {%s: V}`.\n", name, name, op->shorthand);
	if (op->nattrs) attributes(out, op);
}

/* How far it goes: has it a gradient, does it work where it finds its input (layouts), what is it in ONNX. */
static void status(FILE *out, const eg_op *op) {
	fprintf(out, " %s | %s |", eg_op_has_gradient(op) ? "yes" : "no", op->cost ? "chooses" : op->follows ? "follows" : "plain");
	if (op->onnx) fprintf(out, " %s-%d |\n", op->onnx, op->onnx_since);
	else fprintf(out, " %s |\n", op->export ? "of several" : "");
}

static bool print_page(FILE *out) {
	fputs(page_head, out);
	for (int losses = 0; losses < 2; losses++) {
		fprintf(out, losses ? "\n| only in `train: loss:` and C | | gradient | layout | ONNX |\n|---|---|---|---|---|\n"
			: "\n| layer | | gradient | layout | ONNX |\n|---|---|---|---|---|\n");
		for (int i = 0; i < eg_op_count(); i++) {
			const eg_op_info *op = eg_op_at(i);
			const char *name = op->layer ? op->layer : op->name;
			if ((losses != 0) != (op->layer == NULL)) continue;
			fprintf(out, "| [`%s`](#%s) | %s |", name, name, op->doc);
			status(out, eg_ops[i]);
		}
	}
	for (int i = 0; i < eg_op_count(); i++) section(out, eg_ops[i]);
	return !ferror(out);
}

/* ---- command line ------------------------------------------------------------------------------------------------ */

typedef bool printer(FILE *out);

static int check(printer *print, const char *path) {
	FILE *want = tmpfile(), *have = fopen(path, "r");
	int a = 0, b = 0, line = 1;
	if (!want || !have || !print(want)) {
		fprintf(stderr, "opgen: cannot read %s, or cannot write a temporary file\n", path);
		return 1;
	}
	rewind(want);
	while (a == b && a != EOF) {
		line += a == '\n';
		a = getc(want);
		b = getc(have);
	}
	fclose(want);
	fclose(have);
	if (a == b) return 0;
	fprintf(stderr, "%s:%d: differs from the operator table; write it anew: opgen%s >%s\n", path, line,
		print == print_page ? " --markdown" : "", path);
	return 1;
}

int main(int argc, char **argv) {
	bool page = argc > 1 && !strcmp(argv[1], "--markdown");
	printer *print = page ? print_page : print_header;
	argc -= page;
	argv += page;
	if (argc == 3 && !strcmp(argv[1], "--check")) return check(print, argv[2]);
	if (argc == 1) return print(stdout) && !fflush(stdout) ? 0 : 1;
	fprintf(stderr, "usage: opgen [--markdown] [--check FILE]\n");
	return 2;
}
