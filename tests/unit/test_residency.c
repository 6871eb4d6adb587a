/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which pages were in memory: sums against a count page by page, the file against damage, and the two ways of asking the kernel against
 * its smaps and against what a child process did to its pages; and what is put together of a process that goes on and of a copy of it, against
 * what the kernel says of the process, which stands still in truth.
 */
#include "capture/capture_parts.h"
#include "core/residency.h"
#include "unit.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	PAGES = 600, /* of the address space that is counted page by page */
};

/* ---- sums ---- */

static GArray *make_runs(GRand *random, unsigned kinds[PAGES])
{
	static const unsigned some[] = { 0, 0, HC_PAGE_PRESENT, HC_PAGE_SWAPPED, HC_PAGE_PRESENT | HC_PAGE_ZERO,
		HC_PAGE_PRESENT | HC_PAGE_FILE, HC_PAGE_PRESENT | HC_PAGE_DIRTY };
	GArray *runs = g_array_new(FALSE, FALSE, sizeof(hc_page_run));
	unsigned kind = 0;

	for (unsigned i = 0; i < PAGES; i++) {
		if (g_rand_int_range(random, 0, 4) == 0)
			kind = some[g_rand_int_range(random, 0, G_N_ELEMENTS(some))];
		kinds[i] = kind;
		if (kind)
			hc_page_runs_append(runs, (hc_address)i * PAGE, (i + 1) * (hc_address)PAGE, kind);
	}
	return runs;
}

static hc_resident count_by_page(const unsigned kinds[PAGES], hc_address start, hc_address end)
{
	hc_resident sum = { 0, 0 };

	for (hc_address page = start / PAGE; page < PAGES && page * PAGE < end; page++) {
		uint64_t bytes = MIN(end, (page + 1) * PAGE) - MAX(start, page * PAGE);

		sum.resident += kinds[page] & HC_PAGE_PRESENT && !(kinds[page] & HC_PAGE_ZERO) ? bytes : 0;
		sum.swapped += kinds[page] & HC_PAGE_SWAPPED ? bytes : 0;
	}
	return sum;
}

static bool is_equal(hc_resident a, hc_resident b)
{
	return a.resident == b.resident && a.swapped == b.swapped;
}

static hc_residency *load(const GByteArray *contents, GError **error)
{
	return hc_residency_load(contents->data, contents->len, PAGE, error);
}

static void test_sums(void)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(17);

	for (unsigned round = 0; round < 20; round++) {
		unsigned kinds[PAGES], wrong = 0;
		g_autoptr(GArray) runs = make_runs(random, kinds);
		g_autoptr(GByteArray) contents = hc_page_runs_store(runs, PAGE);
		g_autoptr(hc_residency) residency = load(contents, NULL);
		size_t hint[2] = { 0, 0 }, any[2] = { 0, 0 };

		CU_ASSERT_PTR_NOT_NULL(residency);
		for (unsigned i = 0; residency && i < 2000; i++) {
			hc_address start = g_rand_int_range(random, 0, (PAGES + 4) * PAGE);
			hc_address end = start + g_rand_int_range(random, 0, i % 2 ? 3 * PAGE : PAGES * PAGE);
			hc_resident expected = count_by_page(kinds, start, end);

			wrong += !is_equal(hc_residency_of(residency, start, end), expected);
			wrong += !is_equal(hc_residency_next(residency, start, end, any), expected);
		}
		for (hc_address at = 0; residency && at < PAGES * PAGE;) {
			hc_address end = at + g_rand_int_range(random, 1, 2 * PAGE);

			wrong += !is_equal(hc_residency_next(residency, at, end, hint), count_by_page(kinds, at, end));
			at = end;
		}
		CU_ASSERT_EQUAL(wrong, 0);
	}
}

/* ---- the file ---- */

static void check_refused(const char *contents, size_t length, const char *part)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(hc_residency) residency = hc_residency_load(contents, length, PAGE, &error);

	CU_ASSERT_PTR_NULL(residency);
	UNIT_ASSERT_CONTAINS(error ? error->message : "", part);
}

static void test_refused(void)
{
	static const char run[] = "\x01\x02\x01";
#define FILE_OF(line, body) line body, sizeof(line body) - 1
	check_refused("", 0, "no such list");
	check_refused(FILE_OF("heapcore-snapshot 1 2 3\n", ""), "no such list");
	check_refused(FILE_OF("heapcore-pages 1 4096 1\n", ""), "no such list");
	check_refused(FILE_OF("heapcore-pages 1 4096 -1 3\n", "\x01\x02\x01"), "no such list");
	check_refused(FILE_OF("heapcore-pages 2 whatever\n", ""), "later heapcore");
	check_refused(FILE_OF("heapcore-pages 1 4096 1 4\n", "\x01\x02\x01"), "was cut");
	check_refused(FILE_OF("heapcore-pages 1 4096 1 3\n", "\x01\x02\x01\x01"), "contradicts itself");
	check_refused(FILE_OF("heapcore-pages 1 4096 2 3\n", "\x01\x02\x01"), "contradicts itself");
	check_refused(FILE_OF("heapcore-pages 1 4096 0 3\n", "\x01\x02\x01"), "contradicts itself");
	check_refused(FILE_OF("heapcore-pages 1 8192 1 3\n", "\x01\x02\x01"), "another size");
	check_refused(FILE_OF("heapcore-pages 1 0 1 3\n", "\x01\x02\x01"), "another size");
	check_refused(FILE_OF("heapcore-pages 1 4096 1 3\n", "\x01\x00\x01"), "damaged");
	check_refused(FILE_OF("heapcore-pages 1 4096 1 3\n", "\x01\x02\x03"), "damaged");
	check_refused(FILE_OF("heapcore-pages 1 4096 1 3\n", "\x01\x02\x41"), "damaged");
	check_refused(FILE_OF("heapcore-pages 1 4096 1 3\n", "\x81\x82\x81"), "damaged");
	/* The address space ends before the run does; a number of more than 64 bits. */
	check_refused(FILE_OF("heapcore-pages 1 4096 1 10\n", "\x01\xff\xff\xff\xff\xff\xff\xff\x0f\x01"), "damaged");
	check_refused(
		FILE_OF("heapcore-pages 1 4096 1 12\n", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x01\x01"), "damaged");
#undef FILE_OF
	g_autofree char *good = g_strconcat("heapcore-pages 1 4096 1 3\n", run, NULL);
	g_autoptr(hc_residency) residency = hc_residency_load(good, strlen(good), PAGE, NULL);

	CU_ASSERT_TRUE(residency && is_equal(hc_residency_of(residency, 0, UINT64_MAX), (hc_resident){ 2 * PAGE, 0 }));
}

/* Each byte of a file changed, and each beginning of it: refused, or sums that a process could have. */
static void test_damage(void)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(4);
	unsigned kinds[PAGES], whole = 0;
	g_autoptr(GArray) runs = make_runs(random, kinds);
	g_autoptr(GByteArray) contents = hc_page_runs_store(runs, PAGE);

	for (unsigned i = 0; i < contents->len; i++) {
		g_autofree guint8 *copy = g_memdup2(contents->data, contents->len);

		copy[i] ^= 1 << g_rand_int_range(random, 0, 8);
		for (unsigned length = i; length <= contents->len; length += contents->len - i) {
			g_autoptr(GError) error = NULL;
			g_autoptr(hc_residency) residency = hc_residency_load(copy, length, PAGE, &error);

			CU_ASSERT_EQUAL(residency == NULL, error != NULL);
			whole += residency != NULL;
			CU_ASSERT_TRUE(length == contents->len || !residency);
			if (residency)
				hc_residency_of(residency, PAGE, UINT64_MAX);
		}
	}
	CU_ASSERT_TRUE(whole > 0 && whole < contents->len);
}

/* ---- the kernel ---- */

/* What the child does to a mapping, page by page. */
typedef struct child_mapping {
	const char *what;
	int flags;
	uint64_t size;
	unsigned touched, read,
		dropped;    /* pages from the start on: written; read only; given back again of those written */
	unsigned step;	    /* only each STEP-th page is written; 0: each */
	hc_address address; /* in the child as here, which made it */
} child_mapping;

static void touch(const child_mapping *mapping)
{
	volatile char *bytes = (volatile char *)mapping->address;

	for (unsigned i = 0; i < mapping->touched; i++)
		bytes[(size_t)i * MAX(mapping->step, 1) * PAGE] = 1;
	for (unsigned i = 0; i < mapping->read; i++)
		(void)bytes[((size_t)mapping->touched + i) * PAGE];
	if (mapping->dropped)
		madvise((void *)mapping->address, (size_t)mapping->dropped * PAGE, MADV_DONTNEED);
}

static void map_all(child_mapping *mappings, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		void *at = mmap(NULL, mappings[i].size, PROT_READ | PROT_WRITE,
			mappings[i].flags | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		CU_ASSERT_TRUE(at != MAP_FAILED);
		mappings[i].address = (hc_address)at;
		madvise(at, mappings[i].size, MADV_NOHUGEPAGE);
	}
}

/* It stops when it has done all that: calls that it made from then on would look up names in all libraries, which maps their pages. */
static pid_t start_child(child_mapping *mappings, unsigned count)
{
	map_all(mappings, count);
	pid_t child = fork();

	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned i = 0; i < count; i++)
		touch(&mappings[i]);
	raise(SIGSTOP);
	_exit(1);
}

static uint64_t bytes_of(const GArray *runs, hc_address start, hc_address end, unsigned mask, unsigned value)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < runs->len; i++) {
		const hc_page_run *run = &g_array_index(runs, hc_page_run, i);

		if ((run->kind & mask) == value && run->end > start && run->start < end)
			sum += MIN(run->end, end) - MAX(run->start, start);
	}
	return sum;
}

#ifdef __SANITIZE_ADDRESS__
enum {
	IS_SHADOWED = true
};
#else
enum {
	IS_SHADOWED = false
};
#endif

static void check_scan(pid_t child, const child_mapping *mappings, unsigned count, bool by_words)
{
	g_autofree char *smaps = hc_proc_read(child, "smaps", NULL, NULL);
	g_autoptr(GArray) entries = hc_smaps_parse(smaps);
	g_autoptr(GArray) runs = hc_capture_scan_pages(child, entries, by_words, NULL);

	if (!runs) {
		/* Word by word that takes too long of the terabytes that AddressSanitizer reserves. */
		if (!by_words || !IS_SHADOWED)
			CU_FAIL("the kernel does not tell");
		return;
	}
	for (unsigned i = 0; i < count; i++) {
		const child_mapping *mapping = &mappings[i];
		hc_address start = mapping->address, end = start + mapping->size;
		uint64_t present = bytes_of(runs, start, end, HC_PAGE_PRESENT | HC_PAGE_ZERO, HC_PAGE_PRESENT);

		if (present != (uint64_t)(mapping->touched - mapping->dropped) * PAGE)
			printf("\n%s: %" PRIu64 " bytes\n", mapping->what, present);
		CU_ASSERT_EQUAL(present, (uint64_t)(mapping->touched - mapping->dropped) * PAGE);
	}
	for (unsigned i = 0; i < entries->len; i++) {
		const hc_smaps_entry *entry = &g_array_index(entries, hc_smaps_entry, i);
		uint64_t present =
			bytes_of(runs, entry->start, entry->end, HC_PAGE_PRESENT | HC_PAGE_ZERO, HC_PAGE_PRESENT);

		if (present != entry->resident)
			printf("\n%s at %" PRIx64 ": %" PRIu64 ", smaps %" PRIu64 "\n", entry->path, entry->start,
				present, entry->resident);
		CU_ASSERT_EQUAL(present, entry->resident);
	}
}

static void test_kernel(void)
{
	child_mapping mappings[] = {
		{ "touched", MAP_PRIVATE, 50 * PAGE, 50, 0, 0, 0, 0 },
		{ "in part", MAP_PRIVATE, 1000 * PAGE, 100, 0, 0, 0, 0 },
		{ "given back", MAP_PRIVATE, 300 * PAGE, 300, 0, 120, 0, 0 },
		{ "read only", MAP_PRIVATE, 64 * PAGE, 20, 44, 0, 0, 0 },
		{ "shared", MAP_SHARED, 40 * PAGE, 30, 0, 0, 0, 0 },
		{ "reserved", MAP_PRIVATE, UINT64_C(1) << 40, 3, 2, 0, 0, 0 },
		/* More runs than the kernel tells in one call. */
		{ "here and there", MAP_PRIVATE, 30000 * PAGE, 9000, 0, 0, 3, 0 },
	};
	pid_t child = start_child(mappings, G_N_ELEMENTS(mappings));
	int status;

	if (child > 0 && waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status)) {
		check_scan(child, mappings, G_N_ELEMENTS(mappings), false);
		check_scan(child, mappings, G_N_ELEMENTS(mappings), true);
	} else {
		CU_FAIL("no child");
	}
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
}

/* ---- a process and a copy of it ---- */

/* What was there before it moved, what then is, and what its children do not have. */
static void touch_and_move(const child_mapping mappings[], unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		touch(&mappings[i]);
	raise(SIGSTOP);
	for (unsigned i = 0; i + 1 < count; i += 2) {
		child_mapping more = mappings[i];

		more.touched += 7;
		more.dropped = more.read = 0;
		touch(&more);
	}
	if (!fork())
		raise(SIGSTOP);
	raise(SIGSTOP);
	_exit(1);
}

static bool wait_for_stop(pid_t child)
{
	int status;

	return waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status);
}

/* The child of PROCESS, once it has the STATE. */
static pid_t copy_of(pid_t process, const char *state)
{
	g_autofree char *name = g_strdup_printf("task/%d/children", (int)process);

	for (unsigned tries = 0; tries < 2000; tries++) {
		g_autofree char *children = hc_proc_read(process, name, NULL, NULL);
		pid_t copy = (pid_t)g_ascii_strtoll(children ? children : "", NULL, 10);
		g_autofree char *status = copy > 0 ? hc_proc_read(copy, "status", NULL, NULL) : NULL;

		if (status && strstr(status, state))
			return copy;
		g_usleep(5000);
	}
	return -1;
}

static bool is_same_entry(const hc_smaps_entry *a, const hc_smaps_entry *b)
{
	return a->start == b->start && a->end == b->end && a->resident == b->resident && a->anonymous == b->anonymous &&
	       a->swapped == b->swapped && a->not_forked == b->not_forked && a->excluded == b->excluded &&
	       (b->inode || !a->knows_proportional || a->proportional < a->resident ||
		       a->proportional == b->proportional); /* of what was shared with us it may have got its own */
}

/* What ACCOUNT has, as it is in memory and as text, is what the kernel says of PROCESS, which has not moved since. */
static void compare_with_kernel(const hc_account *account, pid_t process)
{
	g_autofree char *text = hc_proc_read(process, "smaps", NULL, NULL);
	g_autoptr(GArray) wanted = hc_smaps_parse(text), told = hc_smaps_parse(account->smaps);
	g_autoptr(GArray) runs = hc_capture_scan_runs(process, wanted);
	unsigned unknown = 0;

	CU_ASSERT_EQUAL(account->mappings->len, wanted->len);
	CU_ASSERT_EQUAL(told->len, wanted->len);
	for (unsigned i = 0; i < MIN(told->len, wanted->len); i++) {
		const hc_smaps_entry *entry = &g_array_index(wanted, hc_smaps_entry, i);
		bool is_same = is_same_entry(&g_array_index(account->mappings, hc_smaps_entry, i), entry) &&
			       is_same_entry(&g_array_index(told, hc_smaps_entry, i), entry);

		if (!is_same)
			printf("\n%s at %" PRIx64 ": %" PRIu64 ", the kernel %" PRIu64 "\n", entry->path, entry->start,
				g_array_index(told, hc_smaps_entry, i).resident, entry->resident);
		CU_ASSERT_TRUE(is_same);
		unknown += !g_array_index(told, hc_smaps_entry, i).knows_proportional;
	}
	/* Of what is not anonymous and moved: shared memory. */
	CU_ASSERT_TRUE(unknown > 0 && unknown < 10);
	if (account->by_words) {
		CU_ASSERT_TRUE(IS_SHADOWED || account->runs);
		return;
	}
	g_autoptr(GByteArray) one = hc_page_runs_store(account->runs, PAGE), two = hc_page_runs_store(runs, PAGE);

	CU_ASSERT_TRUE(one->len == two->len && !memcmp(one->data, two->data, one->len));
}

/* PROCESS was stopped when it had touched its pages, before it moves. */
static void check_account(pid_t process, bool by_words)
{
	hc_account account = { .by_words = by_words };
	pid_t copy;
	bool lost = true, known;

	CU_ASSERT_TRUE(hc_account_prepare(&account, process, NULL));
	hc_account_prepare_copy(&account, process);
	kill(process, SIGCONT);
	copy = wait_for_stop(process) ? copy_of(process, "State:\tT") : -1;
	known = copy > 0 && hc_account_stop(&account, process, NULL) && hc_account_finish(&account, copy, &lost, NULL);
	CU_ASSERT_TRUE(known && !lost);
	if (copy > 0)
		kill(copy, SIGKILL);
	if (known && copy_of(process, "State:\tZ") > 0)
		compare_with_kernel(&account, process);
	hc_account_clear(&account);
}

static void check_copy(bool by_words)
{
	child_mapping mappings[] = {
		{ "private, moves", MAP_PRIVATE, 500 * PAGE, 50, 0, 0, 0, 0 },
		{ "private", MAP_PRIVATE, 1000 * PAGE, 100, 40, 30, 0, 0 },
		{ "shared, moves", MAP_SHARED, 400 * PAGE, 30, 0, 0, 0, 0 },
		{ "shared", MAP_SHARED, 40 * PAGE, 30, 0, 0, 0, 0 },
		{ "private too, moves", MAP_PRIVATE, UINT64_C(1) << 40, 30, 0, 0, 3, 0 },
		{ "zeros", MAP_PRIVATE, 100 * PAGE, 0, 44, 0, 0, 0 },
		{ "not for children, moves", MAP_PRIVATE, 100 * PAGE, 20, 0, 0, 0, 0 },
		{ "wiped in children", MAP_PRIVATE, 100 * PAGE, 60, 0, 0, 2, 0 },
	};
	pid_t process;

	map_all(mappings, G_N_ELEMENTS(mappings));
	process = fork();
	if (!process) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		madvise((void *)mappings[6].address, mappings[6].size, MADV_DONTFORK);
		madvise((void *)mappings[7].address, mappings[7].size, MADV_WIPEONFORK);
		touch_and_move(mappings, G_N_ELEMENTS(mappings));
	}
	if (process > 0 && wait_for_stop(process))
		check_account(process, by_words);
	else
		CU_FAIL("no child");
	if (process > 0) {
		kill(process, SIGKILL);
		waitpid(process, NULL, 0);
	}
	for (unsigned i = 0; i < G_N_ELEMENTS(mappings); i++)
		munmap((void *)mappings[i].address, mappings[i].size);
}

static void test_copy(void)
{
	check_copy(false);
}

static void test_copy_by_words(void)
{
	check_copy(true);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "sums", test_sums },
		{ "refused", test_refused },
		{ "damage", test_damage },
		{ "kernel", test_kernel },
		{ "a copy", test_copy },
		{ "a copy, by words", test_copy_by_words },
	};

	return unit_main("residency", cases, G_N_ELEMENTS(cases));
}
