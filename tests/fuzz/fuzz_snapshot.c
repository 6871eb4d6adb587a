/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * snapshot/ reading a file, and diff/, wording/ and reports/ with what was read. A sound snapshot is written, some of its sections are
 * replaced, and it gets a line that fits. The input is one of
 *
 *	'=' and the dictionary's bytes
 *	what stands for sections: NAME, NUL, how many bytes (2 bytes), these; the bytes are the section's value in GVariant's own form, or with
 *	'(' or '[' in front its text
 */
#include "process.h"
#include "../unit/snapshot_builder.h"

#include "snapshot/format.h"

#include <string.h>
#include <unistd.h>

static const struct {
	const char *name, *type;
} sections[] = {
	{ "identity", SNAPSHOT_IDENTITY },
	{ "process", SNAPSHOT_PROCESS },
	{ "threads", SNAPSHOT_THREADS },
	{ "heap", SNAPSHOT_HEAP },
	{ "diagnostics", SNAPSHOT_DIAGNOSTICS },
	{ "memory", SNAPSHOT_MEMORY },
	{ "totals", SNAPSHOT_TOTALS },
	{ "owners", SNAPSHOT_OWNERS },
	{ "lost", SNAPSHOT_LOST },
	{ "sizes", SNAPSHOT_SIZES },
	{ "numbers", SNAPSHOT_NUMBERS },
	{ "pins", SNAPSHOT_PINS },
	{ "pin-holders", SNAPSHOT_PIN_HOLDERS },
	{ "pinning", SNAPSHOT_PINNING },
	{ "owners-where", SNAPSHOT_OWNERS_WHERE },
	{ "owners-shared", SNAPSHOT_OWNERS_SHARED },
	{ "owners-outside", SNAPSHOT_OWNERS_OUTSIDE },
	{ "owners-free", SNAPSHOT_OWNERS_FREE },
	{ "sample", SNAPSHOT_SAMPLE },
	{ "lost-evidence", SNAPSHOT_LOST_EVIDENCE },
	{ "lost-shapes", SNAPSHOT_LOST_SHAPES },
	{ "layouts", SNAPSHOT_LAYOUTS },
	{ "sites", SNAPSHOT_SITES },
	{ "unjoined", SNAPSHOT_UNJOINED },
	{ "unjoined-routine", SNAPSHOT_UNJOINED_ROUTINE },
	{ "resident", SNAPSHOT_RESIDENT },
	{ "lost-resident", SNAPSHOT_LOST_RESIDENT },
	{ "runtimes", SNAPSHOT_RUNTIMES },
};

/* ---- the sound one ---- */

static hc_snapshot *make_snapshot(void)
{
	hc_snapshot *snapshot = snapshot_create();
	uint32_t map = snapshot_add_container(snapshot, HC_SNAPSHOT_NONE, "g_map", "libstdc++ map", 10, 10, 1000),
		 below = snapshot_add_owner(snapshot, map, "g_map[].name", "char", 5, 200);

	snapshot_owner(snapshot, below)->key = "/a/1";
	snapshot_owner(snapshot, below)->key_shape = "/a/#";
	snapshot_owner(snapshot, map)->is_keyed = true;
	snapshot_add_lost(snapshot, "size 40", NULL, 3, 120);
	snapshot_add_lost(snapshot, "text LOGICPKT", "Packet", 2, 80);
	snapshot_add_unowned(snapshot, 24, 20, 0);
	snapshot_add_unowned(snapshot, 1 << 20, 2, 2);
	snapshot_add_number(snapshot, "g_jobs.produced", 12);
	return snapshot_finish(snapshot);
}

/* The copy is aligned as GVariant wants it. */
static GVariant *copy_value(const GVariantType *type, const void *bytes, size_t size)
{
	void *copy = g_memdup2(bytes, size);

	return g_variant_ref_sink(g_variant_new_from_data(type, copy, size, FALSE, g_free, copy));
}

/* Its bytes behind the line. */
static GVariant *write_base(const hc_snapshot *snapshot)
{
	g_autofree char *path = g_build_filename(fuzz_folder(), "base", NULL), *contents = NULL;
	const char *start;
	size_t length;

	g_assert(hc_snapshot_write(snapshot, path, true, NULL, NULL));
	g_assert(g_file_get_contents(path, &contents, &length, NULL));
	unlink(path);
	start = memchr(contents, '\n', length);
	g_assert(start);
	start++;
	return copy_value(G_VARIANT_TYPE_VARDICT, start, length - (size_t)(start - contents));
}

/* ---- the input's ---- */

static const char *type_of(const char *name)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(sections); i++)
		if (!strcmp(sections[i].name, name))
			return sections[i].type;
	return "(sssst)"; /* of what the reader does not know, or knows as something else */
}

/* NULL if it is no such text. */
static GVariant *take_value(const char *name, fuzz_input part)
{
	const GVariantType *type = (const GVariantType *)type_of(name);

	if (part.left && strchr("([", *part.at)) {
		g_autofree char *text = fuzz_text(&part);

		return g_utf8_validate(text, -1, NULL) ? g_variant_parse(type, text, NULL, NULL, NULL) : NULL;
	}
	return copy_value(type, part.at, part.left);
}

static GVariant *replace_sections(GVariant *base, fuzz_input *input)
{
	GVariantDict dictionary;

	g_variant_dict_init(&dictionary, base);
	while (input->left) {
		fuzz_input part = fuzz_part_before(input, 0);
		g_autofree char *name = fuzz_text(&part);
		g_autoptr(GVariant) value = take_value(name, fuzz_part(input, fuzz_number(input, 2)));

		if (value && g_utf8_validate(name, -1, NULL))
			g_variant_dict_insert_value(&dictionary, name, value);
	}
	return g_variant_ref_sink(g_variant_dict_end(&dictionary));
}

static const char *write_file(const void *bytes, size_t size)
{
	g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes, size),
			*line = g_strdup_printf("%s%d %zu %s\n", SNAPSHOT_MAGIC, HC_SNAPSHOT_FORMAT, size, sum);
	g_autoptr(GByteArray) file = g_byte_array_new();

	g_byte_array_append(file, (const uint8_t *)line, (unsigned)strlen(line));
	g_byte_array_append(file, bytes, (unsigned)size);
	return fuzz_file(file->data, file->len);
}

static void compare(const hc_snapshot *before, const hc_snapshot *after, const hc_report_options *options)
{
	const hc_snapshot *snapshots[] = { before, after };
	g_autoptr(hc_diff) diff = hc_diff_create(snapshots, G_N_ELEMENTS(snapshots));

	fuzz_expect(diff != NULL, "no diff");
	hc_report_diff(diff, options, NULL);
	if (options == &fuzz_report_text)
		hc_report_step(after, diff, options, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static hc_snapshot *sound;
	static GVariant *base;
	fuzz_input input = { data, size };
	g_autoptr(GError) error = NULL;
	const char *path;

	if (!sound) {
		sound = make_snapshot();
		base = write_base(sound);
	}
	if (size && *data == '=') {
		path = write_file(data + 1, size - 1);
	} else {
		g_autoptr(GVariant) value = replace_sections(base, &input);

		path = write_file(g_variant_get_data(value), g_variant_get_size(value));
	}
	hc_snapshot *snapshot = hc_snapshot_read(path, &error);

	fuzz_expect(snapshot || error, "no snapshot, and no error");
	fuzz_expect(snapshot || size, "the sound snapshot is not read");
	if (snapshot) {
		const hc_report_options *options = size % 2 ? &fuzz_report_text : &fuzz_report_json;

		/* One by the input's length: all of it takes too long. */
		if (size / 2 % 3 == 0)
			hc_report_snapshot(snapshot, "a.snapshot", size, options, NULL);
		else if (size / 2 % 3 == 1)
			compare(sound, snapshot, options);
		else
			compare(snapshot, sound, options);
	}
	hc_snapshot_destroy(snapshot);
	return 0;
}
