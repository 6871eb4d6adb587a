/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sockets of a process: the inodes behind its descriptors ("socket:[1234]"), looked up in /proc/PID/net, which is that of the process's
 * own network namespace (proc(5); net/ipv4/tcp_ipv4.c, udp.c, raw.c, net/ipv6/, net/unix/af_unix.c for the columns).
 *
 * What tx_queue:rx_queue mean: of TCP bytes not yet acknowledged, and not yet read (of a listening socket: connections that wait, and how
 * many may); of UDP and raw sockets what is charged to the socket's buffers, which counts whole buffers (sk_rmem_alloc).
 *
 * A line of the file `sockets`:
 *
 *	KIND DESCRIPTOR INODE UNREAD UNSENT DROPS LOCAL REMOTE
 *
 * with - for what is not known. Names of UNIX sockets are escaped as in C, so that they are one word.
 */
#include "capture/capture_parts.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LISTENING = 10, /* TCP_LISTEN */
	WORDS_MAX = 16,
};

static const struct {
	const char *name;
	hc_socket_kind kind;
} tables[] = {
	{ "net/tcp", HC_SOCKET_TCP },
	{ "net/tcp6", HC_SOCKET_TCP },
	{ "net/udp", HC_SOCKET_UDP },
	{ "net/udp6", HC_SOCKET_UDP },
	{ "net/udplite", HC_SOCKET_UDP },
	{ "net/udplite6", HC_SOCKET_UDP },
	{ "net/raw", HC_SOCKET_RAW },
	{ "net/raw6", HC_SOCKET_RAW },
};

const char *hc_socket_kind_name(hc_socket_kind kind)
{
	static const char *const names[] = {
		[HC_SOCKET_TCP] = "TCP",
		[HC_SOCKET_UDP] = "UDP",
		[HC_SOCKET_RAW] = "raw",
		[HC_SOCKET_UNIX] = "UNIX",
		[HC_SOCKET_OTHER] = "other",
	};

	return names[kind];
}

/* "0100007F:0035": the address as words of this machine's byte order, the port as a number. */
static char *parse_address(const char *text)
{
	char shown[INET6_ADDRSTRLEN];
	size_t digits = strcspn(text, ":");
	uint32_t words[4];
	unsigned long port;

	if ((digits != 8 && digits != 32) || !text[digits])
		return g_strdup("?");
	port = strtoul(text + digits + 1, NULL, 16);
	for (size_t i = 0; i < digits / 8; i++) {
		char word[9] = { 0 };

		memcpy(word, text + i * 8, 8);
		words[i] = (uint32_t)strtoul(word, NULL, 16);
	}
	if (!inet_ntop(digits == 8 ? AF_INET : AF_INET6, words, shown, sizeof shown))
		return g_strdup("?");
	return g_strdup_printf(digits == 8 ? "%s:%lu" : "[%s]:%lu", shown, port);
}

static unsigned split_words(char *line, char *words[WORDS_MAX])
{
	unsigned count = 0;
	char *rest = NULL;

	for (char *word = strtok_r(line, " \t", &rest); word && count < WORDS_MAX; word = strtok_r(NULL, " \t", &rest))
		words[count++] = word;
	return count;
}

/* DESCRIPTORS loses what was found. */
static bool take_descriptor(GHashTable *descriptors, guint64 inode, gint64 *ret_descriptor)
{
	gpointer value;

	if (!inode || !g_hash_table_lookup_extended(descriptors, &inode, NULL, &value))
		return false;
	*ret_descriptor = GPOINTER_TO_INT(value);
	g_hash_table_remove(descriptors, &inode);
	return true;
}

/* "sl local remote st tx:rx tr:when retransmits uid timeout inode ref pointer drops" */
static void describe_internet(GString *text, char *line, hc_socket_kind kind, GHashTable *descriptors)
{
	char *words[WORDS_MAX];
	unsigned count = split_words(line, words);
	uint64_t unsent, unread, inode;
	gint64 descriptor;

	if (count < 10 || sscanf(words[4], "%" SCNx64 ":%" SCNx64, &unsent, &unread) != 2)
		return;
	inode = g_ascii_strtoull(words[9], NULL, 10);
	if (!take_descriptor(descriptors, inode, &descriptor))
		return;
	g_autofree char *local = parse_address(words[1]), *remote = parse_address(words[2]);

	if (kind == HC_SOCKET_TCP && strtoul(words[3], NULL, 16) == LISTENING)
		unsent = unread = 0;
	g_string_append_printf(text, "%s %" PRId64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %s %s %s\n",
		hc_socket_kind_name(kind), descriptor, inode, unread, unsent,
		kind != HC_SOCKET_TCP && count > 12 ? words[12] : "-", local, remote);
}

/* "Num: RefCount Protocol Flags Type St Inode Path" */
static void describe_unix(GString *text, char *line, GHashTable *descriptors)
{
	int path = -1;
	uint64_t inode;
	gint64 descriptor;

	if (sscanf(line, "%*s %*s %*s %*s %*s %*s %" SCNu64 " %n", &inode, &path) != 1 || path < 0 ||
		!take_descriptor(descriptors, inode, &descriptor))
		return;
	g_autofree char *escaped = g_strescape(line + path, NULL);

	g_strdelimit(escaped, " \t", '_');
	g_string_append_printf(text, "%s %" PRId64 " %" PRIu64 " - - - %s -\n", hc_socket_kind_name(HC_SOCKET_UNIX),
		descriptor, inode, *escaped ? escaped : "-");
}

static void describe_table(GString *text, pid_t pid, const char *name, hc_socket_kind kind, GHashTable *descriptors)
{
	g_autofree char *table = hc_proc_read(pid, name, NULL, NULL);
	char *rest = NULL;

	for (char *line = table ? strtok_r(table, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest)) {
		if (kind == HC_SOCKET_UNIX)
			describe_unix(text, line, descriptors);
		else
			describe_internet(text, line, kind, descriptors);
	}
}

char *hc_sockets_describe(pid_t pid, GHashTable *links)
{
	GString *text = g_string_new("# kind descriptor inode unread unsent drops local remote\n");
	GHashTableIter iterator;
	gpointer inode, descriptor;

	for (unsigned i = 0; i < G_N_ELEMENTS(tables) && g_hash_table_size(links); i++)
		describe_table(text, pid, tables[i].name, tables[i].kind, links);
	if (g_hash_table_size(links))
		describe_table(text, pid, "net/unix", HC_SOCKET_UNIX, links);
	g_hash_table_iter_init(&iterator, links);
	while (g_hash_table_iter_next(&iterator, &inode, &descriptor))
		g_string_append_printf(text, "%s %d %" PRIu64 " - - - - -\n", hc_socket_kind_name(HC_SOCKET_OTHER),
			GPOINTER_TO_INT(descriptor), *(guint64 *)inode);
	return g_string_free(text, FALSE);
}

static uint64_t number_or(const char *word, uint64_t unknown)
{
	return *word == '-' ? unknown : g_ascii_strtoull(word, NULL, 10);
}

bool hc_sockets_parse(const char *line, hc_socket_fact *ret_socket, char **ret_local, char **ret_remote)
{
	g_autofree char *copy = g_strdup(line);
	char *words[WORDS_MAX];
	unsigned kind = 0;

	if (*line == '#' || split_words(copy, words) < 8)
		return false;
	while (kind < HC_SOCKET_KIND_COUNT && strcmp(words[0], hc_socket_kind_name(kind)))
		kind++;
	if (kind == HC_SOCKET_KIND_COUNT)
		return false;
	*ret_local = g_strdup(strcmp(words[6], "-") ? words[6] : "");
	*ret_remote = g_strdup(strcmp(words[7], "-") ? words[7] : "");
	*ret_socket = (hc_socket_fact){
		.kind = kind,
		.descriptor = g_ascii_strtoll(words[1], NULL, 10),
		.unread = number_or(words[3], 0),
		.unsent = number_or(words[4], 0),
		.drops = number_or(words[5], HC_FACT_UNKNOWN),
		.local = *ret_local,
		.remote = *ret_remote,
	};
	return true;
}
