/* idx.c - the IDX files of MNIST and its kind: a header of big-endian numbers, then the elements.
 *
 *   bytes 0-1  zero        byte 2  element type, 8: unsigned byte        byte 3  rank
 *   then a 32-bit size for each dimension, then the elements, the last dimension running fastest
 *
 * Only unsigned bytes are read, as nothing else is in use for labelled pictures. */
#include "data/data.h"

#include <limits.h>
#include <string.h>

static const char *type_name(int type) {
	switch (type) {
	case 0x09: return "signed bytes";
	case 0x0B: return "16-bit integers";
	case 0x0C: return "32-bit integers";
	case 0x0D: return "32-bit floats";
	case 0x0E: return "64-bit floats";
	}
	return "of no known type";
}

static int64_t big_endian(const uint8_t *p) {
	return (int64_t)((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);
}

static eg_status cut_off(const char *name, size_t got, int64_t want, eg_error *err) {
	return eg_fail(err, EG_ERR_FORMAT, "'%s' is cut off: it holds %zu bytes where its header promises %lld", name,
	        got, (long long)want);
}

static eg_status read_header(eg_reader *s, int min_rank, int max_rank, eg_idx *idx, eg_error *err) {
	const char *name = eg_reader_name(s);
	uint8_t head[4], sizes[4 * 4];
	size_t got;
	eg_status status = eg_reader_read(s, head, 4, &got, err);
	if (status != EG_OK) return status;
	if (got == 0) return eg_fail(err, EG_ERR_FORMAT, "'%s' is empty", name);
	if (got < 4 || head[0] != 0 || head[1] != 0)
		return eg_fail(err, EG_ERR_FORMAT,
		        "'%s' is not an IDX file: it does not begin with two zero bytes, type and rank", name);
	if (head[2] != 0x08)
		return eg_fail(err, EG_ERR_FORMAT,
		        "'%s' is an IDX file whose elements are %s (0x%02X); expected unsigned bytes "
		        "(0x08)",
		        name, type_name(head[2]), head[2]);
	if (head[3] < min_rank || head[3] > max_rank)
		return eg_fail(err, EG_ERR_FORMAT, "'%s' is an IDX file of rank %d; expected rank %d%s", name, head[3],
		        min_rank,
		        min_rank == 1 ? ": is it the file of pictures, not of labels?"
		                      : " (count, height, width) or 4: is it the file of labels, not of pictures?");
	idx->rank = head[3];
	status = eg_reader_read(s, sizes, 4 * (size_t)idx->rank, &got, err);
	if (status != EG_OK) return status;
	if (got < 4 * (size_t)idx->rank) return cut_off(name, 4 + got, 4 + 4 * idx->rank, err);
	idx->bytes = 1;
	for (int i = 0; i < idx->rank; i++) {
		idx->d[i] = big_endian(sizes + 4 * i);
		if (idx->d[i] == 0 || idx->d[i] > INT32_MAX || idx->d[i] > INT64_MAX / 16 / idx->bytes)
			return eg_fail(err, EG_ERR_FORMAT, "'%s' is damaged: dimension %d of its header is %lld", name,
			        i + 1, (long long)idx->d[i]);
		idx->bytes *= idx->d[i];
	}
	return EG_OK;
}

static eg_status read_elements(eg_reader *s, const eg_allocator *a, eg_idx *idx, eg_error *err) {
	const char *name = eg_reader_name(s);
	size_t got, head = 4 + 4 * (size_t)idx->rank;
	int64_t most = eg_reader_most(s);
	if (idx->bytes > most || (uint64_t)idx->bytes > SIZE_MAX / 2) /* before anything is allocated */
		return eg_fail(err, EG_ERR_FORMAT,
		        "'%s' is cut off: its header promises %lld bytes, but so many cannot be in a file of "
		        "this size",
		        name, (long long)idx->bytes);
	idx->data = eg_block_new(a, (size_t)idx->bytes); /* huge pages: pictures are read in random order */
	if (!idx->data)
		return eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': no memory for its %lld bytes", name,
		        (long long)idx->bytes);
	eg_status status = eg_reader_read(s, idx->data, (size_t)idx->bytes, &got, err);
	if (status != EG_OK) return status;
	if ((int64_t)got < idx->bytes) return cut_off(name, head + got, (int64_t)head + idx->bytes, err);
	uint8_t more;
	status = eg_reader_read(s, &more, 1, &got, err); /* also makes the gzip checksum be looked at */
	if (status != EG_OK) return status;
	if (got > 0)
		return eg_fail(err, EG_ERR_FORMAT,
		        "'%s' is damaged: more follows after the %lld bytes that its header promises", name,
		        (long long)head + idx->bytes);
	return EG_OK;
}

eg_status eg_idx_read(eg_reader *s, const eg_allocator *a, int min_rank, int max_rank, eg_idx *idx, eg_error *err) {
	*idx = (eg_idx){0};
	eg_status status = read_header(s, min_rank, max_rank, idx, err);
	if (status == EG_OK) status = read_elements(s, a, idx, err);
	if (status != EG_OK) {
		eg_block_free(a, idx->data);
		idx->data = NULL;
	}
	return status;
}

/* Turns bytes into checked labels. *classes 0 is set to the highest label + 1. */
static eg_status make_labels(
	const char *name, const eg_idx *idx, int64_t count, int *classes, int32_t *labels, eg_error *err) {
	int highest = 0;
	for (int64_t i = 0; i < count; i++) {
		int label = idx->data[i];
		if (*classes > 0 && label >= *classes)
			return eg_fail(err, EG_ERR_FORMAT,
			        "'%s': label %lld (counted from 0) is %d, but there are only %d classes, "
			        "0 to %d",
			        name, (long long)i, label, *classes, *classes - 1);
		if (label > highest) highest = label;
		labels[i] = label;
	}
	if (*classes == 0) *classes = highest + 1;
	return EG_OK;
}

static eg_status check_pictures(
	const char *images, const char *labels, const eg_idx *px, const eg_idx *lb, eg_error *err) {
	int64_t C = px->rank == 4 ? px->d[1] : 1;
	if (px->d[0] != lb->d[0])
		return eg_fail(err, EG_ERR_FORMAT, "'%s' holds %lld pictures, but '%s' holds %lld labels", images,
		        (long long)px->d[0], labels, (long long)lb->d[0]);
	if (C != 1 && C != 3)
		return eg_fail(err, EG_ERR_FORMAT,
		        "'%s': pictures have %lld channels; expected (count, channels, height, width) "
		        "with 1 or 3 channels",
		        images, (long long)C);
	return EG_OK;
}

eg_status eg_idx_pictures(eg_reader *images, eg_reader *labels, int classes, const char *const *names, int64_t limit,
	const eg_allocator *a, eg_pictures **out, eg_error *err) {
	const char *image_name = eg_reader_name(images), *label_name = eg_reader_name(labels);
	eg_idx px = {0}, lb = {0};
	int32_t *values = NULL;
	*out = NULL;
	eg_status status = eg_idx_read(labels, a, 1, 1, &lb, err); /* the small one first: mistakes are told sooner */
	if (status == EG_OK) status = eg_idx_read(images, a, 3, 4, &px, err);
	if (status == EG_OK) status = check_pictures(image_name, label_name, &px, &lb, err);
	if (status != EG_OK) goto done;
	int64_t count = limit > 0 && limit < px.d[0] ? limit : px.d[0];
	values = eg_calloc(a, (size_t)count, sizeof *values);
	if (!values) goto memory;
	status = make_labels(label_name, &lb, count, &classes, values, err);
	if (status != EG_OK) goto done;
	int rank = px.rank;
	eg_pictures shape = {.count = count,
	        .C = rank == 4 ? (int)px.d[1] : 1,
	        .H = (int)px.d[rank - 2],
	        .W = (int)px.d[rank - 1],
	        .pixels = px.data,
	        .labels = values,
	        .classes = classes};
	px.data = NULL, values = NULL; /* eg_pictures_new takes them over */
	*out = eg_pictures_new(a, &shape, names);
	if (*out) goto done;
memory:
	status = eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", image_name);
done:
	eg_release(a, values);
	eg_block_free(a, px.data);
	eg_block_free(a, lb.data);
	return status;
}

eg_status eg_idx_load(const char *images, const char *labels, int classes, const char *const *names, int64_t limit,
	const eg_allocator *a, eg_pictures **out, eg_error *err) {
	eg_reader *lb, *px = NULL;
	*out = NULL;
	eg_status status = eg_reader_file(labels, &lb, err);
	if (!status) status = eg_reader_file(images, &px, err);
	if (!status) status = eg_idx_pictures(px, lb, classes, names, limit, a, out, err);
	eg_reader_close(px);
	eg_reader_close(lb);
	return status;
}
