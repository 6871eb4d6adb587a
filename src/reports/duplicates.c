/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blocks that hold the same: what one for all would save, what they hold, and who holds them. */
#include "reports/parts.h"

#include "base/text.h"
#include "duplicates/duplicates.h"
#include "wording/wording.h"

#include <inttypes.h>

enum {
	SAMPLE = 60, /* bytes of a content that are shown */
	OWNERS = 3,  /* of a group, in JSON */
};

static json_t *owners_json(const hc_types *types, const GArray *owners)
{
	g_autoptr(hc_records) records = hc_records_create();

	for (unsigned i = 0; i < MIN(owners->len, OWNERS); i++) {
		const hc_duplicate_owner *owner = &g_array_index(owners, hc_duplicate_owner, i);
		const hc_fact facts[] = {
			{ "path", NULL, hc_value_take_text(hc_types_path_text(types, owner->path)) },
			{ "blocks", NULL, hc_value_count(owner->blocks) },
		};

		hc_records_add(records, facts);
	}
	return hc_records_json(records);
}

/* "g_names[] and 3 others"; NULL: nobody is known. */
static char *owners_text(const hc_types *types, const GArray *owners)
{
	g_autofree char *path =
		owners->len ? hc_types_path_text(types, g_array_index(owners, hc_duplicate_owner, 0).path) : NULL;

	if (owners->len < 2)
		return g_steal_pointer(&path);
	g_autofree char *others = hc_unit_text(owners->len - 1, "others");

	return g_strdup_printf("%s and %s", path, others);
}

/* What GROUP's blocks hold: text in quotation marks, or bytes. Escaped. */
static char *sample_of(const hc_analysis *analysis, const hc_duplicate_group *group)
{
	uint64_t available, length = MIN(group->length, SAMPLE);
	const uint8_t *bytes = hc_core_bytes(hc_analysis_core(analysis), group->example, &available);
	const char *more = group->length > length ? "..." : "";
	bool is_text = group->compared == HC_COMPARED_TEXT || group->compared == HC_COMPARED_LIKELY_TEXT;
	hc_block block;

	if (!bytes || group->is_zero || hc_core_hides_content(hc_analysis_core(analysis)))
		return g_strdup(group->is_zero ? "zeros" : NULL);
	if (is_text) {
		g_autofree char *text = hc_text_escape((const char *)bytes, (gssize)length);

		return g_strdup_printf("\"%s\"%s", text, more);
	}
	if (hc_blocks_find(hc_analysis_blocks(analysis), group->example, &block)) {
		g_autofree char *preview = hc_preview(analysis, &block, SAMPLE);

		if (preview)
			return hc_text_escape(preview, -1);
	}
	GString *text = g_string_new(NULL);

	for (uint64_t i = 0; i < MIN(length, 16); i++)
		g_string_append_printf(text, "%s%02x", i ? " " : "", bytes[i]);
	g_string_append(text, group->length > 16 ? " ..." : "");
	return g_string_free(text, FALSE);
}

static void add_group(hc_records *records, const hc_analysis *analysis, const hc_duplicates *duplicates,
	const hc_duplicate_group *group)
{
	const hc_types *types = hc_analysis_types(analysis);
	g_autoptr(GArray) owners = hc_duplicates_owners(duplicates, group);
	uint64_t in_use = hc_blocks_amount(hc_analysis_blocks(analysis), HC_ARENA_ALL, HC_BLOCK_IN_USE).bytes;
	const hc_fact facts[] = {
		{ "saved", "SAVED", hc_value_size(hc_duplicate_saving(group)) },
		{ NULL, "SHARE", hc_value_share(hc_duplicate_saving(group), in_use) },
		{ "blocks", "BLOCKS", hc_value_count(group->blocks) },
		{ "size", NULL, hc_value_size(group->size) },
		{ NULL, "EACH", hc_value_count(group->size) },
		{ "length", NULL, hc_value_count(group->length) },
		{ "compared", NULL, hc_value_plain(hc_compared_name(group->compared)) },
		{ NULL, "SAME", hc_value_plain(hc_word_compared(group->compared)) },
		{ "zero", NULL, hc_value_flag(group->is_zero) },
		{ "example", NULL, hc_value_address(group->example) },
		{ NULL, "OWNER", hc_value_take_text(owners_text(types, owners)) },
		{ "owners", NULL, hc_value_json(owners_json(types, owners)) },
		{ "content", "CONTENT", hc_value_take_plain(sample_of(analysis, group)) },
	};

	hc_records_add(records, facts);
}

static hc_records *make_rows(const hc_analysis *analysis, const hc_duplicates *duplicates, uint64_t limit)
{
	hc_records *records = hc_records_create();
	size_t count = hc_duplicates_count(duplicates);

	for (size_t i = 0; i < count && (!limit || i < limit); i++)
		add_group(records, analysis, duplicates, hc_duplicates_group(duplicates, i));
	return records;
}

static void print(const hc_analysis *analysis, const hc_duplicates *duplicates, uint64_t limit, hc_output *output)
{
	g_autoptr(hc_records) rows = make_rows(analysis, duplicates, limit);
	g_autofree char *summary = hc_word_duplicates(analysis, duplicates);

	hc_output_wrapped(output, 0, 0, summary);
	hc_output_text(output, "\n");
	hc_records_print(rows, output);
	hc_left_out_print((unsigned)MIN(hc_duplicates_count(duplicates), UINT_MAX), limit, output);
	hc_diagnostics_print(hc_analysis_diagnostics(analysis), NULL, output);
}

static json_t *duplicates_json(const hc_analysis *analysis, const hc_duplicates *duplicates, uint64_t limit)
{
	const hc_duplicates_totals *totals = hc_duplicates_get_totals(duplicates);
	g_autoptr(hc_records) rows = make_rows(analysis, duplicates, limit);
	const hc_fact facts[] = {
		{ "summary", NULL, hc_value_take_plain(hc_word_duplicates(analysis, duplicates)) },
		{ "looked_at", NULL, hc_value_amount(totals->looked_at) },
		{ "lost", NULL, hc_value_amount(totals->lost) },
		{ "unreadable", NULL, hc_value_amount(totals->unreadable) },
		{ "unverified", NULL, hc_value_amount(totals->unverified) },
		{ "saved", NULL, hc_value_count(totals->saved) },
		{ "saved_likely", NULL, hc_value_count(totals->saved_likely) },
		{ "saved_zero", NULL, hc_value_count(totals->saved_zero) },
		{ "group_count", NULL, hc_value_count(hc_duplicates_count(duplicates)) },
		{ "groups", NULL, hc_value_json(hc_records_json(rows)) },
	};

	return hc_report_json("duplicates", facts, hc_analysis_diagnostics(analysis));
}

bool hc_report_duplicates(const hc_analysis *analysis, const hc_duplicates *duplicates, uint64_t limit,
	const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);

	if (options->format == HC_REPORT_JSON)
		hc_json_write(output, duplicates_json(analysis, duplicates, limit));
	else
		print(analysis, duplicates, limit, output);
	return hc_output_finish(output, error);
}
