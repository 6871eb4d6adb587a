/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pprof's profile.proto (github.com/google/pprof, proto/profile.proto), compressed by gzip as pprof expects it.
 *
 * The wire format of protocol buffers (protobuf.dev/programming-guides/encoding) is small: a field is a key, (number << 3 | type), and then a varint
 * (type 0) or a length and so many bytes (type 2). So messages are put together here by hand; the tests decode them by other means.
 *
 * A row of owners is a function and a location, whose name is the whole path: pprof adds up what has one name. A sample's stack is the row's location
 * and those above it, the leaf first. Locations belong to the mapping of the module whose data the path begins in.
 */
#include "export/export_parts.h"

#include "base/text.h"

#include "config.h"
#include <string.h>
#if HAVE_ZLIB
#include <zlib.h>
#endif

/* Numbers of fields. */
enum {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE,
	PROFILE_MAPPING,
	PROFILE_LOCATION,
	PROFILE_FUNCTION,
	PROFILE_STRING,
	PROFILE_COMMENT = 13,
	PROFILE_DEFAULT_TYPE = 14,

	TYPE_NAME = 1,
	TYPE_UNIT,

	SAMPLE_LOCATION = 1,
	SAMPLE_VALUE,
	SAMPLE_LABEL,

	LABEL_KEY = 1,
	LABEL_TEXT,

	MAPPING_ID = 1,
	MAPPING_START,
	MAPPING_LIMIT,
	MAPPING_FILE = 5,
	MAPPING_BUILD_ID,
	MAPPING_HAS_FUNCTIONS,

	LOCATION_ID = 1,
	LOCATION_MAPPING,
	LOCATION_LINE = 4,

	LINE_FUNCTION = 1,

	FUNCTION_ID = 1,
	FUNCTION_NAME,
};

enum {
	VALUES_MAX = 5,
	VARINT = 0,
	LENGTH = 2
};

struct profile {
	hc_export *export;
	const hc_analysis *analysis;
	const hc_ownership *ownership;
	bool has_retained, has_resident;
	GString *bytes;	       /* of the whole message */
	GHashTable *strings;   /* text -> number */
	GHashTable *functions; /* number of the name -> number of the location */
	uint32_t *modules;     /* by row: number of the mapping; 0: none */
	uint64_t *locations;   /* by row: number of the location */
};

/* ---- messages ---- */

static void add_varint(GString *message, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		g_string_append_c(message, (char)(value | 0x80));
	g_string_append_c(message, (char)value);
}

static void add_number(GString *message, unsigned field, uint64_t value)
{
	add_varint(message, field << 3 | VARINT);
	add_varint(message, value);
}

static void add_bytes(GString *message, unsigned field, const char *bytes, size_t length)
{
	add_varint(message, field << 3 | LENGTH);
	add_varint(message, length);
	g_string_append_len(message, bytes, (gssize)length);
}

/* PART is taken. */
static void add_message(GString *message, unsigned field, GString *part)
{
	add_bytes(message, field, part->str, part->len);
	g_string_free(part, TRUE);
}

/* The number of TEXT, untrusted, in the table of strings; NULL is the empty one. */
static uint64_t string(struct profile *profile, const char *text)
{
	g_autofree char *escaped = hc_text_escape(text ? text : "", -1);
	gpointer number;

	if (g_hash_table_lookup_extended(profile->strings, escaped, NULL, &number))
		return GPOINTER_TO_UINT(number);
	unsigned count = g_hash_table_size(profile->strings);

	add_bytes(profile->bytes, PROFILE_STRING, escaped, strlen(escaped));
	g_hash_table_insert(profile->strings, g_steal_pointer(&escaped), GUINT_TO_POINTER(count));
	return count;
}

/* ---- what samples are made of ---- */

static void add_type(struct profile *profile, const char *name, const char *unit)
{
	GString *type = g_string_new(NULL);

	add_number(type, TYPE_NAME, string(profile, name));
	add_number(type, TYPE_UNIT, string(profile, unit));
	add_message(profile->bytes, PROFILE_SAMPLE_TYPE, type);
}

/* In the order of values_of(). */
static void add_types(struct profile *profile)
{
	add_type(profile, "blocks", "count");
	add_type(profile, "bytes", "bytes");
	add_type(profile, "outside", "bytes");
	if (profile->has_retained)
		add_type(profile, "retained", "bytes");
	if (profile->has_resident)
		add_type(profile, "resident", "bytes");
	add_number(profile->bytes, PROFILE_DEFAULT_TYPE, string(profile, "bytes"));
}

static unsigned values_of(const struct profile *profile, const hc_sample_figures *figures, uint64_t values[VALUES_MAX])
{
	unsigned count = 0;

	values[count++] = figures->amount.blocks;
	values[count++] = figures->amount.bytes;
	values[count++] = figures->outside;
	if (profile->has_retained)
		values[count++] = figures->retained;
	if (profile->has_resident)
		values[count++] = figures->resident;
	return count;
}

static void add_mapping(struct profile *profile, const hc_module *module, uint64_t number)
{
	GString *mapping = g_string_new(NULL);

	add_number(mapping, MAPPING_ID, number);
	add_number(mapping, MAPPING_START, module->start);
	add_number(mapping, MAPPING_LIMIT, module->end);
	add_number(mapping, MAPPING_FILE, string(profile, *module->path ? module->path : module->name));
	add_number(mapping, MAPPING_BUILD_ID, string(profile, module->build_id));
	add_number(mapping, MAPPING_HAS_FUNCTIONS, true);
	add_message(profile->bytes, PROFILE_MAPPING, mapping);
}

/* Numbers of mappings are those of modules, from 1 on; pprof takes the first for the program. */
static void add_mappings(struct profile *profile)
{
	const hc_modules *modules = hc_analysis_modules(profile->analysis);

	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < hc_modules_count(modules); i++)
			if (hc_modules_get(modules, i)->is_executable == !pass)
				add_mapping(profile, hc_modules_get(modules, i), (uint64_t)i + 1);
}

static uint32_t number_of_module(const struct profile *profile, const hc_module *module)
{
	const hc_modules *modules = hc_analysis_modules(profile->analysis);

	for (unsigned i = 0; module && i < hc_modules_count(modules); i++)
		if (hc_modules_get(modules, i) == module)
			return i + 1;
	return 0;
}

/* The module that the paths of each row begin in: of the row itself, else that of the row above. */
static void find_modules(struct profile *profile)
{
	const hc_types *types = hc_analysis_types(profile->analysis);
	uint32_t rows = hc_ownership_row_count(profile->ownership), paths = types ? hc_types_path_count(types) : 0;

	profile->modules = g_new0(uint32_t, rows + (size_t)1);
	for (uint32_t number = 1; number <= paths; number++) {
		uint32_t row = hc_ownership_row_of_path(profile->ownership, number);
		hc_types_path path;

		if (row == HC_OWNER_NO_ROW || profile->modules[row] ||
			!hc_ownership_row(profile->ownership, row)->begins)
			continue;
		hc_types_path_get(types, number, &path);
		profile->modules[row] = number_of_module(profile, path.variable ? path.variable->module :
								  path.root	? path.root->module :
										  NULL);
	}
	for (uint32_t row = 0; row < rows; row++) {
		uint32_t parent = hc_ownership_row(profile->ownership, row)->parent;

		if (!profile->modules[row] && parent != HC_OWNER_NO_ROW)
			profile->modules[row] = profile->modules[parent];
	}
}

/* A location with one line, of a function NAME; both have one number. Of one name there is one. */
static uint64_t add_location(struct profile *profile, const char *name, uint64_t mapping)
{
	uint64_t text = string(profile, name), number = g_hash_table_size(profile->functions) + (uint64_t)1;
	gpointer known;

	if (g_hash_table_lookup_extended(profile->functions, GUINT_TO_POINTER(text), NULL, &known))
		return GPOINTER_TO_UINT(known);
	GString *function = g_string_new(NULL), *line = g_string_new(NULL), *location = g_string_new(NULL);

	g_hash_table_insert(profile->functions, GUINT_TO_POINTER(text), GUINT_TO_POINTER(number));
	add_number(function, FUNCTION_ID, number);
	add_number(function, FUNCTION_NAME, text);
	add_message(profile->bytes, PROFILE_FUNCTION, function);
	add_number(line, LINE_FUNCTION, number);
	add_number(location, LOCATION_ID, number);
	if (mapping)
		add_number(location, LOCATION_MAPPING, mapping);
	add_message(location, LOCATION_LINE, line);
	add_message(profile->bytes, PROFILE_LOCATION, location);
	return number;
}

static void add_locations(struct profile *profile)
{
	uint32_t rows = hc_ownership_row_count(profile->ownership);

	profile->locations = g_new0(uint64_t, rows + (size_t)1);
	for (uint32_t i = 0; i < rows; i++)
		profile->locations[i] =
			add_location(profile, hc_ownership_row(profile->ownership, i)->text, profile->modules[i]);
}

/* ---- samples ---- */

static void add_label(struct profile *profile, GString *sample, const char *key, const char *text)
{
	if (!text)
		return;
	GString *label = g_string_new(NULL);

	add_number(label, LABEL_KEY, string(profile, key));
	add_number(label, LABEL_TEXT, string(profile, text));
	add_message(sample, SAMPLE_LABEL, label);
}

/* The leaf first. */
static GString *stack_of(struct profile *profile, const hc_owner_sample *sample)
{
	GString *stack = g_string_new(NULL);
	unsigned count = sample->others ? g_strv_length((char **)sample->others) : 0;

	for (uint32_t row = sample->row; row != HC_OWNER_NO_ROW;
		row = hc_ownership_row(profile->ownership, row)->parent)
		add_varint(stack, profile->locations[row]);
	while (count--)
		add_varint(stack, add_location(profile, sample->others[count], 0));
	return stack;
}

static void add_sample(struct profile *profile, const hc_owner_sample *sample)
{
	GString *message = g_string_new(NULL), *packed = g_string_new(NULL);
	uint64_t values[VALUES_MAX];
	unsigned count = values_of(profile, &sample->figures, values);

	add_message(message, SAMPLE_LOCATION, stack_of(profile, sample));
	for (unsigned i = 0; i < count; i++)
		add_varint(packed, hc_cell_limited(values[i]));
	add_message(message, SAMPLE_VALUE, packed);
	if (sample->row != HC_OWNER_NO_ROW) {
		const hc_owner_row *row = hc_ownership_row(profile->ownership, sample->row);

		add_label(profile, message, "type", row->type);
		add_label(profile, message, "certainty", hc_certainty_name(row->certainty));
	}
	add_message(profile->bytes, PROFILE_SAMPLE, message);
}

/* ---- all of it ---- */

#if HAVE_ZLIB
enum {
	GZIP_WINDOW = 15 + 16 /* deflateInit2(): the largest window, and gzip's heading */
};

static bool write_compressed(hc_export *export, const GString *bytes, GError **error)
{
	z_stream stream = { .next_in = (unsigned char *)bytes->str };
	unsigned char piece[1 << 14];
	size_t left = bytes->len;
	int result;

	if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
		g_set_error_literal(
			error, HC_ERROR, HC_ERROR_NO_MEMORY, "out of memory: the profile is not compressed");
		return false;
	}
	do {
		if (!stream.avail_in) {
			stream.avail_in = (unsigned)MIN(left, (size_t)1 << 30);
			left -= stream.avail_in;
		}
		stream.next_out = piece;
		stream.avail_out = sizeof piece;
		result = deflate(&stream, left ? Z_NO_FLUSH : Z_FINISH);
		hc_export_bytes(export, (const char *)piece, sizeof piece - stream.avail_out);
	} while (result != Z_STREAM_END);
	deflateEnd(&stream);
	return true;
}
#else
/* Those that read profiles tell by the first bytes whether they are compressed. */
static bool write_compressed(hc_export *export, const GString *bytes, GError **error)
{
	(void)error;
	hc_export_bytes(export, bytes->str, bytes->len);
	return true;
}
#endif

static void add_head(struct profile *profile)
{
	g_autofree char *version = g_strdup_printf("heapcore %s", hc_version());
	g_autofree char *core = g_strdup_printf("core %s", hc_core_name(hc_analysis_core(profile->analysis)));

	string(profile, ""); /* number 0 */
	add_types(profile);
	add_number(profile->bytes, PROFILE_COMMENT, string(profile, version));
	add_number(profile->bytes, PROFILE_COMMENT, string(profile, core));
	if (hc_diagnostics_partial(hc_analysis_diagnostics(profile->analysis)))
		add_number(profile->bytes, PROFILE_COMMENT,
			string(profile, "read in part: some figures are bounds, see heapcore analyze"));
}

bool hc_profile_write(hc_export *export, hc_table_source *source, GError **error)
{
	const hc_ownership *ownership = hc_table_source_ownership(source, error);
	g_autoptr(GArray) samples = NULL;
	g_autoptr(GString) bytes = g_string_new(NULL);
	g_autoptr(GHashTable) strings = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
			      functions = g_hash_table_new(NULL, NULL);

	if (!ownership)
		return false;
	struct profile profile = {
		.export = export,
		.analysis = source->analysis,
		.ownership = ownership,
		.has_retained = !export->options->no_retained,
		.has_resident = hc_core_knows_resident(hc_analysis_core(source->analysis)),
		.bytes = bytes,
		.strings = strings,
		.functions = functions,
	};

	samples = hc_owner_samples(source->analysis, ownership);
	add_head(&profile);
	add_mappings(&profile);
	find_modules(&profile);
	add_locations(&profile);
	for (unsigned i = 0; i < samples->len; i++)
		add_sample(&profile, &g_array_index(samples, hc_owner_sample, i));
	g_free(profile.modules);
	g_free(profile.locations);
	return write_compressed(export, bytes, error);
}
