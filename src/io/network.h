/* network.h - a recipe that becomes a graph: what network.c and network_losses.c share. Tensors that there are not have
 * the id 0; where that is a mistake, it stands in n->err. */
#ifndef ENGRAM_IO_NETWORK_H
#define ENGRAM_IO_NETWORK_H

#include "io/recipe.h"

/* What the network's tensors are called while it is built. */
typedef struct eg_building {
	const eg_recipe *recipe;
	eg_graph *graph;
	const eg_size *sizes;
	int64_t open[EG_RECIPE_WORDS]; /* the graph's numbers for the recipe's words; 0: not yet asked for */
	eg_tensor inputs[EG_RECIPE_INPUTS];
	eg_tensor lengths[EG_RECIPE_WORDS]; /* of a first size; 0: nobody wants them */
	eg_tensor *outputs;                 /* of each layer, the first one */
	const char *cell;                   /* of the body of a cell: its name */
	eg_tensor losses[EG_RECIPE_LOSSES], means[EG_RECIPE_LOSSES]; /* what is trained on, what is told */
	eg_arena *arena;
	eg_error *err;
} eg_building;

/* What a word stands for; 0: nothing here. */
int eg_building_size(const eg_building *n, const char *word);
/* Are the sizes stand-ins (the size of the entry that ends the list says so), which no number need agree with? */
bool eg_building_guessed(const eg_building *n);
/* The recipe's word that this size of the graph is; -1: none. */
int eg_building_word(const eg_building *n, int64_t d);
/* The options with numbers in the place of words; NULL with a message: a word stands for nothing. */
const void *eg_building_options(const eg_building *n, const eg_layer *layer);
/* How long each sample is along a first size. */
eg_tensor eg_building_lengths(eg_building *n, int word);
/* What a link names; `tree` is where it stands. */
eg_tensor eg_building_linked(eg_building *n, const eg_link *link, const eg_tree *tree);
/* The operator of a layer on these inputs. */
eg_tensor eg_building_apply(eg_building *n, const eg_layer *layer, const eg_tensor *from, int count);

/* ---- network_losses.c -------------------------------------------------------------------------------------------- */

/* Loss number i, of layers that are there. */
eg_status eg_building_add_loss(eg_building *n, int i);
/* The outputs "loss" and "loss.sum", of all losses and their weights, and each loss where there are several. */
void eg_building_add_objective(eg_building *n);

#endif
