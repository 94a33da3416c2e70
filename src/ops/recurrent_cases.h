/* recurrent_cases.h - cases of rnn, lstm and gru for the generic tester: every attribute at least once, unsorted
 * lengths with 0 and 1 and more than there are steps, one step, one sample, extents that are no multiple of a
 * vector. Included by recurrent.c
 * alone. */

#define RNN(...) \
	&(const rnn_options) { __VA_ARGS__ }
#define LSTM(...) \
	&(const lstm_options) { __VA_ARGS__ }
#define GRU(...) \
	&(const gru_options) { __VA_ARGS__ }
#define ABSENT \
	{ \
		-1, { \
			0 \
		} \
	}

static const int32_t three_lengths[] = {2, 0, 5}, other_lengths[] = {3, 1, 4}, four_lengths[] = {1, 6, 0, 3};
static const int32_t many_lengths[] = {3, 0, 1, 7, 4, 4, 2, 9, 1, 0, 5, -1, 3, 2, 4, 1, 2};

static const eg_case rnn_cases[] = {
	{"plain", RNN(.hidden = 7), .in = {OP_DIMS(EG_T, EG_N, 5)}, .nin = 1, .batch = 3, .time = 4},
	{"two layers, both ways, relu, lengths, states",
		RNN(.hidden = 6, .layers = 2, .bidirectional = true, .activation = 1),
		.in = {OP_DIMS(EG_T, EG_N, 2), OP_DIMS(EG_N), OP_DIMS(4, EG_N, 6)}, .type = {EG_F32, EG_I32},
		.values = OP_VALUES(NULL, three_lengths), .nin = 3, .batch = 3, .time = 5},
	{"reverse, sigmoid, no bias, fixed shape", RNN(.hidden = 3, .reverse = true, .activation = 2, .no_bias = true),
		.in = {OP_DIMS(6, 4, 5), OP_DIMS(4)}, .type = {EG_F32, EG_I32}, .values = OP_VALUES(NULL, four_lengths),
		.nin = 2, .batch = 2},
	{"norm, decay, both dropouts",
		RNN(.hidden = 5, .layers = 2, .dropout = 0.3f, .recurrent_dropout = 0.4f, .layer_norm = true,
			.decay = true, .activation = 3),
		.in = {OP_DIMS(EG_T, EG_N, 11), OP_DIMS(EG_N), OP_DIMS(2, EG_N, 5), OP_DIMS(EG_T, EG_N)},
		.type = {EG_F32, EG_I32}, .values = OP_VALUES(NULL, three_lengths), .nin = 4, .batch = 3, .time = 4,
		.random = true},
	{"zoneout, both ways, lengths", RNN(.hidden = 5, .bidirectional = true, .layers = 2, .zoneout = 0.4f),
		.in = {OP_DIMS(EG_T, EG_N, 3), OP_DIMS(EG_N), OP_DIMS(4, EG_N, 5)}, .type = {EG_F32, EG_I32},
		.values = OP_VALUES(NULL, three_lengths), .nin = 3, .batch = 3, .time = 5, .random = true},
	{"most layers, both ways, both dropouts",
		RNN(.hidden = 2, .layers = RECURRENT_LAYERS, .bidirectional = true, .dropout = 0.2f, .recurrent_dropout = 0.2f,
			.decay = true),
		.in = {OP_DIMS(EG_T, EG_N, 5), OP_DIMS(EG_N), OP_DIMS(2 * RECURRENT_LAYERS, EG_N, 2), OP_DIMS(EG_T, EG_N)},
		.type = {EG_F32, EG_I32}, .values = OP_VALUES(NULL, three_lengths), .nin = 4, .batch = 3, .time = 4,
		.random = true},
};

static const eg_case lstm_cases[] = {
	{"plain", LSTM(.hidden = 7), .in = {OP_DIMS(EG_T, EG_N, 5)}, .nin = 1, .batch = 3, .time = 4},
	{"one step, one sample", LSTM(.hidden = 19),
		.in = {OP_DIMS(EG_T, EG_N, 6), ABSENT, OP_DIMS(1, EG_N, 19), OP_DIMS(EG_N, 19)},
		.type = {EG_F32, EG_I32}, .nin = 4, .batch = 1, .time = 1},
	{"states of one layer", LSTM(.hidden = 5),
		.in = {OP_DIMS(EG_T, EG_N, 4), OP_DIMS(EG_N), OP_DIMS(EG_N, 5), OP_DIMS(EG_N, 5)},
		.type = {EG_F32, EG_I32}, .values = OP_VALUES(NULL, three_lengths), .nin = 4, .batch = 3, .time = 6},
	{"two layers, 17 samples, lengths", LSTM(.hidden = 18, .layers = 2),
		.in = {OP_DIMS(EG_T, EG_N, 9), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32}, .values = OP_VALUES(NULL, many_lengths),
		.nin = 2, .batch = 17, .time = 5},
	{"both ways, lengths, states, projection",
		LSTM(.hidden = 7, .bidirectional = true, .projection = 4, .layers = 2),
		.in = {OP_DIMS(EG_T, EG_N, 3), OP_DIMS(EG_N), OP_DIMS(4, EG_N, 4), OP_DIMS(4, EG_N, 7)},
		.type = {EG_F32, EG_I32}, .values = OP_VALUES(NULL, four_lengths), .nin = 4, .batch = 4, .time = 5},
	{"sum of both ways", LSTM(.hidden = 5, .bidirectional = true, .merge = 1, .layers = 2),
		.in = {OP_DIMS(EG_T, EG_N, 2), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32},
		.values = OP_VALUES(NULL, three_lengths), .nin = 2, .batch = 3, .time = 4},
	{"reverse, peephole, clip, other activations",
		LSTM(.hidden = 6, .reverse = true, .peephole = true, .cell_clip = 0.4f, .activation = 2,
			.gate_activation = 1, .output_activation = 3, .no_bias = true, .layers = 2),
		.in = {OP_DIMS(EG_T, EG_N, 4), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32},
		.values = OP_VALUES(NULL, three_lengths), .nin = 2, .batch = 3, .time = 5},
	{"coupled, peephole, decay", LSTM(.hidden = 6, .coupled = true, .peephole = true, .decay = true),
		.in = {OP_DIMS(EG_T, EG_N, 2), OP_DIMS(EG_N), OP_DIMS(1, EG_N, 6), OP_DIMS(1, EG_N, 6),
			OP_DIMS(EG_T, EG_N)},
		.type = {EG_F32, EG_I32}, .values = OP_VALUES(NULL, four_lengths), .nin = 5, .batch = 4, .time = 3},
	{"layer norm, projection, lengths", LSTM(.hidden = 6, .layer_norm = true, .projection = 9, .layers = 2),
		.in = {OP_DIMS(EG_T, EG_N, 5), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32}, .values = OP_VALUES(NULL, four_lengths),
		.nin = 2, .batch = 4, .time = 3},
	{"both dropouts",
		LSTM(.hidden = 6, .layers = 3, .dropout = 0.3f, .recurrent_dropout = 0.5f, .bidirectional = true),
		.in = {OP_DIMS(EG_T, EG_N, 5)}, .nin = 1, .batch = 3, .time = 4, .random = true},
	{"layer norm, both dropouts, fixed shape",
		LSTM(.hidden = 5, .layers = 2, .dropout = 0.2f, .recurrent_dropout = 0.3f, .layer_norm = true,
			.forget_bias = -0.5f),
		.in = {OP_DIMS(4, 3, 7)}, .nin = 1, .batch = 2, .random = true},
	{"zoneout, projection, peephole, decay, lengths, states",
		LSTM(.hidden = 6, .projection = 4, .peephole = true, .decay = true, .zoneout = 0.3f, .cell_zoneout = 0.5f),
		.in = {OP_DIMS(EG_T, EG_N, 3), OP_DIMS(EG_N), OP_DIMS(1, EG_N, 4), OP_DIMS(1, EG_N, 6), OP_DIMS(EG_T, EG_N)},
		.type = {EG_F32, EG_I32}, .values = OP_VALUES(NULL, four_lengths), .nin = 5, .batch = 4, .time = 5, .random = true},
	{"zoneout of the cell alone, layer norm, both ways, recurrent dropout",
		LSTM(.hidden = 19, .layers = 2, .bidirectional = true, .layer_norm = true, .recurrent_dropout = 0.2f, .cell_zoneout = 0.4f),
		.in = {OP_DIMS(EG_T, EG_N, 4)}, .nin = 1, .batch = 3, .time = 4, .random = true},
	{"zoneout, two layers", LSTM(.hidden = 5, .layers = 2, .zoneout = 0.5f), .in = {OP_DIMS(EG_T, EG_N, 4)}, .nin = 1, .batch = 17, .time = 4,
		.random = true},
	/* too many samples for central differences: ties */
	{"several chunks of time", LSTM(.hidden = 9, .layers = 2), .in = {OP_DIMS(EG_T, EG_N, 2)}, .nin = 1,
		.batch = 811, .time = 18, .ties = true},
	{"most layers, both ways, both dropouts",
		LSTM(.hidden = 3, .layers = RECURRENT_LAYERS, .bidirectional = true, .dropout = 0.2f, .recurrent_dropout = 0.2f,
			.decay = true, .peephole = true, .projection = 2),
		.in = {OP_DIMS(EG_T, EG_N, 5), OP_DIMS(EG_N), OP_DIMS(2 * RECURRENT_LAYERS, EG_N, 2),
			OP_DIMS(2 * RECURRENT_LAYERS, EG_N, 3), OP_DIMS(EG_T, EG_N)},
		.type = {EG_F32, EG_I32}, .values = OP_VALUES(NULL, other_lengths), .nin = 5, .batch = 3, .time = 4,
		.random = true},
};

static const eg_case gru_cases[] = {
	{"an open length", GRU(.hidden = 6, .bidirectional = true), .in = {OP_DIMS(EG_NAMED, EG_N, 5), OP_DIMS(EG_N)},
		.type = {EG_F32, EG_I32}, .nin = 2, .batch = 3, .sizes = OP_SIZES({"length", 4}), .limit = 5},
	{"rows of steps", GRU(.hidden = 6), .in = {OP_DIMS(EG_NAMED, EG_TN, 5)}, .nin = 1, .batch = 3, .time = 2,
		.sizes = OP_SIZES({"length", 4})},
	{"plain", GRU(.hidden = 7), .in = {OP_DIMS(EG_T, EG_N, 5)}, .nin = 1, .batch = 3, .time = 4},
	{"one step, one sample, reset before", GRU(.hidden = 17, .reset = 1), .in = {OP_DIMS(EG_T, EG_N, 6)}, .nin = 1,
		.batch = 1, .time = 1},
	{"both ways, lengths, states", GRU(.hidden = 6, .layers = 2, .bidirectional = true),
		.in = {OP_DIMS(EG_T, EG_N, 2), OP_DIMS(EG_N), OP_DIMS(4, EG_N, 6)}, .type = {EG_F32, EG_I32},
		.values = OP_VALUES(NULL, four_lengths), .nin = 3, .batch = 4, .time = 5},
	{"reset before, write, both ways summed",
		GRU(.hidden = 5, .reset = 1, .update = 1, .bidirectional = true, .merge = 1),
		.in = {OP_DIMS(EG_T, EG_N, 2), OP_DIMS(EG_N), OP_DIMS(2, EG_N, 5)}, .type = {EG_F32, EG_I32},
		.values = OP_VALUES(NULL, three_lengths), .nin = 3, .batch = 3, .time = 4},
	{"write, no bias, 17 samples, other activations",
		GRU(.hidden = 18, .update = 1, .no_bias = true, .activation = 1, .gate_activation = 1),
		.in = {OP_DIMS(EG_T, EG_N, 9), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32}, .values = OP_VALUES(NULL, many_lengths),
		.nin = 2, .batch = 17, .time = 5},
	{"reset before, decay, dropout", GRU(.hidden = 6, .reset = 1, .decay = true, .recurrent_dropout = 0.3f),
		.in = {OP_DIMS(EG_T, EG_N, 2), OP_DIMS(EG_N), OP_DIMS(EG_N, 6), OP_DIMS(EG_T, EG_N)},
		.type = {EG_F32, EG_I32}, .values = OP_VALUES(NULL, four_lengths), .nin = 4, .batch = 4, .time = 5,
		.random = true},
	{"reset after, decay, both dropouts, norm",
		GRU(.hidden = 5, .layers = 2, .decay = true, .dropout = 0.4f, .recurrent_dropout = 0.3f,
			.layer_norm = true),
		.in = {OP_DIMS(EG_T, EG_N, 11), OP_DIMS(EG_N), OP_DIMS(2, EG_N, 5), OP_DIMS(EG_T, EG_N)},
		.type = {EG_F32, EG_I32}, .values = OP_VALUES(NULL, three_lengths), .nin = 4, .batch = 3, .time = 4,
		.random = true},
	{"reset before, norm, reverse", GRU(.hidden = 6, .reset = 1, .layer_norm = true, .reverse = true),
		.in = {OP_DIMS(EG_T, EG_N, 11), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32},
		.values = OP_VALUES(NULL, three_lengths), .nin = 2, .batch = 3, .time = 4},
	{"zoneout, reset before, lengths", GRU(.hidden = 6, .layers = 2, .reset = 1, .zoneout = 0.4f),
		.in = {OP_DIMS(EG_T, EG_N, 5), OP_DIMS(EG_N), OP_DIMS(2, EG_N, 6)}, .type = {EG_F32, EG_I32},
		.values = OP_VALUES(NULL, four_lengths), .nin = 3, .batch = 4, .time = 5, .random = true},
	{"zoneout, decay, norm, backwards", GRU(.hidden = 18, .reverse = true, .layer_norm = true, .decay = true, .zoneout = 0.3f),
		.in = {OP_DIMS(EG_T, EG_N, 4), ABSENT, ABSENT, OP_DIMS(EG_T, EG_N)}, .type = {EG_F32, EG_I32}, .nin = 4, .batch = 3, .time = 4, .random = true},
	{"most layers, both ways, both dropouts",
		GRU(.hidden = 2, .layers = RECURRENT_LAYERS, .bidirectional = true, .dropout = 0.2f, .recurrent_dropout = 0.2f,
			.decay = true),
		.in = {OP_DIMS(EG_T, EG_N, 5), OP_DIMS(EG_N), OP_DIMS(2 * RECURRENT_LAYERS, EG_N, 2), OP_DIMS(EG_T, EG_N)},
		.type = {EG_F32, EG_I32}, .values = OP_VALUES(NULL, three_lengths), .nin = 4, .batch = 3, .time = 4,
		.random = true},
};
