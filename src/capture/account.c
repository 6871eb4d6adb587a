/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What of a process's memory was there at one moment, mapping by mapping (smaps) and page by page,
 * if it may not stand still for as long as the kernel takes to count.
 *
 * To count is to walk all page tables, which takes nearly as long as to copy them. So only what the
 * process alone has is read while it stands still: its list of mappings (maps, which walks
 * nothing), and of some of them which pages there are (scan_own()). The others' page tables are the
 * frozen copy's, too, and are counted there when the process goes on:
 *
 *	the copy has		private anonymous memory, but for what is not for children. fork(2)
 *				copies page tables of it as they are.
 *	only the process has	files and shared memory, of which fork(2) copies no page tables, as
 *				they can be had again; what is not for children (madvise(2):
 *				MADV_DONTFORK, MADV_WIPEONFORK); the kernel's own pages, as [vdso].
 *
 * Of a mapping in which nothing was just before, the process is asked, too: that costs next to
 * nothing, and pages of zeros that were only read are in no copy.
 *
 * What depends on who else has a page (Pss, Shared_..., Private_..., Referenced) neither of both
 * can tell: in the copy every page is shared with the process. It is taken from the smaps that was
 * read just before the process stood still, of each mapping whose figures were the same then: for
 * such a mapping all of it is as the kernel wrote it. A mapping that changed within these
 * milliseconds has what is known: Rss, Anonymous and Swap of the moment, and Pss only if it is
 * private memory of which nothing was shared with anybody just before.
 *
 * Which mappings are not for children only smaps tells, so it is what was so just before. If the
 * copy's smaps contradicts that afterwards, the moment is lost, and hc_account_finish() says so.
 *
 * All of it is a few passes over lists in order of address.
 */
#include "capture/capture_parts.h"

#include <inttypes.h>
#include <string.h>

enum {
	TICK = 1024,	  /* "kB" of /proc */
	FIGURE_AT = 16,	  /* the column of figures in smaps, */
	FIGURE_WIDTH = 8, /* ... and theirs */
};

/* What smaps says of a mapping, as text. */
typedef struct smaps_block {
	const char *fields; /* behind its first line */
	size_t length;
} smaps_block;

/* ---- smaps as text ---- */

/* Where the line behind that at TEXT begins. */
static const char *next_line(const char *text)
{
	const char *end = strchrnul(text, '\n');

	return *end ? end + 1 : end;
}

/* A mapping's line begins with its address; its fields' with a capital letter. */
static bool begins_mapping(const char *line)
{
	return g_ascii_isxdigit(*line) && !g_ascii_isupper(*line);
}

/* The blocks of TEXT, one for each of its MAPPINGS, in their order; NULL: these are not TEXT's. */
static GArray *split_smaps(const char *text, const GArray *mappings)
{
	g_autoptr(GArray) blocks = g_array_new(FALSE, FALSE, sizeof(smaps_block));

	while (*text) {
		smaps_block block = { next_line(text), 0 };
		const char *end = block.fields;

		if (!begins_mapping(text))
			return NULL;
		while (*end && !begins_mapping(end))
			end = next_line(end);
		block.length = (size_t)(end - block.fields);
		g_array_append_val(blocks, block);
		text = end;
	}
	return blocks->len == mappings->len ? g_steal_pointer(&blocks) : NULL;
}

static void append_figure(GString *text, const char *key, uint64_t bytes)
{
	int width = MIN((int)strlen(key), FIGURE_AT);

	g_string_append_printf(text, "%s%*" PRIu64 " kB\n", key, FIGURE_AT + FIGURE_WIDTH - width, bytes / TICK);
}

/* Whether the line tells something that depends on who else has a page. */
static bool tells_of_others(const char *line)
{
	static const char *const keys[] = { "Pss", "Shared_Clean:", "Shared_Dirty:", "Private_Clean:", "Private_Dirty:",
		"Referenced:", "SwapPss:", "Locked:" };

	for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++)
		if (g_str_has_prefix(line, keys[i]))
			return true;
	return false;
}

/* Appends the fields of BLOCK that the copy has in common with the process. */
static void append_common(GString *text, const smaps_block *block)
{
	for (const char *line = block->fields; line < block->fields + block->length; line = next_line(line))
		if (!tells_of_others(line))
			g_string_append_len(text, line, next_line(line) - line);
}

/* Appends the line of BLOCK (may be NULL) that begins with KEY. */
static void append_line(GString *text, const smaps_block *block, const char *key)
{
	for (const char *line = block ? block->fields : ""; block && line < block->fields + block->length;
		line = next_line(line))
		if (g_str_has_prefix(line, key))
			g_string_append_len(text, line, next_line(line) - line);
}

/* ---- the sum of it ---- */

static const char *const summed[] = { "Rss:", "Pss:", "Pss_Dirty:", "Shared_Clean:", "Shared_Dirty:", "Private_Clean:",
	"Private_Dirty:", "Referenced:", "Anonymous:", "KSM:", "LazyFree:", "AnonHugePages:", "ShmemPmdMapped:",
	"FilePmdMapped:", "Shared_Hugetlb:", "Private_Hugetlb:", "Swap:", "SwapPss:", "Locked:" };

/* Adds the figure of LINE to that of SUMS, if it is one of them, and counts it. */
static void add_line(const char *line, uint64_t sums[], unsigned counts[])
{
	for (unsigned i = 0; i < G_N_ELEMENTS(summed); i++) {
		size_t length = strlen(summed[i]);

		if (strncmp(line, summed[i], length) != 0)
			continue;
		sums[i] += MIN(g_ascii_strtoull(line + length, NULL, 10), UINT64_MAX >> 26) * TICK;
		counts[i]++;
		return;
	}
}

/* smaps_rollup of SMAPS, as the kernel writes it: what each of MAPPINGS tells, summed. */
static char *roll_up(const char *smaps, const GArray *mappings)
{
	g_autoptr(GString) text = g_string_new(NULL);
	uint64_t sums[G_N_ELEMENTS(summed)] = { 0 }, end = 0;
	unsigned counts[G_N_ELEMENTS(summed)] = { 0 };

	if (!mappings->len)
		return NULL;
	for (unsigned i = 0; i < mappings->len; i++) {
		uint64_t last = g_array_index(mappings, hc_smaps_entry, i).end;

		end = last <= INT64_MAX ? last : end; /* vsyscall's page is none of the process's */
	}
	for (const char *line = smaps; *line; line = next_line(line))
		add_line(line, sums, counts);
	g_string_append_printf(text, "%08" PRIx64 "-%08" PRIx64 " ---p 00000000 00:00 0 %26s[rollup]\n",
		g_array_index(mappings, hc_smaps_entry, 0).start, end, "");
	for (unsigned i = 0; i < G_N_ELEMENTS(summed); i++)
		if (counts[i] == mappings->len)
			append_figure(text, summed[i], sums[i]);
	return g_strdup(text->str);
}

/* ---- before ---- */

bool hc_account_prepare(hc_account *account, pid_t pid, GError **error)
{
	account->before_text = hc_proc_read(pid, "smaps", NULL, error);
	if (!account->before_text)
		return false;
	account->before = hc_smaps_parse(account->before_text);
	return true;
}

void hc_account_prepare_copy(hc_account *account, pid_t pid)
{
	account->by_words = account->by_words || !hc_capture_can_scan_runs();
	if (account->by_words)
		account->known = hc_capture_scan_pages(pid, account->before, true, NULL);
}

/* ---- while the process stands still ---- */

static bool has_prefix(const hc_smaps_entry *entry, const char *prefix)
{
	return g_str_has_prefix(entry->path, prefix);
}

/*
 * Whether the copy's page tables of ENTRY are not the process's. BEFORE: it just before, or NULL.
 */
static bool is_own(const hc_smaps_entry *entry, const hc_smaps_entry *before)
{
	bool is_kernels = entry->path[0] == '[' && !has_prefix(entry, "[heap]") && !has_prefix(entry, "[stack") &&
			  !has_prefix(entry, "[anon:");

	return entry->inode || entry->shared || entry->not_forked || is_kernels ||
	       (before && !before->resident && !before->swapped);
}

/*
 * The mapping of BEFORE that is ENTRY, if it has not changed its place; NULL: none. *INDEX goes up
 * with the address.
 */
static const hc_smaps_entry *same_before(const GArray *before, unsigned *index, const hc_smaps_entry *entry)
{
	const hc_smaps_entry *found;

	while (*index < before->len && g_array_index(before, hc_smaps_entry, *index).end <= entry->start)
		++*index;
	if (*index == before->len)
		return NULL;
	found = &g_array_index(before, hc_smaps_entry, *index);
	return found->start == entry->start && found->end == entry->end && found->inode == entry->inode &&
			       found->shared == entry->shared && found->writable == entry->writable ?
		       found :
		       NULL;
}

/* What madvise(2) was told of the mapping in whose place ENTRY is, also if it has grown since. */
static void take_flags(hc_smaps_entry *entry, const GArray *before, unsigned index)
{
	const hc_smaps_entry *found = index < before->len ? &g_array_index(before, hc_smaps_entry, index) : NULL;

	if (!found || found->start >= entry->end)
		return;
	entry->excluded = found->excluded;
	entry->not_forked = found->not_forked;
	entry->is_device = found->is_device;
	entry->has_huge_table = found->has_huge_table;
}

/* The figures of ENTRY, if only its list of pages is known. SAME: it just before, or NULL. */
static void count_runs(hc_smaps_entry *entry, const hc_smaps_entry *same, const GArray *runs, unsigned *index)
{
	entry->resident = entry->anonymous = entry->swapped = entry->huge_table = 0;
	while (*index < runs->len && g_array_index(runs, hc_page_run, *index).end <= entry->start)
		++*index;
	for (unsigned i = *index; i < runs->len && g_array_index(runs, hc_page_run, i).start < entry->end; i++) {
		const hc_page_run *run = &g_array_index(runs, hc_page_run, i);
		uint64_t bytes = MIN(run->end, entry->end) - MAX(run->start, entry->start);

		entry->swapped += run->kind & HC_PAGE_SWAPPED ? bytes : 0;
		if (!(run->kind & HC_PAGE_PRESENT) || run->kind & HC_PAGE_ZERO)
			continue;
		*(entry->has_huge_table ? &entry->huge_table : &entry->resident) += bytes;
		entry->anonymous += run->kind & HC_PAGE_FILE || entry->has_huge_table ? 0 : bytes;
	}
	/* What of shared memory is swapped out, page tables don't know. */
	if (same && same->inode)
		entry->swapped = MAX(entry->swapped, same->swapped);
}

static void copy_figures(hc_smaps_entry *entry, const hc_smaps_entry *from)
{
	entry->resident = from->resident;
	entry->proportional = from->proportional;
	entry->knows_proportional = from->knows_proportional;
	entry->swapped = from->swapped;
	entry->anonymous = from->anonymous;
	entry->huge_table = from->huge_table;
}

/* Reads which pages there are of mappings that are the process's alone, and counts them. */
static void scan_own(hc_account *account, pid_t pid)
{
	g_autoptr(GArray) own = g_array_new(FALSE, FALSE, sizeof(hc_smaps_entry)); /* paths are not owned */
	unsigned before = 0, run = 0;

	account->is_own = g_byte_array_new();
	for (unsigned i = 0; i < account->mappings->len; i++) {
		hc_smaps_entry *entry = &g_array_index(account->mappings, hc_smaps_entry, i);
		const hc_smaps_entry *same = same_before(account->before, &before, entry);
		guint8 is;

		take_flags(entry, account->before, before);
		if (same)
			copy_figures(entry, same);
		is = is_own(entry, same);
		g_byte_array_append(account->is_own, &is, 1);
		if (is)
			g_array_append_val(own, *entry);
	}
	account->runs = account->by_words ? hc_capture_scan_pages(pid, own, true, NULL) :
					    hc_capture_scan_some_runs(pid, own);
	before = 0;
	for (unsigned i = 0; account->runs && i < account->mappings->len; i++) {
		hc_smaps_entry *entry = &g_array_index(account->mappings, hc_smaps_entry, i);
		const hc_smaps_entry *same = same_before(account->before, &before, entry);

		/* Of devices' pages smaps counts none. */
		if (account->is_own->data[i] && !entry->is_device)
			count_runs(entry, same, account->runs, &run);
	}
}

bool hc_account_stop(hc_account *account, pid_t pid, GError **error)
{
	account->maps = hc_proc_read(pid, "maps", NULL, error);
	if (!account->maps)
		return false;
	account->mappings = hc_smaps_parse(account->maps);
	scan_own(account, pid);
	return true;
}

/* ---- when it goes on ---- */

static bool is_equal(const hc_smaps_entry *a, const hc_smaps_entry *b)
{
	return a->resident == b->resident && a->anonymous == b->anonymous && a->swapped == b->swapped &&
	       a->huge_table == b->huge_table;
}

/* A mapping while its text is put together. */
typedef struct mapping_account {
	hc_smaps_entry *entry;			    /* of the moment; those that are not its own have no figures yet */
	const hc_smaps_entry *copy;		    /* the copy's; NULL: it has none */
	const hc_smaps_entry *same;		    /* just before; NULL: it has changed its place since */
	const smaps_block *copy_block, *same_block; /* NULL likewise */
	bool is_own, was_alone;			    /* the latter: of what was there just before nothing was shared */
} mapping_account;

/*
 * Whether what the copy has contradicts what was thought of the mapping while the process stood
 * still.
 */
static bool is_contradicted(const mapping_account *mapping)
{
	if (mapping->entry->not_forked)
		return false;
	return !mapping->copy || (mapping->copy->not_forked && !mapping->is_own);
}

static void append_mapping(GString *text, const mapping_account *mapping)
{
	hc_smaps_entry *entry = mapping->entry;

	if (!mapping->is_own && mapping->copy)
		copy_figures(entry, mapping->copy);
	if (mapping->same && is_equal(entry, mapping->same)) {
		copy_figures(entry, mapping->same);
		g_string_append_len(text, mapping->same_block->fields, (gssize)mapping->same_block->length);
		return;
	}
	entry->knows_proportional = mapping->was_alone && !mapping->is_own;
	entry->proportional = entry->knows_proportional ? entry->resident : 0;
	if (mapping->is_own) {
		append_figure(text, "Rss:", entry->resident);
		append_figure(text, "Anonymous:", entry->anonymous);
		if (entry->huge_table)
			append_figure(text, "Private_Hugetlb:", entry->huge_table);
		append_figure(text, "Swap:", entry->swapped);
		append_line(text, mapping->copy_block ? mapping->copy_block : mapping->same_block, "VmFlags:");
		return;
	}
	append_common(text, mapping->copy_block);
	if (entry->knows_proportional)
		append_figure(text, "Pss:", entry->proportional);
}

/* The entry of ENTRIES at START; NULL: there is none. *INDEX goes up with the address. */
static const hc_smaps_entry *entry_at(const GArray *entries, unsigned *index, uint64_t start)
{
	while (*index < entries->len && g_array_index(entries, hc_smaps_entry, *index).start < start)
		++*index;
	return *index < entries->len && g_array_index(entries, hc_smaps_entry, *index).start == start ?
		       &g_array_index(entries, hc_smaps_entry, *index) :
		       NULL;
}

/* smaps of the moment; NULL: the copy contradicts what was thought of a mapping. */
static char *merge_smaps(hc_account *account, const GArray *copies, const GArray *copy_blocks)
{
	g_autoptr(GArray) blocks = split_smaps(account->before_text, account->before);
	g_autoptr(GString) text = g_string_new(NULL);
	const char *line = account->maps;
	unsigned before = 0, at = 0, copy = 0;

	for (unsigned i = 0; i < account->mappings->len && blocks; i++, line = next_line(line)) {
		mapping_account mapping = { .entry = &g_array_index(account->mappings, hc_smaps_entry, i),
			.is_own = account->is_own->data[i] };
		const hc_smaps_entry *alone = entry_at(account->before, &at, mapping.entry->start);

		mapping.was_alone = alone && alone->knows_proportional && alone->proportional == alone->resident &&
				    alone->inode == mapping.entry->inode;
		mapping.same = same_before(account->before, &before, mapping.entry);
		mapping.same_block = mapping.same ? &g_array_index(blocks, smaps_block, before) : NULL;
		mapping.copy = entry_at(copies, &copy, mapping.entry->start);
		if (mapping.copy && mapping.copy->end != mapping.entry->end)
			mapping.copy = NULL;
		mapping.copy_block = mapping.copy ? &g_array_index(copy_blocks, smaps_block, copy) : NULL;
		if (is_contradicted(&mapping))
			return NULL;
		if (mapping.copy && !mapping.entry->not_forked)
			mapping.entry->excluded = mapping.copy->excluded;
		g_string_append_len(text, line, next_line(line) - line);
		append_mapping(text, &mapping);
	}
	return blocks ? g_strdup(text->str) : NULL;
}

/* Appends to RUNS those of FROM within [start, end). *INDEX goes up with the address. */
static void append_runs(GArray *runs, const GArray *from, unsigned *index, uint64_t start, uint64_t end)
{
	while (*index < from->len && g_array_index(from, hc_page_run, *index).end <= start)
		++*index;
	for (unsigned i = *index; i < from->len && g_array_index(from, hc_page_run, i).start < end; i++) {
		const hc_page_run *run = &g_array_index(from, hc_page_run, i);

		hc_page_runs_append(runs, MAX(run->start, start), MIN(run->end, end), run->kind);
	}
}

/* The pages of both: of each mapping those of whom its page tables are. NULL: of one not known. */
static GArray *merge_runs(const hc_account *account, const GArray *copies)
{
	GArray *runs = account->runs && copies ? g_array_new(FALSE, FALSE, sizeof(hc_page_run)) : NULL;
	unsigned own = 0, copy = 0;

	for (unsigned i = 0; runs && i < account->mappings->len; i++) {
		const hc_smaps_entry *entry = &g_array_index(account->mappings, hc_smaps_entry, i);

		if (account->is_own->data[i])
			append_runs(runs, account->runs, &own, entry->start, entry->end);
		else
			append_runs(runs, copies, &copy, entry->start, entry->end);
	}
	return runs;
}

bool hc_account_finish(hc_account *account, pid_t copy, bool *ret_lost, GError **error)
{
	g_autofree char *text = hc_proc_read(copy, "smaps", NULL, error);
	g_autoptr(GArray) copies = text ? hc_smaps_parse(text) : NULL, blocks = NULL, runs = NULL, merged = NULL;

	*ret_lost = false;
	if (!copies)
		return false;
	blocks = split_smaps(text, copies);
	account->smaps = blocks ? merge_smaps(account, copies, blocks) : NULL;
	if (!account->smaps) {
		*ret_lost = true;
		g_set_error(error, HC_ERROR, HC_ERROR_UNSUPPORTED,
			"what it keeps from its children changed while a copy of it was made");
		return false;
	}
	account->rollup = roll_up(account->smaps, account->mappings);
	runs = account->by_words ? hc_capture_scan_pages(copy, copies, true, account->known) :
				   hc_capture_scan_runs(copy, copies);
	merged = merge_runs(account, runs);
	g_clear_pointer(&account->runs, g_array_unref);
	account->runs = g_steal_pointer(&merged);
	return true;
}

GArray *hc_account_for_core(const hc_account *account)
{
	GArray *mappings = g_array_new(FALSE, FALSE, sizeof(hc_smaps_entry));

	for (unsigned i = 0; i < account->mappings->len; i++) {
		const hc_smaps_entry *entry = &g_array_index(account->mappings, hc_smaps_entry, i);

		if (!has_prefix(entry, "[vvar"))
			g_array_append_val(mappings, *entry);
	}
	return mappings;
}

/* ---- of a process that stands still all the time ---- */

/*
 * The kernel's walks over the page tables: for smaps, for the sum of it (kernels before 4.14 have
 * none), and for which pages there are. They don't hinder each other, so a thread of ours does the
 * last two meanwhile.
 */
typedef struct side_walks {
	pid_t pid;
	GArray *mappings;
	char *rollup; /* owned; NULL: there is none */
	GArray *runs; /* likewise */
} side_walks;

static void *walk_beside(void *data)
{
	side_walks *walks = data;

	walks->runs = hc_capture_scan_runs(walks->pid, walks->mappings);
	walks->rollup = hc_proc_read(walks->pid, "smaps_rollup", NULL, NULL);
	return NULL;
}

bool hc_account_read(hc_account *account, pid_t pid, GError **error)
{
	g_autofree char *maps = hc_proc_read(pid, "maps", NULL, error);
	g_autoptr(GArray) mappings = maps ? hc_smaps_parse(maps) : NULL;
	side_walks walks = { .pid = pid, .mappings = mappings };
	GThread *thread;

	if (!maps)
		return false;
	hc_account_clear_moment(account);
	thread = g_thread_try_new("walk", walk_beside, &walks, NULL);
	account->maps = g_steal_pointer(&maps);
	account->smaps = hc_proc_read(pid, "smaps", NULL, error);
	if (thread)
		g_thread_join(thread);
	else
		walk_beside(&walks);
	account->rollup = walks.rollup;
	account->runs = walks.runs;
	if (!account->smaps)
		return false;
	account->mappings = hc_smaps_parse(account->smaps);
	if (!account->runs)
		account->runs = hc_capture_scan_pages(pid, account->mappings, true, NULL);
	return true;
}

void hc_account_clear_moment(hc_account *account)
{
	g_clear_pointer(&account->maps, g_free);
	g_clear_pointer(&account->smaps, g_free);
	g_clear_pointer(&account->rollup, g_free);
	g_clear_pointer(&account->mappings, g_array_unref);
	g_clear_pointer(&account->runs, g_array_unref);
	g_clear_pointer(&account->is_own, g_byte_array_unref);
}

void hc_account_clear(hc_account *account)
{
	hc_account_clear_moment(account);
	g_clear_pointer(&account->before_text, g_free);
	g_clear_pointer(&account->before, g_array_unref);
	g_clear_pointer(&account->known, g_array_unref);
}
