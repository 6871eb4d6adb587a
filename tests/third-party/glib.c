/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* GLib's containers: see third-party.h. */
#include <glib.h>

#include "third-party.h"

struct here {
	int first;
	GHashTable *hash;
};

GHashTable *g_hash;
GHashTable *g_integers;
GList *g_list;
GSList *g_slist;
GQueue g_queue = G_QUEUE_INIT;
GPtrArray *g_ptr_array;
GArray *g_array;
GByteArray *g_byte_array;
GString *g_string;
GTree *g_tree;
GSequence *g_sequence;
GNode *g_node;
GVariantDict *g_dict;

static struct {
	int first;
	GHashTable *by_name;
	GAsyncQueue *queue;
} g_members;

static gint compare(gconstpointer a, gconstpointer b, gpointer data)
{
	(void)data;
	return strcmp(a, b);
}

static char *gtext(long i)
{
	return g_strdup_printf("%080ld", i);
}

static void add_pair(GHashTable **table, long i)
{
	if (*table == NULL)
		*table = g_hash_table_new(g_str_hash, g_str_equal);
	g_hash_table_insert(*table, gtext(i), gtext(i + 1));
}

#define MADE(NAME, MAKE) (NAME != NULL ? NAME : (NAME = MAKE))

GLOBAL(g_hash, g_hash_table_size(g_hash), add_pair(&g_hash, i));
GLOBAL(g_integers, g_hash_table_size(g_integers),
       g_hash_table_insert(MADE(g_integers, g_hash_table_new(NULL, NULL)), GSIZE_TO_POINTER((gsize)i * 7919 << 32), gtext(i)));
GLOBAL(g_list, g_list_length(g_list), g_list = g_list_prepend(g_list, gtext(i)));
GLOBAL(g_slist, g_slist_length(g_slist), g_slist = g_slist_prepend(g_slist, gtext(i)));
GLOBAL(g_queue, g_queue.length, g_queue_push_tail(&g_queue, gtext(i)));
GLOBAL(g_ptr_array, g_ptr_array->len, g_ptr_array_add(MADE(g_ptr_array, g_ptr_array_new()), gtext(i)));
GLOBAL(g_array, g_array->len, g_array_append_val(MADE(g_array, g_array_new(FALSE, FALSE, sizeof(long))), i));
GLOBAL(g_byte_array, g_byte_array->len,
       g_byte_array_append(MADE(g_byte_array, g_byte_array_new()), (const guint8 *)"0123456789", 10));
GLOBAL(g_string, g_string->len, g_string_append(MADE(g_string, g_string_new("")), "0123456789"));
GLOBAL(g_tree, g_tree_nnodes(g_tree), g_tree_insert(MADE(g_tree, g_tree_new_full(compare, NULL, NULL, NULL)), gtext(i), gtext(i)));
GLOBAL(g_sequence, g_sequence_get_length(g_sequence), g_sequence_append(MADE(g_sequence, g_sequence_new(NULL)), gtext(i)));
GLOBAL(g_node, g_node_n_children(g_node), g_node_prepend_data(MADE(g_node, g_node_new(NULL)), gtext(i)));
GLOBAL(g_dict, -1, char *key = gtext(i); g_variant_dict_insert(MADE(g_dict, g_variant_dict_new(NULL)), key, "s", key);
       g_free(key));
GROWS(by_name, "g_members.by_name", g_members, g_hash_table_size(g_members.by_name), add_pair(&g_members.by_name, i));
GROWS(async_queue, "g_members.queue", g_members, g_async_queue_length(g_members.queue),
      g_async_queue_push(MADE(g_members.queue, g_async_queue_new()), gtext(i)));
GROWS(local_hash, "here.hash", *here, g_hash_table_size(here->hash), add_pair(&here->hash, i));

int main(int argc, char **argv)
{
	struct here here = {0};
	return third_party_run(argc, argv, &here);
}
