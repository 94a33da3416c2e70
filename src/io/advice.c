/* advice.c - what of a recipe can be built and trained, but hardly means what its writer thinks: layers before a loss
 * that already contains them, or that leave it too little room.
 *
 * What an operator's output ranges over, and what a loss contains, the operators say. Not here: what cannot be built
 * (network.c), what depends on the data (src/tasks/advice.c). */
#include "io/recipe.h"

#include <math.h>
#include <string.h>

/* The layer that limits what `link` names, through others that leave numbers as they are; NULL: none does. */
static const eg_layer *limit_of(const eg_recipe *r, eg_link link, eg_range *range) {
	while (link.kind == EG_LINK_LAYER && link.output == 0) {
		const eg_layer *layer = &r->layers[link.index];
		*range = eg_op_range(layer->op, layer->options);
		if (range->kind == EG_RANGE_LIMITED) return layer;
		if (range->kind != EG_RANGE_OF_INPUT || layer->nfrom < 1) return NULL;
		link = layer->from[0];
	}
	return NULL;
}

bool eg_recipe_limits(const eg_recipe *r, int i, const char **layer, double *low, double *high) {
	eg_range range = {0};
	const eg_layer *found = i >= 0 && i < r->nlosses ? limit_of(r, r->losses[i].of, &range) : NULL;
	if (!found) return false;
	*layer = found->name;
	*low = range.low, *high = range.high;
	return true;
}

/* A loss that makes probabilities itself, of numbers that are not free. */
static eg_status check_scores(const eg_loss *loss, const eg_layer *layer, const eg_range *range, eg_advise advise,
	void *user, eg_error *err) {
	const char *name = layer->name, *contains = loss->layer.op->contains;
	eg_error e = {0};
	if (!strcmp(layer->op->name, contains))
		return eg_tree_fail(err, layer->tree, EG_ERR_ARG,
		        "layer '%s' stands before the loss '%s', which contains %s itself: both together can hardly "
		        "learn; leave the layer out ('predict' tells probabilities all the same)",
		        name, loss->layer.op->name, contains);
	if (range->low >= 0 && range->high <= 1)
		return eg_tree_fail(err, layer->tree, EG_ERR_ARG,
		        "layer '%s' (%s) leaves the loss '%s' numbers from %g to %g only, but it makes probabilities "
		        "itself, by %s, of numbers of any size: leave the layer out",
		        name, layer->op->layer, loss->layer.op->name, range->low, range->high, contains);
	if (isfinite(range->high))
		eg_tree_fail(&e, layer->tree, EG_ERR_ARG,
		        "layer '%s' (%s) leaves the loss '%s' numbers from %g to %g only, with which it cannot be "
		        "sure of anything; end with `linear: classes` behind it",
		        name, layer->op->layer, loss->layer.op->name, range->low, range->high);
	else
		eg_tree_fail(&e, layer->tree, EG_ERR_ARG,
		        "layer '%s' (%s) leaves the loss '%s' nothing below %g: classes whose numbers are all cut "
		        "off cannot be told apart, and learn no more; leave the layer out",
		        name, layer->op->layer, loss->layer.op->name, range->low);
	advise(user, e.message);
	return EG_OK;
}

/* A loss that means nothing of numbers elsewhere. */
static eg_status check_judged(const eg_recipe *r, const eg_loss *loss, eg_error *err) {
	const eg_op_info *op = loss->layer.op;
	eg_range range;
	if (op->judges.kind != EG_RANGE_LIMITED) return EG_OK;
	if (limit_of(r, loss->of, &range) && range.low >= op->judges.low && range.high <= op->judges.high) return EG_OK;
	return eg_tree_fail(err, loss->layer.tree, EG_ERR_ARG,
	        "the loss '%s' judges numbers from %g to %g only, and the layers before it may give others; let '%s' be "
	        "the last layer, or take a loss that contains it",
	        op->name, op->judges.low, op->judges.high, op->judges_by);
}

eg_status eg_recipe_advise(const eg_recipe *r, eg_advise advise, void *user, eg_error *err) {
	for (int i = 0; i < r->nlosses; i++) {
		eg_range range;
		const eg_loss *loss = &r->losses[i];
		if (eg_loss_is_sum(loss->layer.op, loss->layer.options) && loss->layer.op->params)
			return eg_tree_fail(err, loss->layer.tree, EG_ERR_ARG,
			        "loss '%s': a sum over the sequences of a batch cannot be compared with that of "
			        "another "
			        "batch; leave 'reduction' out and make 'lr' larger by as much",
			        loss->layer.op->name);
		eg_status judged = check_judged(r, loss, err);
		if (judged) return judged;
		const eg_layer *layer = loss->layer.op->contains ? limit_of(r, loss->of, &range) : NULL;
		eg_status status = layer ? check_scores(loss, layer, &range, advise, user, err) : EG_OK;
		if (status) return status;
	}
	return EG_OK;
}
