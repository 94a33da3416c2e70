/* lenet.c - LeNet-5 (LeCun et al. 1998) on Fashion-MNIST, written against the installed library:
 *
 *     cc -O2 lenet.c $(pkg-config --cflags --libs engram_io) -o lenet && ./lenet [SOURCE] [EPOCHS]
 *
 * SOURCE is a data set of `engram data list` (fashion-mnist by default; fetch it with `engram data get
 * fashion-mnist`). */
#include <engram.h>
#include <engram_data.h>
#include <engram_ops.h>
#include <engram_train.h>

#include <stdio.h>
#include <stdlib.h>

static eg_graph *lenet5(eg_context *ctx, int classes, eg_error *err) {
	eg_graph *g = eg_graph_new(ctx, err);
	if (!g) return NULL;
	eg_tensor x = eg_input(g, "image", EG_F32, EG_DIMS(EG_N, 1, 28, 28));
	eg_tensor label = eg_input(g, "label", EG_I32, EG_DIMS(EG_N));
	eg_tensor h = eg_maxpool2d(g, eg_relu(g, eg_conv2d(g, x, .filters = 6, .kernel = {5, 5}, .padding = {2, 2})), .kernel = {2, 2});
	h = eg_maxpool2d(g, eg_relu(g, eg_conv2d(g, h, .filters = 16, .kernel = {5, 5})), .kernel = {2, 2});
	h = eg_flatten(g, eg_relu(g, eg_conv2d(g, h, .filters = 120, .kernel = {5, 5})));
	h = eg_relu(g, eg_linear(g, h, .units = 84));
	eg_tensor logits = eg_linear(g, h, .units = classes);
	eg_output(g, "logits", logits);
	eg_output(g, "loss", eg_cross_entropy(g, logits, label));
	return g;
}

static bool show(void *user, const eg_epoch_report *r) {
	(void)user;
	printf("epoch %d/%d  loss %.4f  accuracy %.4f  %.0f pictures/s\n", r->epoch, r->epochs, r->loss, r->train[0], r->samples_per_second);
	return true; /* go on */
}

static int fail(const char *message) {
	fprintf(stderr, "lenet: %s\n", message);
	return 1;
}

int main(int argc, char **argv) {
	const char *source = argc > 1 ? argv[1] : "fashion-mnist";
	eg_error err;
	int result = 1;
	eg_pictures *train = NULL, *test = NULL;
	eg_picture_dataset *train_set = NULL, *test_set = NULL;
	eg_context *ctx = eg_context_new(NULL, &err);
	if (!ctx) return fail(err.message);
	eg_graph *g = NULL;
	eg_params *p = NULL;
	if (eg_data_load(source, "train", NULL, &train, &err) || eg_data_load(source, "test", NULL, &test, &err)) {
		fail(err.message);
		goto done;
	}
	eg_picture_scale scale = {{0}, {0}}; /* byte / 255 */
	train_set = eg_picture_dataset_new(train, NULL, 0, &scale, "image", "label", &err);
	test_set = eg_picture_dataset_new(test, NULL, 0, &scale, "image", "label", &err);
	g = train_set && test_set ? lenet5(ctx, train->classes, &err) : NULL;
	p = g ? eg_params_new(g, 1, &err) : NULL;
	if (!p) {
		fail(err.message);
		goto done;
	}
	eg_train_config config = {.epochs = argc > 2 ? atoi(argv[2]) : 5, .batch = 64, .seed = 1,
		.optimizer = {.kind = EG_ADAM, .lr = 2e-3}, .schedule = {.kind = EG_SCHEDULE_COSINE}};
	eg_train_callbacks callbacks = {.epoch = show};
	double loss, accuracy;
	eg_judge *judge = eg_judge_classes_new(g, "logits", "label", &err); /* counts what was right */
	if (!judge || eg_train(g, p, &config, eg_picture_dataset_get(train_set), NULL, NULL, NULL, &callbacks, NULL, &err) ||
		eg_evaluate(g, p, NULL, 256, eg_picture_dataset_get(test_set), judge, &loss, &err)) {
		fail(err.message);
	} else {
		judge->values(judge->user, &accuracy);
		printf("test: loss %.4f, accuracy %.4f\n", loss, accuracy);
		result = 0;
	}
	eg_judge_classes_free(judge);
done:
	eg_params_free(p);
	eg_graph_free(g);
	eg_picture_dataset_free(train_set);
	eg_picture_dataset_free(test_set);
	eg_pictures_free(train);
	eg_pictures_free(test);
	eg_context_free(ctx);
	return result;
}
