/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading a capture's files back. They may be anything: what makes no sense is unknown. */
#include "capture/capture_parts.h"

#include "base/file.h"

#include <string.h>

enum {
	SOCKETS_MAX = 1 << 20,
	TICK = 1024, /* "kB" of /proc */
};

static char *read_text(const char *folder, const char *name)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);

	return hc_file_read(path, HC_PROC_FILE_LIMIT, NULL, NULL);
}

static const char *keep(hc_side_facts *facts, const char *text)
{
	return g_string_chunk_insert(facts->tables->strings, text);
}

static uint64_t scaled_field(const char *text, const char *key, uint64_t unit)
{
	uint64_t number;

	return text && hc_proc_field(text, key, &number) && number < UINT64_MAX / unit ? number * unit :
											 HC_FACT_UNKNOWN;
}

static void read_smaps(hc_side_facts *facts, const char *folder)
{
	g_autofree char *text = read_text(folder, "smaps");
	g_autoptr(GArray) entries = NULL;

	if (!text)
		return;
	entries = hc_smaps_parse(text);
	if (!entries->len)
		return;
	facts->resident = facts->proportional = facts->swapped = facts->anonymous = 0;
	for (unsigned i = 0; i < entries->len; i++) {
		const hc_smaps_entry *entry = &g_array_index(entries, hc_smaps_entry, i);

		facts->resident += entry->resident;
		if (entry->resident && !entry->knows_proportional)
			facts->proportional = HC_FACT_UNKNOWN;
		else if (facts->proportional != HC_FACT_UNKNOWN)
			facts->proportional += entry->proportional;
		facts->swapped += entry->swapped;
		facts->anonymous += entry->anonymous;
	}
}

static int compare_sockets(const void *a, const void *b)
{
	const hc_socket_fact *x = a, *y = b;

	if (x->unread != y->unread)
		return x->unread < y->unread ? 1 : -1;
	if (x->unsent != y->unsent)
		return x->unsent < y->unsent ? 1 : -1;
	return (x->descriptor > y->descriptor) - (x->descriptor < y->descriptor);
}

static void add_socket(hc_side_facts *facts, hc_socket_fact *socket)
{
	hc_socket_sum *sum = &facts->sockets[socket->kind];

	socket->unread = MIN(socket->unread, UINT32_MAX); /* the kernel's own bound: keeps sums from overflowing */
	socket->unsent = MIN(socket->unsent, UINT32_MAX);
	socket->local = keep(facts, socket->local);
	socket->remote = keep(facts, socket->remote);
	sum->count++;
	sum->waiting += socket->unread ? 1 : 0;
	sum->unread += socket->unread;
	sum->unsent += socket->unsent;
	facts->unread += socket->unread;
	facts->unsent += socket->unsent;
	g_array_append_val(facts->tables->sockets, *socket);
}

static void read_sockets(hc_side_facts *facts, const char *folder)
{
	g_autofree char *text = read_text(folder, "sockets"), *descriptors = read_text(folder, "descriptors");
	char *rest = NULL;

	if (descriptors) {
		facts->descriptors = 0;
		for (const char *at = descriptors; (at = strchr(at, '\n')); at++)
			facts->descriptors++;
	}
	if (!text)
		return;
	facts->unread = facts->unsent = 0;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		hc_socket_fact socket;
		g_autofree char *local = NULL, *remote = NULL;

		if (facts->tables->sockets->len < SOCKETS_MAX && hc_sockets_parse(line, &socket, &local, &remote))
			add_socket(facts, &socket);
	}
	g_array_sort(facts->tables->sockets, compare_sockets);
}

/* One file of the control group, of version 2 or 1. */
static void read_cgroup_file(hc_side_facts *facts, const char *name, const char *text)
{
	const struct {
		const char *name;
		uint64_t *number;
	} files[] = {
		{ "memory.current", &facts->cgroup_used },
		{ "memory.usage_in_bytes", &facts->cgroup_used },
		{ "memory.max", &facts->cgroup_limit },
		{ "memory.limit_in_bytes", &facts->cgroup_limit },
		{ "memory.kmem.usage_in_bytes", &facts->cgroup_kernel },
		{ "memory.kmem.tcp.usage_in_bytes", &facts->cgroup_sockets },
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(files); i++) {
		if (!strcmp(name, files[i].name) && g_ascii_isdigit(*text))
			*files[i].number = g_ascii_strtoull(text, NULL, 10);
	}
	if (facts->cgroup_limit != HC_FACT_UNKNOWN && facts->cgroup_limit >= INT64_MAX / 2)
		facts->cgroup_limit = HC_FACT_UNKNOWN; /* version 1 says "none" so */
	if (strcmp(name, "memory.stat"))
		return;
	if (facts->cgroup_kernel == HC_FACT_UNKNOWN)
		facts->cgroup_kernel = scaled_field(text, "kernel ", 1);
	if (facts->cgroup_sockets == HC_FACT_UNKNOWN)
		facts->cgroup_sockets = scaled_field(text, "sock ", 1);
}

/* Files one after the other, each below a line "# PATH". */
static void read_cgroup(hc_side_facts *facts, const char *folder)
{
	g_autofree char *text = read_text(folder, "cgroup");
	g_auto(GStrv) files = g_strsplit(text ? text : "", "# ", -1);

	for (char **file = files; *file; file++) {
		char *end = strchr(*file, '\n');
		g_autofree char *name = NULL;

		if (!end)
			continue;
		*end = '\0';
		name = g_path_get_basename(*file);
		if (g_str_has_prefix(name, "memory.") && !facts->cgroup) {
			g_autofree char *group = g_path_get_dirname(*file);

			facts->cgroup = keep(facts, group);
		}
		read_cgroup_file(facts, name, end + 1);
	}
}

/* "UDP: inuse 2 mem 3": pages behind the word mem. */
static uint64_t buffer_pages(const char *text, const char *key, uint64_t page_size)
{
	const char *line = text ? strstr(text, key) : NULL;
	const char *end = line ? strchrnul(line, '\n') : NULL, *number = line ? strstr(line, " mem ") : NULL;

	return number && number < end ? MIN(g_ascii_strtoull(number + 5, NULL, 10), UINT32_MAX) * page_size :
					HC_FACT_UNKNOWN;
}

static void read_machine(hc_side_facts *facts, const char *folder, uint64_t page_size)
{
	g_autofree char *memory = read_text(folder, "meminfo"), *sockets = read_text(folder, "sockstat");
	g_autofree char *status = read_text(folder, "status");

	facts->available = scaled_field(memory, "MemAvailable:", TICK);
	facts->slab = scaled_field(memory, "Slab:", TICK);
	facts->slab_unreclaimable = scaled_field(memory, "SUnreclaim:", TICK);
	facts->tcp_buffers = buffer_pages(sockets, "TCP:", page_size);
	facts->udp_buffers = buffer_pages(sockets, "UDP:", page_size);
	facts->page_tables = scaled_field(status, "VmPTE:", TICK);
	facts->threads = scaled_field(status, "Threads:", 1);
}

/* capture.ini in FOLDER; CORE is the core's name, or NULL: any. */
static GKeyFile *read_description(const char *folder, const char *core, GError **error)
{
	g_autofree char *path = g_build_filename(folder, "capture.ini", NULL), *name = NULL;
	g_autoptr(GKeyFile) file = hc_file_read_keys(path, 1 << 16, error);
	int format;

	if (!file)
		return NULL;
	name = g_key_file_get_string(file, "capture", "core", NULL);
	format = g_key_file_get_integer(file, "capture", "format", NULL);
	if (!name || format < 1) {
		g_set_error(error, HC_ERROR, HC_ERROR_BAD_DATA, "%s does not describe a capture", path);
		return NULL;
	}
	if (format > HC_CAPTURE_FORMAT) {
		g_set_error(error, HC_ERROR, HC_ERROR_UNSUPPORTED, "%s was written by a later heapcore (format %d)",
			path, format);
		return NULL;
	}
	if (core && strcmp(core, name) && !hc_core_is_same_captures(core, name)) {
		g_set_error(error, HC_ERROR, HC_ERROR_IO, "%s is of another core, %s", path, name);
		return NULL;
	}
	return g_steal_pointer(&file);
}

void hc_side_facts_numbers(hc_side_facts *facts, uint64_t *ret_numbers[HC_SIDE_FACTS_NUMBERS])
{
	uint64_t *const numbers[HC_SIDE_FACTS_NUMBERS] = { &facts->resident, &facts->proportional, &facts->swapped,
		&facts->anonymous, &facts->page_tables, &facts->threads, &facts->descriptors, &facts->unread,
		&facts->unsent, &facts->cgroup_used, &facts->cgroup_limit, &facts->cgroup_kernel,
		&facts->cgroup_sockets, &facts->available, &facts->slab, &facts->slab_unreclaimable,
		&facts->tcp_buffers, &facts->udp_buffers };

	memcpy(ret_numbers, numbers, sizeof numbers);
}

hc_side_facts *hc_side_facts_new(void)
{
	hc_side_facts *facts = g_new0(hc_side_facts, 1);
	uint64_t *numbers[HC_SIDE_FACTS_NUMBERS];

	hc_side_facts_numbers(facts, numbers);
	for (unsigned i = 0; i < HC_SIDE_FACTS_NUMBERS; i++)
		*numbers[i] = HC_FACT_UNKNOWN;
	facts->tables = g_new0(struct hc_side_facts_tables, 1);
	facts->tables->sockets = g_array_new(FALSE, FALSE, sizeof(hc_socket_fact));
	facts->tables->strings = g_string_chunk_new(1024);
	return facts;
}

hc_side_facts *hc_side_facts_read(const char *path, GError **error)
{
	bool is_folder = g_file_test(path, G_FILE_TEST_IS_DIR);
	g_autofree char *folder = is_folder ? g_strdup(path) : g_path_get_dirname(path);
	g_autofree char *core = is_folder ? NULL : g_path_get_basename(path), *executable = NULL, *root = NULL;
	g_autoptr(GKeyFile) file = read_description(folder, core, error);
	hc_side_facts *facts;
	int64_t page_size;

	if (!file)
		return NULL;
	facts = hc_side_facts_new();
	facts->pid = g_key_file_get_int64(file, "capture", "pid", NULL);
	facts->time = g_key_file_get_int64(file, "capture", "time", NULL);
	facts->start_time = g_key_file_get_int64(file, "capture", "start-time", NULL);
	facts->stopped = g_key_file_get_double(file, "capture", "stopped-seconds", NULL);
	executable = g_key_file_get_string(file, "capture", "executable", NULL);
	facts->executable = executable ? keep(facts, executable) : NULL;
	facts->own_pid = g_key_file_get_int64(file, "capture", "own-pid", NULL);
	root = g_key_file_get_string(file, "capture", "root", NULL);
	facts->root = root ? keep(facts, root) : NULL;
	g_autofree char *why = g_key_file_get_string(file, "capture", "stopped-because", NULL);

	facts->why_stopped = why ? keep(facts, why) : NULL;
	page_size = g_key_file_get_int64(file, "capture", "page-size", NULL);
	read_smaps(facts, folder);
	read_sockets(facts, folder);
	read_cgroup(facts, folder);
	read_machine(facts, folder, page_size > 0 && page_size <= 1 << 20 ? (uint64_t)page_size : 4096);
	return facts;
}

void hc_side_facts_free(hc_side_facts *facts)
{
	if (!facts)
		return;
	g_array_unref(facts->tables->sockets);
	g_string_chunk_free(facts->tables->strings);
	g_free(facts->tables);
	g_free(facts);
}

unsigned hc_side_facts_socket_count(const hc_side_facts *facts)
{
	return facts->tables->sockets->len;
}

const hc_socket_fact *hc_side_facts_socket(const hc_side_facts *facts, unsigned index)
{
	return index < facts->tables->sockets->len ? &g_array_index(facts->tables->sockets, hc_socket_fact, index) :
						     NULL;
}
