/* vocab.h - a vocabulary as a model file keeps it: a JSON text. */
#ifndef ENGRAM_IO_VOCAB_H
#define ENGRAM_IO_VOCAB_H

#include "engram_text.h"
#include "io/tree.h"

/* The map that stands for v; a failure marks the builder. */
eg_tree *eg_vocab_to_tree(eg_tree_builder *b, const eg_vocab *v);
/* Messages begin with "damaged:". */
eg_status eg_vocab_from_tree(const eg_tree *t, eg_vocab **vocab, eg_error *err);

#endif
