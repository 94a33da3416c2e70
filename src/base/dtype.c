/* dtype.c - the types of numbers: how large they are, and what they are called. */
#include "base/base.h"

size_t eg_dtype_size(eg_dtype type) {
	static const size_t sizes[EG_DTYPES] = {sizeof(real), sizeof(int32_t), sizeof(int64_t), 1, 1, sizeof(double), 2, 2};
	return (int)type >= 0 && (int)type < EG_DTYPES ? sizes[type] : 0;
}

const char *eg_dtype_name(eg_dtype type) {
	static const char *const names[EG_DTYPES] = {"EG_F32", "EG_I32", "EG_I64", "EG_U8", "EG_BOOL", "EG_F64", "EG_F16", "EG_BF16"};
	return (int)type >= 0 && (int)type < EG_DTYPES ? names[type] : "of an unknown type";
}
