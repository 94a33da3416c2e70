/* ref.c - the table of plain C kernels: it fills every slot. The kernels themselves are in ref_*.c. */
#include "kern/recurrent.h"
#include "kern/ref.h"

void eg_kernels_ref(eg_kernels *k) {
	k->name = "ref";
	fill_gemm__ref(k);
	fill_conv__ref(k);
	fill_conv_blocked__ref(k);
	fill_pool__ref(k);
	fill_places__ref(k);
	fill_resample__ref(k);
	fill_roi_align__ref(k);
	fill_map__ref(k);
	fill_unary__ref(k);
	fill_binary__ref(k);
	fill_reduce__ref(k);
	fill_strided__ref(k);
	fill_cast__ref(k);
	fill_index__ref(k);
	fill_lines__ref(k);
	fill_batchnorm__ref(k);
	fill_norm__ref(k);
	fill_loss__ref(k);
	fill_sequence__ref(k);
	fill_loop__ref(k);
	fill_additive__ref(k);
	fill_element_loss__ref(k);
	fill_row_loss__ref(k);
	fill_contrast__ref(k);
	fill_overlap__ref(k);
	fill_ctc__ref(k);
	fill_crf__ref(k);
	fill_recurrent__ref(k);
	fill_optimizer__ref(k);
	fill_peak__ref(k);
	eg_kernels_recurrent(k);
}
