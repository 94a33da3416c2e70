/* inspect.c - engram inspect: what happens inside a trained network, as pictures, tables and a page in a folder. Not
 * here: networks that take pictures (inspect_picture.c) or films, or write captions (inspect_looks.c). */
#include "engram_report.h"
#include "inspect_picture.h"
#include "print.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A text of one's own, whole in memory. *text is to be freed; false after a message. */
static bool read_text(const char *path, char **text, size_t *size) {
	size_t room = 1 << 16;
	FILE *f = fopen(path, "rb");
	if (!f) return fail("inspect", "cannot read %s: %s", path, strerror(errno)), false;
	*text = cli_alloc(room);
	*size = 0;
	for (size_t n; (n = fread(*text + *size, 1, room - *size, f)) > 0;) {
		*size += n;
		if (*size < room) continue;
		char *more = realloc(*text, room *= 2);
		if (!more) {
			fclose(f), free(*text), *text = NULL;
			return fail("inspect", "%s: out of memory", path), false;
		}
		*text = more;
	}
	bool ok = !ferror(f);
	if (!ok) fail("inspect", "cannot read %s: %s", path, strerror(errno)), free(*text), *text = NULL;
	fclose(f);
	return ok;
}

/* ---- what is shown ----------------------------------------------------------------------------------------------- */

/* words: another file; NULL: none. */
static void show_json(const char *model, const eg_inspection *i, const char *words, const char *no_gradients) {
	eg_gradient_curve c;
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_text(v, "model", model);
	eg_value *norms = eg_value_put_list(v, "gradient_norms");
	for (int k = 0; i && eg_inspect_curve(i, k, &c); k++) {
		eg_value *curve = eg_value_put_map(norms, NULL);
		eg_value_put_text(curve, "name", c.name);
		eg_value_put_int(curve, "steps", c.steps);
		eg_value_put_number(curve, "first", c.norms[0]);
		eg_value_put_number(curve, "last", c.norms[c.steps - 1]);
	}
	if (no_gradients) eg_value_put_text(v, "no_gradient_norms", no_gradients);
	eg_value *files = eg_value_put_list(v, "files");
	if (words) eg_value_put_text(files, NULL, words);
	for (int k = 0; i && eg_inspect_file(i, k); k++) eg_value_put_text(files, NULL, eg_inspect_file(i, k));
	print_json(v);
	eg_value_free(v);
}

static void print_norms(const eg_inspection *i) {
	eg_gradient_curve c;
	if (!eg_inspect_curve(i, 0, &c)) return;
	printf("Norm of d loss(T) / d state(t), T = %d:\n\n", c.steps);
	table *t = table_new("lrrr");
	table_cell(t, "network");
	table_cell(t, "t = %d", c.steps - 1);
	table_cell(t, "t = 0");
	table_cell(t, "a step");
	table_rule(t);
	for (int k = 0; eg_inspect_curve(i, k, &c); k++) {
		double first = c.norms[0], last = c.norms[c.steps - 1];
		table_cell(t, "%s", c.name);
		table_cell(t, "%.2e", last);
		table_cell(t, "%.2e", first);
		if (c.steps > 1 && first > 0 && last > 0)
			table_cell(t, "x %.3f", pow(first / last, 1.0 / (c.steps - 1)));
		else
			table_cell(t, "-");
	}
	table_print(t, stdout, 2);
	table_free(t);
	printf("\n`a step`: what the norm is multiplied by for each step back, on average.\n\n");
}

static void print_text(const eg_inspection *i, const char *words) {
	print_norms(i);
	printf("Written:\n");
	if (words) printf("  %s\n", text_shown(words));
	for (int k = 0; eg_inspect_file(i, k); k++) printf("  %s\n", text_shown(eg_inspect_file(i, k)));
}

/* Of a model without recurrent layers. */
static int show_words(const cli_args *a, const char *words) {
	if (args_has(a, "json"))
		show_json(a->operands[0], NULL, words, NULL);
	else
		printf("Written:\n  %s\n", text_shown(words));
	return CLI_OK;
}

/* ---- the work ---------------------------------------------------------------------------------------------------- */

static eg_status choose_input(const cli_args *a, eg_inspection *i, const char *file, eg_error *err) {
	const char *text = args_text(a, "text");
	char *own = NULL;
	size_t size = 0;
	if (text) return eg_inspect_text(i, text, strlen(text), "--text", err);
	if (!file) return eg_inspect_data(i, err);
	if (!read_text(file, &own, &size)) {
		*err = (eg_error){.status = EG_ERR_IO};
		return EG_ERR_IO; /* has been told */
	}
	eg_status status = eg_inspect_text(i, own, size, file, err);
	free(own);
	return status;
}

/* ---- which words counted ----------------------------------------------------------------------------------------- */

enum { TEXTS = 16 };

static eg_status weigh_one(eg_why *w, const char *text, size_t size, const char *name, eg_value *list, eg_error *err) {
	eg_value *map = eg_value_put_map(list, NULL);
	return eg_why_text(w, text, size, name, map, err);
}

/* Each line of the file is a text. */
static eg_status weigh_lines(eg_why *w, const char *file, eg_value *list, eg_error *err) {
	char *own = NULL, name[300];
	size_t size = 0;
	if (!read_text(file, &own, &size)) return EG_ERR_IO; /* has been told */
	eg_status status = EG_OK;
	const char *at = own, *end = own + size;
	for (int number = 1; at < end && !status; number++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		const size_t n = (size_t)((stop ? stop : end) - at);
		snprintf(name, sizeof name, "%.250s, line %d", file, number);
		size_t blank = 0;
		while (blank < n && (at[blank] == ' ' || at[blank] == '\t' || at[blank] == '\r')) blank++;
		if (blank < n) status = weigh_one(w, at, n, name, list, err);
		at += n + 1;
	}
	free(own);
	return status;
}

/* Of a model that classifies texts: words.html. *written: its path, to be freed; NULL: it is no such model. */
static eg_status write_words(const cli_args *a, eg_model *m, const char *file, char **written, eg_error *err) {
	const char *text = args_text(a, "text"), *folder = args_text(a, "output");
	eg_why *w = NULL;
	*written = NULL;
	if (eg_why_open(m, &w, NULL)) return EG_OK;
	eg_value *list = eg_value_new(EG_VALUE_LIST);
	eg_status status = text   ? weigh_one(w, text, strlen(text), "--text", list, err)
	                   : file ? weigh_lines(w, file, list, err)
	                          : eg_why_data(w, TEXTS, list, err);
	const size_t room = strlen(folder) + 16;
	char *path = cli_alloc(room);
	snprintf(path, room, "%s/words.html", folder);
	if (!status && !cli_make_folder(a, folder)) status = EG_ERR_IO;
	if (!status) status = eg_why_page(path, eg_recipe_name(eg_model_recipe(m)), list, err);
	if (status)
		free(path);
	else
		*written = path;
	eg_value_free(list);
	eg_why_close(w);
	return status;
}

static bool is_recurrent(const eg_graph *g) {
	for (int i = 0; i < eg_graph_nodes(g); i++) {
		eg_node_info n;
		eg_graph_node(g, i, &n);
		if (!strcmp(n.op->name, "rnn") || !strcmp(n.op->name, "lstm") || !strcmp(n.op->name, "gru")) return true;
	}
	return false;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static int inspect(const cli_args *a, eg_model *m, const char *file, const char *words) {
	eg_inspect_options o = {.steps = (int)args_number(a, "steps", 0),
	        .units = (int)args_number(a, "units", 0),
	        .columns = (int)args_number(a, "columns", 0),
	        .seeds = (int)args_number(a, "seeds", 0)};
	const char *folder = args_text(a, "output");
	eg_inspection *i = NULL;
	eg_error err = {0}, why = {0};
	if (words && !is_recurrent(eg_model_graph(m))) return show_words(a, words);
	eg_status status = eg_inspect_open(m, &o, folder, &i, &err);
	if (!status) status = choose_input(a, i, file, &err);
	if (!status && !cli_make_folder(a, folder)) status = EG_ERR_IO;
	if (!status && eg_inspect_gradients(i, &why) && why.status != EG_ERR_ARG) err = why, status = why.status;
	if (!status) status = eg_inspect_states(i, &err);
	if (!status && args_has(a, "json"))
		show_json(a->operands[0], i, words, why.status ? why.message : NULL);
	else if (!status)
		print_text(i, words);
	if (!status && why.status) fail("inspect", "note: no gradient norms: %s", why.message);
	if (status && err.message[0]) fail("inspect", "%s: %s", a->operands[0], err.message);
	eg_inspect_close(i);
	return status ? CLI_FAILED : CLI_OK;
}

/* What is shown of some models is another verb's. */
static const char *other_verb(eg_model *m) {
	const char *task = m ? eg_recipe_task(eg_model_recipe(m)) : "";
	if (!strcmp(task, "speak")) return "where in the text it is while it speaks: engram speak MODEL TEXT -o FILE.wav --alignment FILE.svg";
	return NULL;
}

static int run(const cli_args *a) {
	const char *operand = a->noperands > 1 ? a->operands[1] : NULL, *file = args_text(a, "text-file");
	if (!args_has(a, "output")) return fail_usage("inspect", "where do the pictures go? Say so with -o FOLDER");
	if ((operand != NULL) + (file != NULL) + args_has(a, "text") > 1)
		return fail_usage("inspect", "one text at a time: a file, or --text");
	eg_context *ctx = cli_context(a);
	eg_model *m = ctx ? cli_model(a, a->operands[0], ctx) : NULL;
	char *words = NULL;
	eg_error err = {0};
	if (other_verb(m)) {
		fail("inspect", "%s: of such a model another verb shows %s", a->operands[0], other_verb(m));
		eg_model_free(m);
		eg_context_free(ctx);
		return CLI_FAILED;
	}
	/* Without a film or a recording, what all networks with recurrent layers show. */
	const bool inner = m && !operand && !args_has(a, "record") && is_recurrent(eg_model_graph(m));
	const char *task = inner ? eg_recipe_task(eg_model_recipe(m)) : "";
	const bool rebuilds = m && eg_rebuilt_page_suits(m), looks = m && !rebuilds && strcmp(task, "tag") != 0 && eg_looks_suit(m);
	const bool tells = m && strcmp(task, "classify") != 0 && eg_transcript_page_suits(m);
	if (rebuilds || looks || tells || (m && eg_picture_why_suits(m))) {
		const int done = rebuilds ? inspect_rebuilt(a, m, operand) : looks ? inspect_looks(a, m, operand)
			: tells ? inspect_transcript(a, m, operand) : inspect_picture(a, m, operand);
		eg_model_free(m);
		eg_context_free(ctx);
		return done;
	}
	eg_status status = m ? write_words(a, m, file ? file : operand, &words, &err) : EG_ERR_ARG;
	if (m && status && err.message[0]) fail("inspect", "%s: %s", a->operands[0], err.message);
	int code = status ? CLI_FAILED : inspect(a, m, file ? file : operand, words);
	free(words);
	eg_model_free(m);
	eg_context_free(ctx);
	return code;
}

static const cli_option options[] = {
	{"output", 'o', "FOLDER", "where pictures and tables go; made when it is not there", 0, 0},
	{"text", 0, "TEXT", "what the model reads, where that is text", 0, 0},
	{"text-file", 0, "FILE", "the same from a file; short for it: engram inspect MODEL FILE -o FOLDER", 0, 0},
	{"steps", 0, "T",
		"length of the sequences that gradients are taken over (default: 100; where a whole sequence has one "
		"target, its own length)",
		2, 100000},
	{"units", 0, "K", "units that heat maps show, those that vary most (default: 24)", 1, 65536},
	{"columns", 0, "K", "steps that heat maps show (default: 200)", 2, 100000},
	{"seeds", 0, "K", "untrained networks of each kind to compare with (default: 5)", 1, 1000},
	{"record", 0, "N", "of pictures and sound: record N of the data that the model is judged by, where none is given (default: 0)", 0, 2147483647},
	{"of", 0, "CLASS", "of pictures: the class that is explained (default: the likeliest), or the number of an output from 0", 0, 0},
	{"beside", 0, "PICTURE", "of models that compare pictures: explained is what makes this one like PICTURE, the cosine of the angle between their embeddings", 0, 0},
	{"pixel", 0, "ROW,COLUMN", "of pictures: whose class is explained, where each pixel has one (default: in the middle)", 0, 0},
	{"box", 0, "N", "of pictures in which objects are found: the box that is explained, the surest is 0 (default: the surest, with --of of that class)", 0, 1000},
	{"layer", 0, "LAYER",
		"of pictures: for Grad-CAM, the unit and what channels like (default: the coarsest of at least 4 x 4 positions)", 0, 0},
	{"unit", 0, "CHANNEL,ROW,COLUMN", "of pictures: the unit of that layer that is shown (default: the one that counts most)", 0, 0},
	{"window", 0, "PIXELS", "of pictures: height and width of what is covered (default: a seventh of the longer side)", 1, 100000},
	{"records", 0, "K", "of pictures: training pictures that are looked at, evenly over all; 0: none (default: 2000)", 0, 2147483647},
	OPTION_THREADS,
	OPTION_LIMIT,
	OPTION_JSON("one JSON object: model, gradient_norms, files; of a picture what the page says"),
	{0},
};

const cli_verb verb_inspect = {
	.name = "inspect",
	.line = "show what happens inside a network, and what in a picture or text an answer comes from",
	.operands = "MODEL [PICTURE|SOUND|FILM|TEXT-FILE]",
	.min_operands = 1,
	.max_operands = 2,
	.about = "Of a model that takes pictures (to classify, to tell numbers, or a class for each pixel):\n"
		 "why.html, a page that shows what one of its answers comes from, with all its pictures as\n"
		 "PNG files beside it: saliency, integrated gradients, occlusion, Grad-CAM; what a unit\n"
		 "sees and which training pictures it likes best; the nearest training pictures; filters and\n"
		 "feature maps.\n\n"
		 "Of a model that transcribes recordings or lines of writing: transcript.html, a page that shows\n"
		 "when it says what, how sure it is of each label at every step, and what each comes from. Of one\n"
		 "that classifies recordings, asked with one or --record: heard.html, a page that shows which part\n"
		 "of the sound each of the likeliest classes comes from.\n\n"
		 "Of an auto-encoder of pictures: rebuilt.html, a page that shows pictures of its data and what\n"
		 "it makes of them, the numbers of its bottleneck as a map, and whose errors are large.\n\n"
		 "Of a model that writes captions, and says where it looks (an output `attention`): looks.html, a\n"
		 "page that shows at which places of the picture, or which frames of the film, it looks for each\n"
		 "word. Of one that classifies films: on which frames and pixels its answer depends; of one that\n"
		 "tags their frames, asked with a film or --record: on which frames each segment's tag depends.\n\n"
		 "Of a model that classifies texts: words.html, a page that shows which words each answer comes\n"
		 "from (TEXT-FILE: a text a line; without any, 16 texts of its own data).\n\n"
		 "Runs a text, or samples of the model's own data, through a trained network with recurrent\n"
		 "layers and writes, as SVG pictures with the same numbers as CSV beside them:\n\n"
		 "gradient-norms  the norm of d loss(T) / d state(t) over t: how much of what is wrong at\n"
		 "the end reaches the memory of long ago; of the model, and of plain rnn, lstm and gru\n"
		 "layers of its size before any training.\n\n"
		 "LAYER  one heat map for each recurrent layer: its gates, cell and hidden states over the\n"
		 "characters, and how likely the model held each of them. In the labels a space is a middle\n"
		 "dot, a line end a pilcrow, the end mark a currency sign.",
	.options = options,
	.examples = "  engram inspect lenet5.safetensors shoe.png -o inside\n"
		    "  engram inspect lenet5.safetensors --record 17 --of Bag -o inside\n"
		    "  engram inspect autoencoder.safetensors -o inside\n"
		    "  engram inspect speech-digits.safetensors call.wav -o inside\n"
		    "  engram inspect caption.safetensors --record 3 -o inside\n"
		    "  engram inspect motion.safetensors film.y4m -o inside\n"
		    "  engram inspect faces.safetensors door.png --beside pass.png -o inside\n"
		    "  engram inspect char-lstm.safetensors --text 'ROMEO: O, she doth teach' -o inside\n"
		    "  engram inspect char-lstm.safetensors play.txt -o inside --steps 200\n"
		    "  engram inspect sentiment-en.safetensors --text 'a film to see again' -o inside\n"
		    "  engram inspect adding.safetensors -o inside --json\n",
	.run = run,
};
