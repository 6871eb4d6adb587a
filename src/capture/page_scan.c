/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which pages of a stopped process are in memory?
 *
 * Two ways. The kernel's PAGEMAP_SCAN (Linux 6.7, Documentation/admin-guide/mm/pagemap.rst) tells runs of pages that are alike, for the
 * whole address space, and steps over what has no page tables, so that a reserved terabyte costs nothing. It also knows the page of zeros
 * that all processes share, which smaps does not count as resident.
 *
 * Older kernels have a word for each page in /proc/PID/pagemap. Of mappings where smaps says that
 * something is in memory or swapped out, these are read, up to the page where all of it has been
 * met. They do not tell the page of zeros: a page that is present, no file's and not exclusively
 * this process's is one, or shared with a child after fork(). If smaps counts all of such pages of
 * a mapping they are shared, if it counts none they are zeros; else those are taken for zeros that
 * hold zeros. Whether that adds up the reader sees. Of a copy that fork(2) made every page is such
 * a one: it helps to know which ones the process had for itself before.
 *
 * The second way stops after some seconds, for the process stands still: then there is no list at all, not half of one.
 */
#include "capture/capture_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	REGIONS_PER_CALL = 4096,
	PAGES_PER_READ = 1 << 16, /* words of pagemap */
	SECONDS_MOST = 2,	  /* of the second way */
	RUNS_MOST = 1 << 25,
};

#define NOTHING_MOST (UINT64_C(16) << 30) /* bytes without a page */

/* The kernel's own interface, linux/fs.h; here because build machines have older headers. */
struct scan_region {
	uint64_t start, end, categories;
};

struct scan_request {
	uint64_t size, flags, start, end, walk_end, regions, region_count, max_pages;
	uint64_t inverted, mask, any_of_mask, return_mask;
};

#define SCAN_REQUEST _IOWR('f', 16, struct scan_request)

enum { /* categories */
	SCAN_FILE = 1 << 2,
	SCAN_PRESENT = 1 << 3,
	SCAN_SWAPPED = 1 << 4,
	SCAN_ZERO = 1 << 5,
	SCAN_HUGE = 1 << 6,
	SCAN_DIRTY = 1 << 7, /* later than the others */
	SCAN_GUARD = 1 << 8, /* later still: pages that MADV_GUARD_INSTALL made, which look swapped out */
};

/* Bits of a word of pagemap: proc(5) and pagemap.rst. */
#define WORD_PRESENT   (UINT64_C(1) << 63)
#define WORD_SWAPPED   (UINT64_C(1) << 62)
#define WORD_FILE      (UINT64_C(1) << 61)
#define WORD_GUARD     (UINT64_C(1) << 58)
#define WORD_EXCLUSIVE (UINT64_C(1) << 56)
#define WORD_DIRTY     (UINT64_C(1) << 55)

typedef struct page_scan {
	int pagemap, memory; /* descriptors; memory may be -1 */
	uint64_t page_size;
	GArray *runs;	     /* of hc_page_run */
	const GArray *known; /* likewise: those with a page of its own are no zeros; may be NULL */
	unsigned next_known; /* the first of them that does not end before where we are */
	gint64 deadline;
} page_scan;

/* ---- PAGEMAP_SCAN ---- */

static unsigned kind_of_categories(uint64_t categories)
{
	unsigned kind = 0;

	if (categories & SCAN_GUARD)
		return 0;
	kind |= categories & SCAN_PRESENT ? HC_PAGE_PRESENT : 0;
	kind |= categories & SCAN_SWAPPED && !kind ? HC_PAGE_SWAPPED : 0;
	kind |= categories & SCAN_FILE ? HC_PAGE_FILE : 0;
	kind |= categories & SCAN_ZERO ? HC_PAGE_ZERO : 0;
	kind |= categories & SCAN_HUGE ? HC_PAGE_HUGE : 0;
	kind |= categories & SCAN_DIRTY ? HC_PAGE_DIRTY : 0;
	return kind;
}

/*
 * FALSE, with errno: the kernel cannot do it, or not with these categories. What the kernel says of where it stopped is right only if there
 * was no room for more regions: else it may be where it last paused, and all was walked.
 */
static bool scan_range(page_scan *scan, uint64_t start, uint64_t end, uint64_t categories, struct scan_region *regions)
{
	while (start < end && scan->runs->len < RUNS_MOST) {
		struct scan_request request = {
			.size = sizeof request,
			.start = start,
			.end = end,
			.regions = (uintptr_t)regions,
			.region_count = REGIONS_PER_CALL,
			.any_of_mask = SCAN_PRESENT | SCAN_SWAPPED,
			.return_mask = categories,
		};
		int count = ioctl(scan->pagemap, SCAN_REQUEST, &request);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0 || count > REGIONS_PER_CALL)
			return false;
		for (int i = 0; i < count; i++) {
			unsigned kind = kind_of_categories(regions[i].categories);

			if (kind)
				hc_page_runs_append(scan->runs, regions[i].start, regions[i].end, kind);
		}
		if (count < REGIONS_PER_CALL)
			return true;
		start = MAX(request.walk_end, regions[count - 1].end);
	}
	return start >= end;
}

/*
 * The ranges of MAPPINGS, which are in order of address: WHOLE, all as one, with what lies between;
 * else those that touch.
 */
static GArray *ranges_of(const GArray *mappings, bool whole)
{
	GArray *ranges = g_array_new(FALSE, FALSE, sizeof(hc_range));

	for (unsigned i = 0; i < mappings->len; i++) {
		const hc_smaps_entry *entry = &g_array_index(mappings, hc_smaps_entry, i);
		hc_range range = { entry->start, entry->end }, *last;

		if (entry->end > INT64_MAX)
			continue; /* vsyscall's page is none of the process's */
		last = ranges->len ? &g_array_index(ranges, hc_range, ranges->len - 1) : NULL;
		if (last && (whole || last->end == entry->start))
			last->end = entry->end;
		else
			g_array_append_val(ranges, range);
	}
	return ranges;
}

static bool scan_ranges(page_scan *scan, const GArray *ranges, uint64_t categories, struct scan_region *regions)
{
	for (unsigned i = 0; i < ranges->len; i++) {
		const hc_range *range = &g_array_index(ranges, hc_range, i);

		if (!scan_range(scan, range->start, range->end, categories, regions))
			return false;
	}
	return true;
}

static bool scan_all(page_scan *scan, const GArray *ranges)
{
	static const uint64_t categories = SCAN_FILE | SCAN_PRESENT | SCAN_SWAPPED | SCAN_ZERO | SCAN_HUGE;
	static const uint64_t more[] = { SCAN_DIRTY | SCAN_GUARD, SCAN_DIRTY, 0 };
	g_autofree struct scan_region *regions = g_new(struct scan_region, REGIONS_PER_CALL);

	for (unsigned i = 0; i < G_N_ELEMENTS(more); i++) {
		g_array_set_size(scan->runs, 0);
		if (scan_ranges(scan, ranges, categories | more[i], regions))
			return true;
		if (errno != EINVAL)
			break;
	}
	g_array_set_size(scan->runs, 0);
	return false;
}

/* ---- a word for each page ---- */

static unsigned kind_of_word(uint64_t word)
{
	unsigned kind = 0;

	if (word & WORD_GUARD)
		return 0;
	kind |= word & WORD_PRESENT ? HC_PAGE_PRESENT : word & WORD_SWAPPED ? HC_PAGE_SWAPPED : 0;
	if (!kind)
		return 0;
	kind |= word & WORD_FILE ? HC_PAGE_FILE : 0;
	kind |= word & WORD_DIRTY ? HC_PAGE_DIRTY : 0;
	/* Until all of the mapping is known: see resolve_zeros(). */
	kind |= kind & HC_PAGE_PRESENT && !(word & (WORD_FILE | WORD_EXCLUSIVE)) ? HC_PAGE_ZERO : 0;
	return kind;
}

/* Whether the process had a page at ADDRESS for itself, which is no page of zeros. */
static bool is_known(page_scan *scan, uint64_t address)
{
	const hc_page_run *run;

	while (scan->known && scan->next_known < scan->known->len &&
		g_array_index(scan->known, hc_page_run, scan->next_known).end <= address)
		scan->next_known++;
	if (!scan->known || scan->next_known == scan->known->len)
		return false;
	run = &g_array_index(scan->known, hc_page_run, scan->next_known);
	return run->start <= address && (run->kind & (HC_PAGE_PRESENT | HC_PAGE_ZERO)) == HC_PAGE_PRESENT;
}

/* The pages of ENTRY, up to where all that smaps tells was met. */
static bool read_words(page_scan *scan, const hc_smaps_entry *entry, uint64_t *words)
{
	uint64_t wanted = entry->resident + entry->swapped + entry->huge_table, met = 0, seen = 0, last = entry->start;

	for (uint64_t at = entry->start; at < entry->end && met < wanted;) {
		size_t want = MIN((entry->end - at) / scan->page_size, PAGES_PER_READ);
		ssize_t got = pread(scan->pagemap, words, want * sizeof *words, at / scan->page_size * sizeof *words);
		size_t count = got > 0 ? (size_t)got / sizeof *words : 0;

		if (got < 0 && errno == EINTR)
			continue;
		if (!count || g_get_monotonic_time() > scan->deadline || scan->runs->len >= RUNS_MOST)
			return false;
		for (size_t i = 0; i < count; i++, at += scan->page_size) {
			unsigned kind = kind_of_word(words[i]);

			if (!kind)
				continue;
			if (kind & HC_PAGE_ZERO && is_known(scan, at))
				kind &= ~(unsigned)HC_PAGE_ZERO;
			hc_page_runs_append(scan->runs, at, at + scan->page_size, kind);
			/* What may be a page of zeros may not be among what smaps counts. */
			met += kind & HC_PAGE_ZERO ? 0 : scan->page_size;
			seen += scan->page_size;
			last = at;
		}
		/* As many pages as there are, and no more of them for long. */
		if (seen >= wanted && at - last > NOTHING_MOST)
			return true;
	}
	return true;
}

static bool holds_zeros(const page_scan *scan, uint64_t address, guint8 *buffer)
{
	return pread(scan->memory, buffer, scan->page_size, (off_t)address) == (ssize_t)scan->page_size && !buffer[0] &&
	       !memcmp(buffer, buffer + 1, scan->page_size - 1);
}

/* The runs from FIRST on, which are one mapping's, anew: pages that may be of zeros are, if they hold zeros. */
static void look_for_zeros(page_scan *scan, unsigned first)
{
	unsigned count = scan->runs->len - first;
	g_autofree hc_page_run *before =
		g_memdup2(&g_array_index(scan->runs, hc_page_run, first), count * sizeof *before);
	g_autofree guint8 *buffer = g_malloc(scan->page_size);

	g_array_set_size(scan->runs, first);
	for (unsigned i = 0; i < count; i++) {
		if (!(before[i].kind & HC_PAGE_ZERO)) {
			hc_page_runs_append(scan->runs, before[i].start, before[i].end, before[i].kind);
			continue;
		}
		for (uint64_t at = before[i].start; at < before[i].end; at += scan->page_size)
			hc_page_runs_append(scan->runs, at, at + scan->page_size,
				holds_zeros(scan, at, buffer) ? before[i].kind : before[i].kind & ~HC_PAGE_ZERO);
	}
}

/* Which of the pages that may be of zeros are, in the runs from FIRST on: those of ENTRY. */
static void resolve_zeros(page_scan *scan, const hc_smaps_entry *entry, unsigned first)
{
	uint64_t certain = 0, possible = 0, wanted = entry->resident + entry->huge_table;

	for (unsigned i = first; i < scan->runs->len; i++) {
		const hc_page_run *run = &g_array_index(scan->runs, hc_page_run, i);

		if (run->kind & HC_PAGE_ZERO)
			possible += run->end - run->start;
		else if (run->kind & HC_PAGE_PRESENT)
			certain += run->end - run->start;
	}
	if (!possible || wanted <= certain)
		return;
	if (wanted < certain + possible && scan->memory >= 0)
		return look_for_zeros(scan, first);
	for (unsigned i = first; i < scan->runs->len; i++)
		g_array_index(scan->runs, hc_page_run, i).kind &= ~HC_PAGE_ZERO;
}

static bool read_all(page_scan *scan, const GArray *mappings)
{
	g_autofree uint64_t *words = g_new(uint64_t, PAGES_PER_READ);

	scan->deadline = g_get_monotonic_time() + SECONDS_MOST * G_USEC_PER_SEC;
	for (unsigned i = 0; i < mappings->len; i++) {
		const hc_smaps_entry *entry = &g_array_index(mappings, hc_smaps_entry, i);
		unsigned first = scan->runs->len;

		if (!read_words(scan, entry, words))
			return false;
		resolve_zeros(scan, entry, first);
	}
	return true;
}

/* ---- both ---- */

static int open_proc(pid_t pid, const char *name)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/%s", (int)pid, name);

	return open(path, O_RDONLY | O_CLOEXEC);
}

static bool open_scan(page_scan *scan, pid_t pid)
{
	*scan = (page_scan){ .page_size = sysconf(_SC_PAGESIZE), .memory = -1 };
	scan->pagemap = open_proc(pid, "pagemap");
	if (scan->pagemap < 0)
		return false;
	scan->memory = open_proc(pid, "mem");
	scan->runs = g_array_new(FALSE, FALSE, sizeof(hc_page_run));
	return true;
}

/* The runs, if they are KNOWN. */
static GArray *close_scan(page_scan *scan, bool known)
{
	if (scan->memory >= 0)
		close(scan->memory);
	close(scan->pagemap);
	if (known && scan->runs->len < RUNS_MOST)
		return scan->runs;
	g_array_unref(scan->runs);
	return NULL;
}

static GArray *scan_runs(pid_t pid, const GArray *mappings, bool whole)
{
	g_autoptr(GArray) ranges = ranges_of(mappings, whole);
	page_scan scan;

	return open_scan(&scan, pid) ? close_scan(&scan, scan_all(&scan, ranges)) : NULL;
}

GArray *hc_capture_scan_runs(pid_t pid, const GArray *mappings)
{
	return scan_runs(pid, mappings, true);
}

GArray *hc_capture_scan_some_runs(pid_t pid, const GArray *mappings)
{
	return scan_runs(pid, mappings, false);
}

bool hc_capture_can_scan_runs(void)
{
	uint64_t page = sysconf(_SC_PAGESIZE), here = (uintptr_t)&page / page * page;
	const hc_smaps_entry entry = { .start = here, .end = here + page };
	g_autoptr(GArray) mappings = g_array_new(FALSE, FALSE, sizeof entry), runs = NULL;

	g_array_append_val(mappings, entry);
	runs = hc_capture_scan_runs(getpid(), mappings);
	return runs != NULL;
}

GArray *hc_capture_scan_pages(pid_t pid, const GArray *mappings, bool by_words, const GArray *known)
{
	g_autoptr(GArray) runs = by_words ? NULL : hc_capture_scan_runs(pid, mappings);
	page_scan scan;

	if (runs)
		return g_steal_pointer(&runs);
	if (!open_scan(&scan, pid))
		return NULL;
	scan.known = known;
	return close_scan(&scan, read_all(&scan, mappings));
}
