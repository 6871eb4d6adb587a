/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What captures tell beside the cores: of one, and of two side by side. */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

enum {
	SOCKETS_SHOWN = 10,
};

/* Captures do not have every fact. */
static hc_value known_size(uint64_t bytes)
{
	return hc_value_if(bytes != HC_FACT_UNKNOWN, hc_value_size(bytes));
}

static hc_value known_count(uint64_t count)
{
	return hc_value_if(count != HC_FACT_UNKNOWN, hc_value_count(count));
}

/* The sockets with the most unread bytes; EMPTY: those with nothing in their queues, too. */
static hc_records *make_sockets(const hc_side_facts *facts, bool empty)
{
	hc_records *records = hc_records_create();

	for (unsigned i = 0; i < MIN(hc_side_facts_socket_count(facts), SOCKETS_SHOWN); i++) {
		const hc_socket_fact *socket = hc_side_facts_socket(facts, i);
		const hc_fact row[] = {
			{ "kind", "SOCKETS WITH MOST UNREAD", hc_value_plain(hc_socket_kind_name(socket->kind)) },
			{ "descriptor", "FD", hc_value_count(socket->descriptor) },
			{ "unread", "UNREAD", hc_value_size(socket->unread) },
			{ "unsent", "UNSENT", hc_value_size(socket->unsent) },
			{ "drops", "DROPS", known_count(socket->drops) },
			{ "local", "LOCAL", hc_value_text(socket->local) },
			{ "remote", "REMOTE", hc_value_text(socket->remote) },
		};

		if (!empty && !socket->unread && !socket->unsent)
			break;
		hc_records_add(records, row);
	}
	return records;
}

static json_t *socket_kinds_json(const hc_side_facts *facts)
{
	g_autoptr(hc_records) kinds = hc_records_create();

	for (unsigned kind = 0; kind < HC_SOCKET_KIND_COUNT; kind++) {
		const hc_socket_sum *sum = &facts->sockets[kind];
		bool has_queues = kind != HC_SOCKET_UNIX && kind != HC_SOCKET_OTHER;
		const hc_fact row[] = {
			{ "kind", NULL, hc_value_plain(hc_socket_kind_name(kind)) },
			{ "count", NULL, hc_value_count(sum->count) },
			{ "waiting", NULL, hc_value_count(sum->waiting) },
			{ "unread", NULL, hc_value_if(has_queues, hc_value_size(sum->unread)) },
			{ "unsent", NULL, hc_value_if(has_queues, hc_value_size(sum->unsent)) },
		};

		hc_records_add(kinds, row);
	}
	return hc_records_json(kinds);
}

static json_t *sockets_json(const hc_side_facts *facts)
{
	g_autoptr(hc_records) top = make_sockets(facts, true);
	const hc_fact sockets[] = {
		{ "unread", NULL, known_size(facts->unread) },
		{ "unsent", NULL, known_size(facts->unsent) },
		{ "kinds", NULL, hc_value_json(socket_kinds_json(facts)) },
		{ "top", NULL, hc_value_json(hc_records_json(top)) },
	};

	return hc_record_json(sockets);
}

static json_t *cgroup_json(const hc_side_facts *facts)
{
	const hc_fact group[] = {
		{ "path", NULL, hc_value_text(facts->cgroup) },
		{ "used", NULL, known_size(facts->cgroup_used) },
		{ "limit", NULL, known_size(facts->cgroup_limit) },
		{ "kernel", NULL, known_size(facts->cgroup_kernel) },
		{ "network", NULL, known_size(facts->cgroup_sockets) },
	};

	return hc_record_json(group);
}

static json_t *machine_json(const hc_side_facts *facts)
{
	const hc_fact machine[] = {
		{ "available", NULL, known_size(facts->available) },
		{ "slab", NULL, known_size(facts->slab) },
		{ "slab_unreclaimable", NULL, known_size(facts->slab_unreclaimable) },
		{ "tcp_buffers", NULL, known_size(facts->tcp_buffers) },
		{ "udp_buffers", NULL, known_size(facts->udp_buffers) },
	};

	return hc_record_json(machine);
}

static json_t *one_json(const hc_side_facts *facts)
{
	if (!facts)
		return NULL;
	const hc_fact process[] = {
		{ "pid", NULL, hc_value_id(facts->pid) },
		{ "time", NULL, hc_value_id(facts->time) },
		{ "start_time", NULL, hc_value_id(facts->start_time) },
		{ "stopped_seconds", NULL, hc_value_real(facts->stopped) },
		{ "stopped_because", NULL, hc_value_text(facts->why_stopped) },
		{ "executable", NULL, hc_value_text(facts->executable) },
		{ "resident", NULL, known_size(facts->resident) },
		{ "proportional", NULL, known_size(facts->proportional) },
		{ "anonymous", NULL, known_size(facts->anonymous) },
		{ "swapped", NULL, known_size(facts->swapped) },
		{ "page_tables", NULL, known_size(facts->page_tables) },
		{ "threads", NULL, known_count(facts->threads) },
		{ "descriptors", NULL, known_count(facts->descriptors) },
		{ "sockets", NULL, hc_value_json(sockets_json(facts)) },
		{ "cgroup", NULL, hc_value_json(cgroup_json(facts)) },
		{ "machine", NULL, hc_value_json(machine_json(facts)) },
	};

	return hc_record_json(process);
}

json_t *hc_side_facts_json(const hc_diff *diff)
{
	const hc_side_facts *a = hc_diff_first(diff)->side_facts;
	const hc_side_facts *b = hc_diff_last(diff)->side_facts;

	if (!a && !b)
		return json_null();
	const hc_fact both[] = {
		{ "a", NULL, hc_value_json(one_json(a)) },
		{ "b", NULL, hc_value_json(one_json(b)) },
	};

	return hc_record_json(both);
}

static void add_fact(hc_records *table, const char *name, uint64_t a, uint64_t b, bool always)
{
	const hc_fact row[] = {
		{ NULL, "BESIDE THE CORE", hc_value_plain(name) },
		{ NULL, "A", hc_value_size(a) },
		{ NULL, "B", hc_value_size(b) },
		{ NULL, "GROWTH", hc_value_growth((int64_t)(b - a)) },
	};

	if (a != HC_FACT_UNKNOWN && b != HC_FACT_UNKNOWN && (a || b || always))
		hc_records_add(table, row);
}

static void add_books(hc_records *table, const hc_diff *diff)
{
	uint64_t a = 0, b = 0;

	for (unsigned i = 0; i < hc_diff_row_count(diff); i++) {
		const hc_diff_row *row = hc_diff_row_get(diff, i);

		if (hc_row_is_mallocs(row->id)) {
			a += row->bytes_a;
			b += row->bytes_b;
		}
	}
	add_fact(table, "malloc's accounting: in use and free", a, b, true);
}

static void print_both(const hc_diff *diff, const hc_side_facts *a, const hc_side_facts *b, hc_output *output)
{
	g_autoptr(hc_records) table = hc_records_create();
	g_autoptr(hc_records) sockets = make_sockets(b, output->options->verbose);
	bool verbose = output->options->verbose;

	add_fact(table, "resident memory", a->resident, b->resident, true);
	add_fact(table, "swapped out", a->swapped, b->swapped, verbose);
	add_books(table, diff);
	add_fact(table, "sockets: unread", a->unread, b->unread, true);
	add_fact(table, "sockets: unsent", a->unsent, b->unsent, verbose);
	add_fact(table, "page tables", a->page_tables, b->page_tables, verbose);
	add_fact(table, "control group: memory", a->cgroup_used, b->cgroup_used, verbose);
	add_fact(table, "control group: of which kernel", a->cgroup_kernel, b->cgroup_kernel, verbose);
	add_fact(table, "control group: of which network", a->cgroup_sockets, b->cgroup_sockets, verbose);
	if (verbose) {
		add_fact(table, "machine: available", a->available, b->available, true);
		add_fact(table, "machine: slabs", a->slab, b->slab, true);
		add_fact(table, "machine: UDP buffers", a->udp_buffers, b->udp_buffers, true);
		add_fact(table, "machine: TCP buffers", a->tcp_buffers, b->tcp_buffers, true);
	}
	hc_output_text(output, "\n");
	hc_records_print(table, output);
	if (!hc_records_count(sockets))
		return;
	hc_output_text(output, "\n");
	hc_records_print(sockets, output);
}

void hc_side_facts_print(const hc_diff *diff, hc_output *output)
{
	const hc_side_facts *a = hc_diff_first(diff)->side_facts;
	const hc_side_facts *b = hc_diff_last(diff)->side_facts;

	if (a && b) {
		print_both(diff, a, b, output);
	} else {
		hc_output_text(output, "\n");
		hc_output_style(output, HC_STYLE_DIM);
		hc_output_wrapped(output, 0, 0, hc_word_no_side_facts(a || b));
		hc_output_style(output, HC_STYLE_PLAIN);
	}
}

static void print_capture(const hc_side_facts *facts, const char *directory, hc_output *output)
{
	g_autofree char *text = hc_word_captured(facts, directory), *captured = hc_text_escape(text, -1);
	g_autofree char *memory = hc_word_captured_memory(facts);
	g_autoptr(hc_records) sockets = make_sockets(facts, output->options->verbose);

	hc_output_printf(output, "%s\n%s\n", captured, memory);
	if (hc_records_count(sockets)) {
		hc_output_text(output, "\n");
		hc_records_print(sockets, output);
	}
	if (facts->root) {
		g_autofree char *command = g_strconcat("analyze CORE --sysroot ", facts->root, NULL);

		hc_command_print(command, directory, output);
	} else {
		hc_command_print("analyze CORE", directory, output);
	}
}

bool hc_report_capture(
	const hc_side_facts *facts, const char *directory, const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);

	if (options->format == HC_REPORT_JSON) {
		const hc_fact report[] = {
			{ "directory", NULL, hc_value_text(directory) },
			{ "side_facts", NULL, hc_value_json(one_json(facts)) },
		};

		hc_json_write(output, hc_report_json("capture", report, NULL));
	} else {
		print_capture(facts, directory, output);
	}
	return hc_output_finish(output, error);
}
