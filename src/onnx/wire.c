/* wire.c - messages of protobuf before they are unpacked: that each part lies within the one around it, and how deeply
 * they are nested; and memory in proportion.
 *
 * protobuf-c unpacks by a function that calls itself, without an end, and takes some hundred bytes for a message of
 * two. What is checked here is what would go wrong in it. */
#ifdef ENGRAM_HAVE_ONNX

#include "onnx/proto.h"

/* The number at *at, which moves behind it; false: it does not end in time. */
static bool varint(const uint8_t **at, const uint8_t *end, uint64_t *v) {
	*v = 0;
	for (int shift = 0; shift < 70 && *at < end; shift += 7) {
		const uint8_t byte = *(*at)++;
		if (shift < 64) *v |= (uint64_t)(byte & 127) << shift;
		if (!(byte & 128)) return true;
	}
	return false;
}

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *kind, uint64_t id) {
	return id <= UINT32_MAX ? protobuf_c_message_descriptor_get_field(kind, (unsigned)id) : NULL;
}

/* What is wrong with it; NULL: nothing. */
static const char *wrong(const ProtobufCMessageDescriptor *kind, const uint8_t *at, const uint8_t *end, int depth) {
	if (depth > EG_ONNX_DEPTH) return "its parts are nested too deeply";
	while (at < end) {
		uint64_t tag, n;
		if (!varint(&at, end, &tag)) return "it is damaged or cut off";
		const ProtobufCFieldDescriptor *field = field_of(kind, tag >> 3);
		switch (tag & 7) {
		case 0:
			if (!varint(&at, end, &n)) return "it is damaged or cut off";
			break;
		case 1:
		case 5:
			n = (tag & 7) == 1 ? 8 : 4;
			if ((uint64_t)(end - at) < n) return "it is cut off";
			at += n;
			break;
		case 2: {
			if (!varint(&at, end, &n) || n > (uint64_t)(end - at)) return "it is damaged or cut off";
			const char *why = field && field->type == PROTOBUF_C_TYPE_MESSAGE ? wrong(field->descriptor, at, at + n, depth + 1) : NULL;
			if (why) return why;
			at += n;
			break;
		}
		default: return "it is no file of ONNX, or damaged";
		}
	}
	return NULL;
}

eg_status eg_onnx_check_wire(const ProtobufCMessageDescriptor *kind, const uint8_t *bytes, size_t size, const char *source, eg_error *err) {
	const char *why = size ? wrong(kind, bytes, bytes + size, 0) : "it is empty";
	return why ? eg_fail(err, EG_ERR_FORMAT, "'%.300s': %s", source, why) : EG_OK;
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static void *give(void *context, size_t size) {
	eg_onnx_memory *m = context;
	if (size > m->left) {
		m->refused = true;
		return NULL;
	}
	m->left -= size;
	return eg_alloc(m->from, size ? size : 1);
}

static void give_back(void *context, void *p) {
	const eg_onnx_memory *m = context;
	eg_release(m->from, p);
}

/* Integers take up to eight times their bytes, weights as many as they have there; messages of nothing are bounded by
 * what comes on top. */
void eg_onnx_memory_init(eg_onnx_memory *m, const eg_allocator *from, size_t message) {
	*m = (eg_onnx_memory){.allocator = {give, give_back, m}, .from = from, .left = message > SIZE_MAX / 16 ? SIZE_MAX : ((size_t)64 << 20) + 10 * message};
}

#else

typedef int eg_without_onnx; /* a file of C has something in it */

#endif
