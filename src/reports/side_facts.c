/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What captures tell beside the cores: of one, and of two side by side. */
#include "reports/parts.h"

#include "base/text.h"

#include <string.h>

enum {
	SOCKETS_SHOWN = 10,
};

static const hc_column socket_columns[] = {
	{ "kind", "SOCKETS WITH MOST UNREAD", HC_CELL_TEXT },
	{ "descriptor", "FD", HC_CELL_COUNT },
	{ "unread", "UNREAD", HC_CELL_SIZE },
	{ "unsent", "UNSENT", HC_CELL_SIZE },
	{ "drops", "DROPS", HC_CELL_COUNT },
	{ "local", "LOCAL", HC_CELL_TEXT },
	{ "remote", "REMOTE", HC_CELL_TEXT },
};

static const hc_column fact_columns[] = {
	{ NULL, "BESIDE THE CORE", HC_CELL_TEXT },
	{ NULL, "A", HC_CELL_SIZE },
	{ NULL, "B", HC_CELL_SIZE },
	{ NULL, "GROWTH", HC_CELL_GROWTH },
};

enum {
	FACT_NAME,
	FACT_A,
	FACT_B,
	FACT_GROWTH
};

static json_t *fact_json(uint64_t fact)
{
	return fact == HC_FACT_UNKNOWN ? json_null() : hc_json_number(fact);
}

/* The sockets with the most unread bytes; EMPTY: those with nothing in their queues, too. */
static hc_table *make_sockets(const hc_side_facts *facts, bool empty)
{
	hc_table *table = hc_table_create(socket_columns, G_N_ELEMENTS(socket_columns));

	for (unsigned i = 0; i < MIN(hc_side_facts_socket_count(facts), SOCKETS_SHOWN); i++) {
		const hc_socket_fact *socket = hc_side_facts_socket(facts, i);

		if (!empty && !socket->unread && !socket->unsent)
			break;
		hc_table_add_row(table);
		hc_table_set_plain(table, 0, hc_socket_kind_name(socket->kind));
		hc_table_set_number(table, 1, socket->descriptor);
		hc_table_set_number(table, 2, socket->unread);
		hc_table_set_number(table, 3, socket->unsent);
		if (socket->drops != HC_FACT_UNKNOWN)
			hc_table_set_number(table, 4, socket->drops);
		hc_table_set_text(table, 5, socket->local);
		hc_table_set_text(table, 6, socket->remote);
	}
	return table;
}

static json_t *sockets_json(const hc_side_facts *facts)
{
	g_autoptr(hc_table) top = make_sockets(facts, true);
	json_t *object = json_object(), *kinds = json_array();

	for (unsigned kind = 0; kind < HC_SOCKET_KIND_COUNT; kind++) {
		const hc_socket_sum *sum = &facts->sockets[kind];
		bool has_queues = kind != HC_SOCKET_UNIX && kind != HC_SOCKET_OTHER;
		json_t *row = json_object();

		hc_json_set(row, "kind", json_string(hc_socket_kind_name(kind)));
		hc_json_set(row, "count", hc_json_number(sum->count));
		hc_json_set(row, "waiting", hc_json_number(sum->waiting));
		hc_json_set(row, "unread", has_queues ? hc_json_number(sum->unread) : json_null());
		hc_json_set(row, "unsent", has_queues ? hc_json_number(sum->unsent) : json_null());
		json_array_append_new(kinds, row);
	}
	hc_json_set(object, "unread", fact_json(facts->unread));
	hc_json_set(object, "unsent", fact_json(facts->unsent));
	hc_json_set(object, "kinds", kinds);
	hc_json_set(object, "top", hc_table_json(top));
	return object;
}

static json_t *one_json(const hc_side_facts *facts)
{
	json_t *object = json_object(), *group = json_object(), *machine = json_object();

	hc_json_set(object, "pid", json_integer(facts->pid));
	hc_json_set(object, "time", json_integer(facts->time));
	hc_json_set(object, "start_time", json_integer(facts->start_time));
	hc_json_set(object, "stopped_seconds", json_real(facts->stopped));
	hc_json_set(object, "executable", hc_json_text(facts->executable));
	hc_json_set(object, "resident", fact_json(facts->resident));
	hc_json_set(object, "proportional", fact_json(facts->proportional));
	hc_json_set(object, "anonymous", fact_json(facts->anonymous));
	hc_json_set(object, "swapped", fact_json(facts->swapped));
	hc_json_set(object, "page_tables", fact_json(facts->page_tables));
	hc_json_set(object, "threads", fact_json(facts->threads));
	hc_json_set(object, "descriptors", fact_json(facts->descriptors));
	hc_json_set(object, "sockets", sockets_json(facts));
	hc_json_set(group, "path", hc_json_text(facts->cgroup));
	hc_json_set(group, "used", fact_json(facts->cgroup_used));
	hc_json_set(group, "limit", fact_json(facts->cgroup_limit));
	hc_json_set(group, "kernel", fact_json(facts->cgroup_kernel));
	hc_json_set(group, "network", fact_json(facts->cgroup_sockets));
	hc_json_set(object, "cgroup", group);
	hc_json_set(machine, "available", fact_json(facts->available));
	hc_json_set(machine, "slab", fact_json(facts->slab));
	hc_json_set(machine, "slab_unreclaimable", fact_json(facts->slab_unreclaimable));
	hc_json_set(machine, "tcp_buffers", fact_json(facts->tcp_buffers));
	hc_json_set(machine, "udp_buffers", fact_json(facts->udp_buffers));
	hc_json_set(object, "machine", machine);
	return object;
}

json_t *hc_side_facts_json(const hc_diff *diff)
{
	const hc_side_facts *a = hc_diff_first(diff)->side_facts;
	const hc_side_facts *b = hc_diff_last(diff)->side_facts;
	json_t *object;

	if (!a && !b)
		return json_null();
	object = json_object();
	hc_json_set(object, "a", a ? one_json(a) : json_null());
	hc_json_set(object, "b", b ? one_json(b) : json_null());
	return object;
}

static void add_fact(hc_table *table, const char *name, uint64_t a, uint64_t b, bool always)
{
	if (a == HC_FACT_UNKNOWN || b == HC_FACT_UNKNOWN || (!a && !b && !always))
		return;
	hc_table_add_row(table);
	hc_table_set_plain(table, FACT_NAME, name);
	hc_table_set_number(table, FACT_A, a);
	hc_table_set_number(table, FACT_B, b);
	hc_table_set_growth(table, FACT_GROWTH, (int64_t)(b - a));
}

static void add_books(hc_table *table, const hc_diff *diff)
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
	g_autoptr(hc_table) table = hc_table_create(fact_columns, G_N_ELEMENTS(fact_columns));
	g_autoptr(hc_table) sockets = make_sockets(b, output->options->verbose);
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
	hc_table_print(table, output);
	if (!hc_table_row_count(sockets))
		return;
	hc_output_text(output, "\n");
	hc_table_print(sockets, output);
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
		hc_output_wrapped(output, 0, 0,
			a || b ?
				"not in one of these cores: the kernel's memory (sockets' queues), what was resident; heapcore capture takes them" :
				"not in a core: the kernel's memory (sockets' queues), what was resident; heapcore capture takes them");
		hc_output_style(output, HC_STYLE_PLAIN);
	}
}

static void print_capture(const hc_side_facts *facts, const char *directory, hc_output *output)
{
	g_autofree char *path = hc_text_escape(directory, -1), *command = NULL, *shown = NULL;
	g_autoptr(hc_table) sockets = make_sockets(facts, output->options->verbose);
	char resident[HC_TEXT_SIZE_LENGTH], unread[HC_TEXT_SIZE_LENGTH];
	uint64_t count = hc_side_facts_socket_count(facts);

	hc_output_printf(output, "%s: process %" G_GINT64_FORMAT ", was paused for %.2f s, is running again\n", path,
		facts->pid, facts->stopped);
	if (facts->resident != HC_FACT_UNKNOWN)
		hc_output_printf(output, "%s resident; ", hc_text_size(resident, facts->resident));
	if (facts->unread != HC_FACT_UNKNOWN)
		hc_output_printf(output, "%" G_GUINT64_FORMAT " socket%s with %s unread\n", count,
			count == 1 ? "" : "s", hc_text_size(unread, facts->unread));
	else
		hc_output_text(output, "its sockets are not known\n");
	if (hc_table_row_count(sockets)) {
		hc_output_text(output, "\n");
		hc_table_print(sockets, output);
	}
	command = hc_command_line("analyze CORE", directory, output->options);
	shown = hc_text_escape(command, -1);
	hc_output_styled(output, HC_STYLE_COMMAND, shown);
	hc_output_text(output, "\n");
}

bool hc_report_capture(
	const hc_side_facts *facts, const char *directory, const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);

	if (options->format == HC_REPORT_JSON) {
		json_t *report = hc_json_report("capture");

		hc_json_set(report, "directory", hc_json_text(directory));
		hc_json_set(report, "side_facts", one_json(facts));
		hc_json_write(output, report);
	} else {
		print_capture(facts, directory, output);
	}
	return hc_output_finish(output, error);
}
