/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Side facts as one value, for snapshots: what is shown of them, no more. */
#include "capture/capture_parts.h"

enum {
	SOCKETS_KEPT = 100
};

#define FACTS_TYPE "(xxxdmsmsata(tttt)a(yxtttss))"

GVariant *hc_side_facts_store(const hc_side_facts *facts)
{
	GVariantBuilder numbers, sums, sockets;
	uint64_t *members[HC_SIDE_FACTS_NUMBERS];

	hc_side_facts_numbers((hc_side_facts *)facts, members);
	g_variant_builder_init(&numbers, G_VARIANT_TYPE("at"));
	for (unsigned i = 0; i < HC_SIDE_FACTS_NUMBERS; i++)
		g_variant_builder_add(&numbers, "t", *members[i]);
	g_variant_builder_init(&sums, G_VARIANT_TYPE("a(tttt)"));
	for (unsigned i = 0; i < HC_SOCKET_KIND_COUNT; i++)
		g_variant_builder_add(&sums, "(tttt)", facts->sockets[i].count, facts->sockets[i].waiting,
			facts->sockets[i].unread, facts->sockets[i].unsent);
	g_variant_builder_init(&sockets, G_VARIANT_TYPE("a(yxtttss)"));
	for (unsigned i = 0; i < MIN(hc_side_facts_socket_count(facts), SOCKETS_KEPT); i++) {
		const hc_socket_fact *socket = hc_side_facts_socket(facts, i);
		g_autofree char *local = g_utf8_make_valid(socket->local, -1);
		g_autofree char *remote = g_utf8_make_valid(socket->remote, -1);

		g_variant_builder_add(&sockets, "(yxtttss)", (guchar)socket->kind, socket->descriptor, socket->unread,
			socket->unsent, socket->drops, local, remote);
	}
	g_autofree char *executable = facts->executable ? g_utf8_make_valid(facts->executable, -1) : NULL;
	g_autofree char *cgroup = facts->cgroup ? g_utf8_make_valid(facts->cgroup, -1) : NULL;

	return g_variant_new(FACTS_TYPE, facts->pid, facts->time, facts->start_time, facts->stopped, executable, cgroup,
		&numbers, &sums, &sockets);
}

static bool load_sockets(hc_side_facts *facts, GVariantIter *sockets)
{
	hc_socket_fact socket = { 0 };
	guchar kind;
	const char *local, *remote;

	while (g_variant_iter_next(sockets, "(yxttt&s&s)", &kind, &socket.descriptor, &socket.unread, &socket.unsent,
		&socket.drops, &local, &remote)) {
		if (kind >= HC_SOCKET_KIND_COUNT)
			return false;
		socket.kind = kind;
		socket.local = g_string_chunk_insert(facts->tables->strings, local);
		socket.remote = g_string_chunk_insert(facts->tables->strings, remote);
		g_array_append_val(facts->tables->sockets, socket);
	}
	return true;
}

static bool load_numbers(hc_side_facts *facts, GVariantIter *numbers, GVariantIter *sums)
{
	uint64_t *members[HC_SIDE_FACTS_NUMBERS];

	if (g_variant_iter_n_children(numbers) != HC_SIDE_FACTS_NUMBERS ||
		g_variant_iter_n_children(sums) != HC_SOCKET_KIND_COUNT)
		return false;
	hc_side_facts_numbers(facts, members);
	for (unsigned i = 0; i < HC_SIDE_FACTS_NUMBERS; i++)
		g_variant_iter_next(numbers, "t", members[i]);
	for (unsigned i = 0; i < HC_SOCKET_KIND_COUNT; i++) {
		hc_socket_sum *sum = &facts->sockets[i];

		g_variant_iter_next(sums, "(tttt)", &sum->count, &sum->waiting, &sum->unread, &sum->unsent);
	}
	return true;
}

hc_side_facts *hc_side_facts_load(GVariant *value)
{
	g_autoptr(hc_side_facts) facts = NULL;
	g_autoptr(GVariantIter) numbers = NULL, sums = NULL, sockets = NULL;
	const char *executable, *cgroup;

	if (!g_variant_is_of_type(value, G_VARIANT_TYPE(FACTS_TYPE)))
		return NULL;
	facts = hc_side_facts_new();
	g_variant_get(value, "(xxxdm&sm&sata(tttt)a(yxtttss))", &facts->pid, &facts->time, &facts->start_time,
		&facts->stopped, &executable, &cgroup, &numbers, &sums, &sockets);
	facts->executable = executable ? g_string_chunk_insert(facts->tables->strings, executable) : NULL;
	facts->cgroup = cgroup ? g_string_chunk_insert(facts->tables->strings, cgroup) : NULL;
	if (!load_numbers(facts, numbers, sums) || !load_sockets(facts, sockets))
		return NULL;
	return g_steal_pointer(&facts);
}
