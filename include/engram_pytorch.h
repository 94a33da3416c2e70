/* engram_pytorch.h - weights as PyTorch has them: safetensors with the names of a state dict ("fc.weight",
 * "rnn.weight_ih_l0_reverse", "bn.running_mean"), to and from the layers of a recipe. Part of libengram_io.
 *
 * Gates of recurrent layers are brought into the order of the other side, and its two biases are one of ours, but for
 * the n of a gru. A layer that PyTorch has not (peepholes, coupled gates, other activations ...) is refused by name. */
#ifndef ENGRAM_PYTORCH_H
#define ENGRAM_PYTORCH_H

#include "engram.h"

#ifdef __cplusplus
extern "C" {
#endif

/* All weights of the parameters from a file. A module goes to the layer that it is named as; else to the first layer,
 * in the graph's order, whose weights have its kind and shapes, modules being taken by their names, numbers as numbers.
 * Where several fit whose names differ in more than numbers, they must be said: map, "LAYER=MODULE", NULL-terminated
 * (NULL: none). What is left on either side is an error that names it with its shapes; then nothing has been changed.
 * tell (may be NULL): which module went to which layer. */
EG_API eg_status eg_pytorch_read(const char *path, const eg_graph *g, eg_params *p, const char *const *map,
	void (*tell)(void *user, const char *layer, const char *module), void *user, eg_error *err);

/* And back: a state dict whose modules are named as the layers. */
EG_API eg_status eg_pytorch_write(const char *path, const eg_graph *g, eg_params *p, eg_error *err);

#ifdef __cplusplus
}
#endif
#endif
