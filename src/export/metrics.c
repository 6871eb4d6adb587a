/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A snapshot as OpenMetrics text (github.com/prometheus/OpenMetrics, specification/OpenMetrics.md), for Prometheus by way of a file that is scraped.
 *
 * Each set of labels is a series that a server keeps for weeks, so there are few: rows of the memory table, and of owners and containers those with
 * most; the rest of them is one sum. Names are shortened where they are long, with a checksum in place of what is left out, so that two names
 * stay two series. One name of several threads' variables is one series.
 */
#include "export/export_parts.h"

#include "base/text.h"

#include <inttypes.h>
#include <string.h>

enum {
	OWNERS_SHOWN = 20,
	NAME_LENGTH = 160, /* characters */
	SUM_LENGTH = 8	   /* hexadecimal digits */
};

#define OTHERS "(others)"

struct metrics {
	hc_export *export;
	const hc_snapshot *snapshot;
	char *common; /* labels of all series: "host=\"a\"" */
};

static const char *const own_labels[] = { "row", "how", "owner", "container", "program", "build_id", "host" };

bool hc_metrics_has_label(const char *label)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(own_labels); i++) {
		size_t length = strlen(own_labels[i]);

		if (!strncmp(label, own_labels[i], length) && label[length] == '=')
			return true;
	}
	return false;
}

/* NAME as people read it, not too long. Free with g_free(). */
static char *shorten(const char *name)
{
	char *escaped = hc_text_escape(name, -1);

	if (g_utf8_strlen(escaped, -1) <= NAME_LENGTH)
		return escaped;
	g_autofree char *taken = escaped, *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, name, -1);
	g_autofree char *beginning = g_utf8_substring(escaped, 0, NAME_LENGTH - SUM_LENGTH - 1);

	return g_strdup_printf("%s~%.*s", beginning, SUM_LENGTH, sum);
}

/* KEY="TEXT": a backslash, a quote and a line break are escaped. */
static void add_label(GString *labels, const char *key, const char *text)
{
	g_string_append_printf(labels, "%s%s=\"", labels->len ? "," : "", key);
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			g_string_append_c(labels, '\\');
		if (*text == '\n')
			g_string_append(labels, "\\n");
		else
			g_string_append_c(labels, *text);
	}
	g_string_append_c(labels, '"');
}

static char *common_labels(const hc_export_options *options)
{
	GString *labels = g_string_new(NULL);

	if (options->host)
		add_label(labels, "host", options->host);
	for (const char *const *label = options->labels; label && *label; label++) {
		g_auto(GStrv) parts = g_strsplit(*label, "=", 2);

		add_label(labels, parts[0], parts[1]);
	}
	return g_string_free(labels, FALSE);
}

/* UNIT, with which NAME ends; NULL: none. */
static void begin(const struct metrics *metrics, const char *name, const char *type, const char *unit, const char *help)
{
	hc_sink_printf(&metrics->export->sink, "# TYPE %s %s\n", name, type);
	if (unit)
		hc_sink_printf(&metrics->export->sink, "# UNIT %s %s\n", name, unit);
	hc_sink_printf(&metrics->export->sink, "# HELP %s %s\n", name, help);
}

/* KEY may be NULL: the series has the common labels only. */
static void tell(const struct metrics *metrics, const char *name, const char *key, const char *label, uint64_t value)
{
	g_autoptr(GString) labels = g_string_new(metrics->common);

	if (key)
		add_label(labels, key, label);
	hc_export_text(metrics->export, name);
	if (labels->len)
		hc_sink_printf(&metrics->export->sink, "{%s}", labels->str);
	hc_sink_printf(&metrics->export->sink, " %" PRIu64 "\n", value);
}

static void tell_info(const struct metrics *metrics)
{
	const hc_snapshot *snapshot = metrics->snapshot;
	g_autoptr(GString) labels = g_string_new(metrics->common);
	g_autofree char *program = shorten(snapshot->program);

	add_label(labels, "program", program);
	if (snapshot->build_id)
		add_label(labels, "build_id", snapshot->build_id);
	begin(metrics, "heapcore_snapshot", "info", NULL, "The process.");
	hc_sink_printf(&metrics->export->sink, "heapcore_snapshot_info{%s} 1\n", labels->str);
	if (snapshot->side_facts && snapshot->side_facts->time > 0) {
		begin(metrics, "heapcore_snapshot_taken_seconds", "gauge", "seconds",
			"When it was captured, since 1970.");
		tell(metrics, "heapcore_snapshot_taken_seconds", NULL, NULL, (uint64_t)snapshot->side_facts->time);
	}
}

/* ---- the memory table, and sums ---- */

static void tell_memory(const struct metrics *metrics)
{
	const GArray *rows = metrics->snapshot->memory;

	begin(metrics, "heapcore_memory_bytes", "gauge", "bytes",
		"Mapped memory by row of the memory table; without lost and lost-mmapped, which are parts, they add up.");
	for (unsigned i = 0; i < rows->len; i++) {
		const hc_memory_row *row = &g_array_index(rows, hc_memory_row, i);

		tell(metrics, "heapcore_memory_bytes", "row", hc_row_name(row->id), row->bytes);
	}
	if (!metrics->snapshot->knows_resident)
		return;
	begin(metrics, "heapcore_resident_bytes", "gauge", "bytes", "The same, what of it was in memory.");
	for (unsigned i = 0; i < rows->len; i++) {
		const hc_memory_row *row = &g_array_index(rows, hc_memory_row, i);

		if (row->knows_resident)
			tell(metrics, "heapcore_resident_bytes", "row", hc_row_name(row->id), row->resident.resident);
	}
}

static void tell_sums(const struct metrics *metrics)
{
	const hc_snapshot *snapshot = metrics->snapshot;
	const struct {
		const char *how;
		hc_amount amount;
	} lost[] = {
		{ "directly", snapshot->directly_lost },
		{ "indirectly", snapshot->indirectly_lost },
		{ "possibly", snapshot->possibly_lost },
	};

	begin(metrics, "heapcore_in_use_blocks", "gauge", NULL, "Blocks that the program has.");
	tell(metrics, "heapcore_in_use_blocks", NULL, NULL, snapshot->in_use.blocks);
	begin(metrics, "heapcore_in_use_bytes", "gauge", "bytes", "Usable bytes of these.");
	tell(metrics, "heapcore_in_use_bytes", NULL, NULL, snapshot->in_use.bytes);
	begin(metrics, "heapcore_free_bytes", "gauge", "bytes", "Free memory that malloc keeps.");
	tell(metrics, "heapcore_free_bytes", NULL, NULL, snapshot->free.bytes);
	begin(metrics, "heapcore_lost_blocks", "gauge", NULL, "Blocks that nothing, or only lost blocks, point to.");
	for (unsigned i = 0; i < G_N_ELEMENTS(lost); i++)
		tell(metrics, "heapcore_lost_blocks", "how", lost[i].how, lost[i].amount.blocks);
	begin(metrics, "heapcore_lost_bytes", "gauge", "bytes", "Usable bytes of these.");
	for (unsigned i = 0; i < G_N_ELEMENTS(lost); i++)
		tell(metrics, "heapcore_lost_bytes", "how", lost[i].how, lost[i].amount.bytes);
}

/* ---- owners and containers ---- */

struct series {
	char *name;
	uint64_t value;
};

static void clear_series(void *data)
{
	g_free(((struct series *)data)->name);
}

/* Most first. */
static int compare_series(const void *a, const void *b)
{
	const struct series *x = a, *y = b;

	return x->value != y->value ? (x->value < y->value) - (x->value > y->value) : strcmp(x->name, y->name);
}

/* Adds VALUE to the series of NAME. PLACES: name -> index + 1 in SERIES. */
static void count(GArray *series, GHashTable *places, const char *name, uint64_t value)
{
	g_autofree char *shortened = shorten(name);
	unsigned place = GPOINTER_TO_UINT(g_hash_table_lookup(places, shortened));

	if (place) {
		g_array_index(series, struct series, place - 1).value += value;
		return;
	}
	struct series fresh = { g_steal_pointer(&shortened), value };

	g_array_append_val(series, fresh);
	g_hash_table_insert(places, fresh.name, GUINT_TO_POINTER(series->len));
}

static void tell_most(const struct metrics *metrics, GArray *series, const char *name, const char *key)
{
	uint64_t limit = metrics->export->options->limit ? metrics->export->options->limit : OWNERS_SHOWN, rest = 0;

	g_array_sort(series, compare_series);
	for (unsigned i = 0; i < series->len; i++) {
		const struct series *one = &g_array_index(series, struct series, i);

		if (i < limit)
			tell(metrics, name, key, one->name, one->value);
		else
			rest += one->value;
	}
	if (series->len > limit)
		tell(metrics, name, key, OTHERS, rest);
}

/* Bytes by variable, or place, that paths begin at. */
static void tell_owners(const struct metrics *metrics)
{
	const GArray *owners = metrics->snapshot->owners;
	g_autoptr(GArray) series = g_array_new(FALSE, FALSE, sizeof(struct series));
	g_autoptr(GHashTable) places = g_hash_table_new(g_str_hash, g_str_equal);
	g_autofree uint32_t *begins = g_new0(uint32_t, owners->len + (size_t)1);

	g_array_set_clear_func(series, clear_series);
	for (unsigned i = 0; i < owners->len; i++) {
		const hc_snapshot_owner *owner = &g_array_index(owners, hc_snapshot_owner, i);

		begins[i] = owner->parent == HC_SNAPSHOT_NONE ? i : begins[owner->parent];
		count(series, places, g_array_index(owners, hc_snapshot_owner, begins[i]).path, owner->own.bytes);
	}
	begin(metrics, "heapcore_owner_bytes", "gauge", "bytes",
		"Usable bytes that hang on a variable or place; those with most, and the sum of all others.");
	tell_most(metrics, series, "heapcore_owner_bytes", "owner");
}

static void tell_containers(const struct metrics *metrics)
{
	const GArray *owners = metrics->snapshot->owners;
	g_autoptr(GArray) series = g_array_new(FALSE, FALSE, sizeof(struct series));
	g_autoptr(GHashTable) places = g_hash_table_new(g_str_hash, g_str_equal);

	g_array_set_clear_func(series, clear_series);
	for (unsigned i = 0; i < owners->len; i++) {
		const hc_snapshot_owner *owner = &g_array_index(owners, hc_snapshot_owner, i);

		if (owner->kind && !owner->is_value)
			count(series, places, owner->path, owner->elements);
	}
	begin(metrics, "heapcore_container_elements", "gauge", NULL,
		"Elements of containers by path; those with most, and the sum of all others.");
	tell_most(metrics, series, "heapcore_container_elements", "container");
}

void hc_metrics_write(hc_export *export, const hc_snapshot *snapshot)
{
	g_autofree char *common = common_labels(export->options);
	const struct metrics metrics = { .export = export, .snapshot = snapshot, .common = common };

	tell_info(&metrics);
	tell_memory(&metrics);
	tell_sums(&metrics);
	tell_owners(&metrics);
	tell_containers(&metrics);
	hc_export_text(export, "# EOF\n");
}
