/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many threads run one function, and each has its own local of a name. If two hundred of these grow a little, each is too little to be a
 * cause, and together they are all of it. So rows of one variable in many threads are one row, unless a few threads have most of
 * the change: then which ones is what somebody wants to know.
 */
#include "diff/diff_state.h"

#include "base/alike.h"

/* What rows of one variable have in common; NULL: the row is of no thread. */
static char *key_of(const hc_growth *row)
{
	if (!row->owner || !row->owner->thread)
		return NULL;
	return g_strdup_printf("%u\n%s\n%s\n%s\n%u\n%u", row->kind, row->name,
		row->owner->function ? row->owner->function : "", row->type ? row->type : "", row->owner->certainty,
		row->owner->grade);
}

static uint64_t change_of(const hc_growth *row)
{
	return row->bytes < 0 ? -(uint64_t)row->bytes : (uint64_t)row->bytes;
}

/* ROWS: indices into the attribution. */
static bool are_alike(const hc_diff *diff, const GArray *rows)
{
	uint64_t all = 0, most = 0;

	for (unsigned i = 0; i < rows->len; i++) {
		uint64_t change = change_of(hc_diff_attribution(diff, g_array_index(rows, unsigned, i)));

		all += change;
		most = MAX(most, change);
	}
	return hc_are_alike(all, most, rows->len);
}

static void add_figures(const hc_diff *diff, hc_growth *sum, const hc_growth *row)
{
	for (unsigned i = 0; i < diff->count; i++)
		((uint64_t *)sum->steps)[i] += row->steps[i];
	for (unsigned i = 0; sum->resident_steps && row->resident_steps && i < diff->count; i++)
		((uint64_t *)sum->resident_steps)[i] += row->resident_steps[i];
	sum->resident += row->resident;
	sum->bytes += row->bytes;
	sum->before += row->before;
	sum->after += row->after;
	sum->blocks_before += row->blocks_before;
	sum->blocks_after += row->blocks_after;
	if (row->elements_after != UINT64_MAX) {
		sum->elements_before += row->elements_before;
		sum->elements_after += row->elements_after;
		sum->is_at_most |= row->is_at_most;
	}
}

/* All of ROWS into the first of them; the others are left without a name. */
static void join(hc_diff *diff, const GArray *rows)
{
	hc_growth *sum = &g_array_index(diff->attribution, hc_growth, g_array_index(rows, unsigned, 0));
	const char *function = sum->owner->function;
	unsigned before = sum->before > 0, after = sum->after > 0;

	for (unsigned i = 1; i < rows->len; i++) {
		hc_growth *row = &g_array_index(diff->attribution, hc_growth, g_array_index(rows, unsigned, i));

		before += row->before > 0;
		after += row->after > 0;
		add_figures(diff, sum, row);
		row->name = NULL;
	}
	/* Threads come and go: as many as had one at one time. */
	sum->threads = MAX(before, after);
	/* A static one of a function has its name, too. */
	sum->where = function && sum->where.kind != HC_WHERE_THREAD_LOCAL && sum->where.kind != HC_WHERE_STACK ?
			     (hc_where){ .kind = HC_WHERE_FRAME, .name = function } :
			     (hc_where){ .kind = sum->where.kind == HC_WHERE_STACK ? HC_WHERE_STACK :
										     HC_WHERE_THREAD_LOCAL };
	sum->trend = hc_diff_trend(sum->steps, diff->count);
}

static void remove_joined(GArray *attribution)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < attribution->len; i++) {
		hc_growth row = g_array_index(attribution, hc_growth, i);

		if (row.name)
			g_array_index(attribution, hc_growth, kept++) = row;
	}
	g_array_set_size(attribution, kept);
}

void hc_diff_join_alike(hc_diff *diff)
{
	g_autoptr(GHashTable)
		groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
	GHashTableIter iterator;
	void *value;

	for (unsigned i = 0; i < diff->attribution->len; i++) {
		g_autofree char *key = key_of(hc_diff_attribution(diff, i));
		GArray *rows = key ? g_hash_table_lookup(groups, key) : NULL;

		if (key && !rows) {
			rows = g_array_new(FALSE, FALSE, sizeof(unsigned));
			g_hash_table_insert(groups, g_steal_pointer(&key), rows);
		}
		if (rows)
			g_array_append_val(rows, i);
	}
	g_hash_table_iter_init(&iterator, groups);
	while (g_hash_table_iter_next(&iterator, NULL, &value))
		if (are_alike(diff, value))
			join(diff, value);
	remove_joined(diff->attribution);
}

bool hc_diff_is_joined(const hc_diff *diff, const hc_snapshot_owner *owner)
{
	for (unsigned i = 0; owner->thread && i < diff->attribution->len; i++) {
		const hc_growth *row = hc_diff_attribution(diff, i);

		if (row->threads && !g_strcmp0(row->name, owner->path) &&
			!g_strcmp0(row->owner->function, owner->function))
			return true;
	}
	return false;
}
