/* predict.c - engram predict: what a model answers, to files, folders, lines of standard input, texts
 * (predict_inputs.c), or to the records of its own data (predict_records.c). What a model takes and what its answers
 * look like is the task's business; here they are only handed on.
 *
 * Nothing of the training data is read, unless its records are what is asked about. */
#include "listen.h"
#include "onnx.h"
#include "predict.h"

#include <stdlib.h>
#include <string.h>

/* With ENGRAM_VERBOSE: the plan for one question. */
static void show_plan(const predict_job *j) {
	eg_task *t = NULL;
	eg_graph *g = eg_model_graph(j->model);
	if (cli_verbose() > 0 && !eg_task_open(eg_model_recipe(j->model), &t, NULL))
		cli_verbose_plan(g, eg_model_params(j->model),
		        &(eg_plan_options){.batch = 1, .time = CLI_OPEN_SIZE, .outputs = eg_task_outputs(t, g)});
	eg_task_free(t);
}

/* "output='DIR'", as a setting: in YAML's quotes. */
static char *folder_setting(const char *folder) {
	char *s = cli_alloc(2 * strlen(folder) + 16), *to = s;
	for (const char *c = "output='"; *c; c++) *to++ = *c;
	for (; *folder; folder++) {
		if (*folder == '\'') *to++ = '\'';
		*to++ = *folder;
	}
	*to = '\'';
	return s;
}

static bool prepare(predict_job *j) {
	eg_error err;
	const char *folder = args_text(j->args, "output");
	if (folder && !cli_make_folder(j->args, folder)) return false;
	char *output = folder ? folder_setting(folder) : NULL, **settings = args_settings(j->args, output);
	eg_status status = eg_predictor_new(j->model, NULL, (const char *const *)settings, &j->predictor, &err);
	args_settings_free(settings);
	free(output);
	if (!status && args_has(j->args, "why")) status = eg_why_open(j->model, &j->why, &err);
	if (!status) show_plan(j);
	const eg_field *fields;
	const bool one = !status && eg_predictor_fields(j->predictor, &fields) == 1;
	j->pictures = one && fields[0].kind == EG_FIELD_PICTURE;
	j->sounds = one && fields[0].kind == EG_FIELD_SOUND;
	j->films = !status && cli_reads_films(j->model, j->predictor);
	return !status || (fail_error("predict", &err), false);
}

static const char *const of_records[] = {"split", "data", "folder", "path", "truth"};

/* What cannot be asked for together. */
static bool check(const cli_args *a) {
	if (args_has(a, "path") && args_has(a, "folder"))
		return fail_usage("predict", "--path and --folder exclude each other"), false;
	if (a->noperands == 1 && !args_has(a, "text")) {
		if (args_has(a, "why")) return fail_usage("predict", "--why is about texts that are named, by --text or in files"), false;
		const char *invert = args_has(a, "invert") ? args_text(a, "invert") : "no";
		if (strcmp(invert, "yes") != 0) return true; /* records never are by themselves */
		fail_usage("predict", "--invert yes is about pictures that are named; records of the data are taken as they are");
		return false;
	}
	for (int i = 0; i < (int)(sizeof of_records / sizeof *of_records); i++) {
		if (!args_has(a, of_records[i])) continue;
		fail_usage("predict", "--%s is about the records of the data; leave the inputs out", of_records[i]);
		return false;
	}
	return true;
}

static int run(const cli_args *a) {
	if (eg_network_is(a->operands[0])) return onnx_predict(a);
	if (args_has(a, "input")) return fail_usage("predict", "--input is about networks of ONNX; %s is none", a->operands[0]);
	eg_film_options film;
	if (!check(a) || !cli_film_options(a, &film)) return CLI_USAGE;
	predict_job j = {.film = film, .args = a, .json = args_has(a, "json"), .truth = args_has(a, "truth"), .code = CLI_OK};
	eg_context *ctx = cli_context(a);
	j.model = ctx ? cli_model(a, a->operands[0], ctx) : NULL;
	if (!j.model || !prepare(&j))
		j.code = CLI_FAILED;
	else if (a->noperands > 1 || args_has(a, "text"))
		predict_inputs(&j);
	else
		predict_records(&j);
	eg_why_close(j.why);
	eg_predictor_free(j.predictor);
	eg_model_free(j.model);
	eg_context_free(ctx);
	return j.code;
}

static const cli_option options[] = {
	{"text", 0, "TEXT", "a text to be answered; may be repeated", 0, 0},
	{"why", 0, NULL, "of texts that are classified: which words the answer comes from, and how much each adds", 0, 0},
	{"split", 0, "train|validation|test",
		"answer the records of this part of the data (default: the part that eval judges by)", 0, 0},
	{"truth", 0, NULL, "records: what would be right, beside the answer", 0, 0},
	{"data", 0, "SOURCE", "records: another data set than the one the model was trained on", 0, 0},
	{"folder", 0, "DIR", "records: where the files of the data set lie", 0, 0},
	{"path", 0, "PATH", "records: your own, a file or a folder laid out as the data set's reader takes it", 0, 0},
	{"output", 'o', "DIR", "where answers that are files go; made when it is not there", 0, 0},
	{"input", 0, "NAME=FILE", "networks of ONNX: numbers of one input (.npy, .csv); may be repeated", 0, 0},
	OPTIONS_RAW_FRAMES,
	OPTIONS_RAW_SOUND,
	{"rate", 0, "N[:D]", "films that do not say it themselves: frames a second; raw sound: samples a second (default: as many "
		"as the model hears)", 0, 0},
	OPTION_THREADS,
	OPTION_LIMIT,
	OPTION_JSON("one JSON object an input: input, answer; of records input, id, group, answer, truth; of what "
		    "failed input, error"),
	{0},
};

const cli_verb verb_predict = {
	.name = "predict",
	.line = "say what a model answers",
	.operands = "MODEL [INPUT...]",
	.min_operands = 1,
	.max_operands = -1,
	.about = "Inputs are files, folders (every file in them, in the order of their names), and - for\n"
		 "standard input: a line each, unless the model takes what files hold as a whole. Files that\n"
		 "end in .json or .jsonl hold a line each too; one that begins with { is a map of the model's\n"
		 "fields by their names. What cannot be read is named, the rest is still done, and the exit\n"
		 "code is 1.\n\n"
		 "Models that take pictures take films too, frame by frame: Y4M (ffmpeg -i FILM NEW.y4m), and on\n"
		 "standard input Y4M or, with --size, raw frames; with --json each answer has a `frame`, from 0.\n"
		 "Models that take films read them as a whole: Y4M, folders of frames, and on standard input Y4M\n"
		 "or raw frames, without --size of the size that the model reads (grey, or rgb24). A model that\n"
		 "tags frames and goes in one direction says each tag as its frame comes in. Of captions of\n"
		 "films -o writes the film's summary, a page with key frames.\n\n"
		 "Models that transcribe sound and look back only take raw samples on standard input, signed\n"
		 "numbers of 16 bits at the model's rate if nothing else is said, and tell each word as soon as\n"
		 "it has been said, with the seconds where it begins and ends. With --json there is a line a word.\n\n"
		 "Without any input the records of the model's own data are answered, those of the part that\n"
		 "eval judges by.\n\n"
		 "A network without a task (a file of ONNX, or what import has made of one) takes numbers:\n"
		 ".npy, .csv without names, lines of JSON (a map of its inputs, or the only one's lists), or\n"
		 "--input; it answers with its outputs by name, with -o as .npy files.",
	.options = options,
	.answers = true,
	.next = "",
	.next_operands = "INPUT...",
	.examples = "  engram predict lenet5.safetensors boot.png\n"
		    "  engram predict lenet5.safetensors --top 1 --json *.jpg\n"
		    "  engram predict lenet5.safetensors --split test --truth --json\n"
		    "  engram predict intents.safetensors --text 'wake me at six'\n"
		    "  ffmpeg -i street.mp4 -f yuv4mpegpipe - | engram predict camvid.safetensors - -o coloured\n"
		    "  arecord -t raw -f S16_LE -r 8000 | engram predict speech-stream.safetensors -\n"
		    "  ffmpeg -i film.mp4 -vf scale=64:64 -pix_fmt gray -f rawvideo - | engram predict motion.safetensors -\n"
		    "  engram predict film-caption.safetensors film.y4m -o summary\n"
		    "  cat lines.txt | engram predict intents.safetensors -\n"
		    "  engram predict net.onnx x.npy --json\n",
	.run = run,
};
