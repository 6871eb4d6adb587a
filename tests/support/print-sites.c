/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What sites/ says of a core, for tests that know better: a JSON object a line.
 *
 *	print-sites CORE sites		every call that allocates
 *	print-sites CORE never		those that were never made: where each comes back to
 *	print-sites CORE blocks		the blocks in use by kind (size, first word if that leads into a module), each with the calls that may
 *					have made them
 *	print-sites CORE each		each block in use by itself, likewise
 *	print-sites CORE time		what reading the code took
 */
#include <heapcore/analysis.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum {
	ASKED_ABOUT = 64, /* blocks of a kind whose contents are looked at */
	PRINTED = 1 << 16 /* calls */
};

struct kind {
	uint64_t size, word;
	GArray *blocks; /* of hc_address */
};

static void put(json_t *line)
{
	json_dumpf(line, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	putchar('\n');
	json_decref(line);
}

static json_t *describe(hc_sites *sites, const hc_site *site)
{
	const hc_site_place *place = hc_sites_place(sites, site);

	return json_pack("{s:s, s:I, s:I, s:I, s:s?, s:s, s:I, s:I, s:b, s:s?, s:s?, s:i, s:s?}", "module", site->module->name, "at", (json_int_t)site->address, "comes_back",
		(json_int_t)site->comes_back, "start", (json_int_t)site->function, "calls", site->allocator, "kind",
		hc_site_size_name(site->size_kind), "size", (json_int_t)site->size, "added", (json_int_t)site->added,
		"handed_on", site->is_handed_on, "function", place->function, "file", place->file, "line", place->line,
		"inlined", place->inlined);
}

static void print_sites(hc_sites *sites)
{
	for (unsigned i = 0; i < hc_sites_count(sites); i++)
		put(describe(sites, hc_sites_get(sites, i)));
}

static void print_never_made(const hc_sites *sites)
{
	for (unsigned i = 0; i < hc_sites_count(sites); i++) {
		const hc_site *site = hc_sites_get(sites, i);

		if (site->is_never_made)
			put(json_pack("{s:I}", "comes_back", (json_int_t)site->comes_back));
	}
}

static guint hash_kind(gconstpointer data)
{
	const struct kind *kind = data;

	return (guint)((kind->size * 31 ^ kind->word * UINT64_C(0x9e3779b97f4a7c15)) >> 20);
}

static gboolean is_same_kind(gconstpointer a, gconstpointer b)
{
	const struct kind *x = a, *y = b;

	return x->size == y->size && x->word == y->word;
}

static void free_kind(gpointer data)
{
	struct kind *kind = data;

	g_array_unref(kind->blocks);
	g_free(kind);
}

static GHashTable *sort_blocks(const hc_analysis *analysis)
{
	GHashTable *kinds = g_hash_table_new_full(hash_kind, is_same_kind, NULL, free_kind);
	const hc_blocks *blocks = hc_analysis_blocks(analysis);

	for (uint32_t i = 0; i < hc_blocks_count(blocks); i++) {
		hc_block block;
		struct kind key = { 0 }, *kind;

		hc_blocks_get(blocks, i, &block);
		if (block.state != HC_BLOCK_IN_USE || block.label)
			continue;
		key.size = block.size;
		if (!hc_core_read_word(hc_analysis_core(analysis), block.address, &key.word) ||
			!hc_modules_find(hc_analysis_modules(analysis), key.word))
			key.word = 0;
		kind = g_hash_table_lookup(kinds, &key);
		if (!kind) {
			kind = g_memdup2(&key, sizeof key);
			kind->blocks = g_array_new(FALSE, FALSE, sizeof(hc_address));
			g_hash_table_add(kinds, kind);
		}
		g_array_append_val(kind->blocks, block.address);
	}
	return kinds;
}

static void ask(hc_sites *sites, const struct kind *kind)
{
	unsigned step = (kind->blocks->len + ASKED_ABOUT - 1) / ASKED_ABOUT;
	hc_address asked[ASKED_ABOUT];
	hc_site_question question = { .size = kind->size, .total = kind->blocks->len, .blocks = asked };
	json_t *found = json_array(), *blocks = json_array();
	hc_site_answer answer;

	for (unsigned i = 0; i < kind->blocks->len; i += step)
		asked[question.block_count++] = g_array_index(kind->blocks, hc_address, i);
	hc_sites_ask(sites, &question, &answer);
	for (unsigned i = 0; i < MIN(answer.count, PRINTED); i++)
		json_array_append_new(found, json_pack("[I, I]", (json_int_t)answer.sites[i]->comes_back,
						     (json_int_t)answer.sites[i]->function));
	for (unsigned i = 0; i < kind->blocks->len; i++)
		json_array_append_new(blocks, json_integer((json_int_t)g_array_index(kind->blocks, hc_address, i)));
	put(json_pack("{s:I, s:I, s:s, s:b, s:b, s:i, s:i, s:o, s:o}", "size", (json_int_t)kind->size, "word",
		(json_int_t)kind->word, "verdict", hc_site_verdict_name(answer.verdict), "by_class", answer.by_class,
		"by_contents", answer.by_contents, "of_size", (int)answer.of_size, "computed", (int)answer.computed,
		"sites", found, "blocks", blocks));
	hc_site_answer_clear(&answer);
}

static void ask_each(hc_sites *sites, const struct kind *kind)
{
	for (unsigned i = 0; i < kind->blocks->len; i++) {
		struct kind one = { kind->size, kind->word, g_array_new(FALSE, FALSE, sizeof(hc_address)) };

		g_array_append_val(one.blocks, g_array_index(kind->blocks, hc_address, i));
		ask(sites, &one);
		g_array_unref(one.blocks);
	}
}

static void print_blocks(const hc_analysis *analysis, hc_sites *sites, bool by_kind)
{
	GHashTable *kinds = sort_blocks(analysis);
	GHashTableIter iterator;
	gpointer kind;

	g_hash_table_iter_init(&iterator, kinds);
	while (g_hash_table_iter_next(&iterator, &kind, NULL))
		by_kind ? ask(sites, kind) : ask_each(sites, kind);
	g_hash_table_unref(kinds);
}

static void print_time(const hc_sites *sites, gint64 began)
{
	hc_sites_read_amount amount = hc_sites_amount(sites);

	put(json_pack("{s:f, s:I, s:I, s:i, s:i, s:i}", "seconds", (double)(g_get_monotonic_time() - began) / 1e6,
		"bytes", (json_int_t)amount.bytes, "unread_bytes", (json_int_t)amount.unread_bytes, "modules",
		(int)amount.modules, "unread_modules", (int)amount.unread_modules, "sites",
		(int)hc_sites_count(sites)));
}

int main(int argc, char **argv)
{
	hc_analysis_options options = { .until = HC_STAGE_BLOCKS };
	g_autoptr(GError) error = NULL;
	g_autoptr(hc_analysis) analysis = argc == 3 ? hc_analysis_run(argv[1], &options, &error) : NULL;
	gint64 began = g_get_monotonic_time();
	g_autoptr(hc_sites) sites = analysis ? hc_analysis_find_sites(analysis) : NULL;

	if (!sites || hc_sites_why_none(sites)) {
		fprintf(stderr, "print-sites: %s\n",
			sites ? hc_sites_why_none(sites) :
			error ? error->message :
				"CORE sites|never|blocks|each|time");
		return 1;
	}
	if (!strcmp(argv[2], "sites"))
		print_sites(sites);
	else if (!strcmp(argv[2], "never"))
		print_never_made(sites);
	else if (!strcmp(argv[2], "blocks") || !strcmp(argv[2], "each"))
		print_blocks(analysis, sites, !strcmp(argv[2], "blocks"));
	else
		print_time(sites, began);
	return 0;
}
