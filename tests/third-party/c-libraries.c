/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Libraries of C that keep things: APR, OpenSSL, libcurl, Lua, libuv, GSL, igraph, libavl, userspace RCU, libbson, LMDB's
 * client side, GLib's less common ones, and glibc's own hcreate_r() and obstacks: see third-party.h. */
#define _GNU_SOURCE
#include <apr_general.h>
#include <apr_hash.h>
#include <apr_pools.h>
#include <apr_strings.h>
#include <apr_tables.h>
#include <apr_skiplist.h>
#include <avl.h>
#include <bson/bson.h>
#include <curl/curl.h>
#include <glib.h>
#include <glib-object.h>
#include <gsl/gsl_matrix.h>
#include <gsl/gsl_spmatrix.h>
#include <igraph/igraph.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <obstack.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/lhash.h>
#include <openssl/safestack.h>
#include <openssl/x509.h>
#include <search.h>
#include <stdbool.h>
#define _LGPL_SOURCE
#include <urcu.h>
#include <urcu/rculfhash.h>
#include <urcu/wfcqueue.h>
#include <uv.h>

#include "third-party.h"

#define obstack_chunk_alloc malloc
#define obstack_chunk_free  free

static char *ctext(long i)
{
	char text[96];
	snprintf(text, sizeof(text), "%080ld", i);
	return strdup(text);
}

struct pair {
	char *key;
	long value;
};

struct waiting {
	struct cds_wfcq_node node;
	char words[80];
};

struct hashed {
	struct cds_lfht_node node;
	long key;
	char words[64];
};

struct here {
	int first;
	apr_array_header_t *array;
	OPENSSL_STACK *stack;
	lua_State *lua;
	GPtrArray *pointers;
	struct obstack obstack;
};

apr_pool_t *g_apr_pool;
apr_table_t *g_apr_table;
apr_hash_t *g_apr_hash;
apr_array_header_t *g_apr_array;
apr_skiplist *g_apr_skiplist;
OPENSSL_LHASH *g_lhash;
OPENSSL_STACK *g_stack;
BIO *g_bio;
X509_NAME *g_x509_name;
struct curl_slist *g_slist_of_curl;
CURLM *g_curl_multi;
CURL *g_curl_form;
lua_State *g_lua;
uv_loop_t g_uv_loop;
gsl_matrix *g_gsl_matrix;
gsl_spmatrix *g_gsl_sparse;
igraph_vector_t g_igraph_vector;
igraph_t g_igraph;
avl_tree_t *g_avl;
bson_t g_bson;
struct cds_lfht *g_rcu_hash;
struct cds_wfcq_head g_rcu_head;
struct cds_wfcq_tail g_rcu_tail;
struct hsearch_data g_hsearch;
struct obstack g_obstack;
GObject *g_object;
GVariantBuilder *g_builder;
GVariant *g_variant;
GKeyFile *g_key_file;
GStringChunk *g_chunk;
GData *g_datalist;
GHashTable *g_set_of_strings;
GHashTable *g_of_arrays;
GQueue g_embedded_queue = G_QUEUE_INIT;
GSList *g_closures;
GArray *g_of_structs;
GBytes *g_bytes;
GTree *g_tree_of_lists;

static struct {
	int first;
	GHashTable *table;
	lua_State *lua;
	apr_hash_t *hash;
	OPENSSL_LHASH *lhash;
} g_members;

#define MADE(NAME, MAKE) (NAME != NULL ? NAME : (NAME = MAKE))

static apr_pool_t *apr(void)
{
	static apr_pool_t *pool;
	if (pool == NULL) {
		apr_initialize();
		apr_pool_create(&pool, NULL);
	}
	return pool;
}

static apr_pool_t *apr_child(void)
{
	apr_pool_t *pool;
	apr_pool_create(&pool, apr());
	return pool;
}

static unsigned long hash_pair(const void *pair)
{
	return OPENSSL_LH_strhash(((const struct pair *)pair)->key);
}

static int compare_pairs(const void *a, const void *b)
{
	return strcmp(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(a, b);
}

static struct pair *pair(long i)
{
	struct pair *pair = malloc(sizeof(*pair));
	*pair = (struct pair){ ctext(i), i };
	return pair;
}

static void add_to_lua(lua_State **lua, long i)
{
	if (*lua == NULL) {
		*lua = luaL_newstate();
		lua_newtable(*lua);
		lua_setglobal(*lua, "kept");
	}
	char *words = ctext(i);
	lua_getglobal(*lua, "kept");
	lua_pushstring(*lua, words);
	lua_rawseti(*lua, -2, i + 1);
	lua_pop(*lua, 1);
	free(words);
}

static void add_timer(long i)
{
	if (g_uv_loop.data == NULL) {
		uv_loop_init(&g_uv_loop);
		g_uv_loop.data = &g_uv_loop;
	}
	uv_timer_t *timer = malloc(sizeof(*timer));
	uv_timer_init(&g_uv_loop, timer);
	uv_timer_start(timer, (uv_timer_cb)abort, (uint64_t)i + 1000000, 0);
}

static void add_to_rcu_hash(long i)
{
	static bool registered;
	if (!registered)
		rcu_register_thread();
	registered = true;
	if (g_rcu_hash == NULL)
		g_rcu_hash = cds_lfht_new(64, 64, 0, CDS_LFHT_AUTO_RESIZE, NULL);
	struct hashed *one = calloc(1, sizeof(*one));
	one->key = i;
	cds_lfht_node_init(&one->node);
	rcu_read_lock();
	cds_lfht_add(g_rcu_hash, (unsigned long)i * 2654435761u, &one->node);
	rcu_read_unlock();
}

static void add_waiting(void)
{
	if (g_rcu_tail.p == NULL)
		cds_wfcq_init(&g_rcu_head, &g_rcu_tail);
	struct waiting *one = calloc(1, sizeof(*one));
	cds_wfcq_node_init(&one->node);
	cds_wfcq_enqueue(&g_rcu_head, &g_rcu_tail, &one->node);
}

static void add_to_hsearch(long i)
{
	if (g_hsearch.table == NULL)
		hcreate_r(400000, &g_hsearch);
	struct entry one = { ctext(i), NULL };
	struct entry *found;
	hsearch_r(one, ENTER, &found, &g_hsearch);
}

static void add_to_obstack(struct obstack *obstack)
{
	if (obstack->chunk == NULL)
		obstack_init(obstack);
	memset(obstack_alloc(obstack, 100), 1, 100);
}

static void add_entry(X509_NAME **name, long i)
{
	if (*name == NULL)
		*name = X509_NAME_new();
	char *words = ctext(i);
	X509_NAME_add_entry_by_txt(*name, "O", MBSTRING_ASC, (unsigned char *)words, 60, -1, 0);
	free(words);
}

static void add_matrix(long i)
{
	if (i % 100 != 0)
		return;
	if (g_gsl_matrix != NULL)
		gsl_matrix_free(g_gsl_matrix);
	g_gsl_matrix = gsl_matrix_calloc(8, 10 * (size_t)i + 8);
}

static void add_edges(long i)
{
	if (g_igraph.n == 0)
		igraph_empty(&g_igraph, 1, 0);
	if (i % 20 != 0)
		return;
	igraph_add_vertices(&g_igraph, 20, NULL);
	igraph_vector_int_t edges;
	igraph_vector_int_init(&edges, 40);
	for (int k = 0; k < 40; k++)
		VECTOR(edges)[k] = (igraph_integer_t)(g_igraph.n - 1 - k / 2);
	igraph_add_edges(&g_igraph, &edges, NULL);
	igraph_vector_int_destroy(&edges);
}

static void add_to_curl(long i)
{
	static curl_mime *mime;
	if (g_curl_form == NULL) {
		g_curl_form = curl_easy_init();
		mime = curl_mime_init(g_curl_form);
		curl_easy_setopt(g_curl_form, CURLOPT_MIMEPOST, mime);
	}
	char *words = ctext(i);
	curl_mimepart *part = curl_mime_addpart(mime);
	curl_mime_name(part, words);
	curl_mime_data(part, words, CURL_ZERO_TERMINATED);
	free(words);
}

static void add_variant(long i)
{
	if (i % 50 != 0)
		return;
	if (g_variant != NULL)
		g_variant_unref(g_variant);
	GVariantBuilder builder;
	g_variant_builder_init(&builder, G_VARIANT_TYPE("as"));
	for (long k = 0; k < 10 * i + 20; k++)
		g_variant_builder_add(&builder, "s", "some words of a variant that is built anew");
	g_variant = g_variant_ref_sink(g_variant_builder_end(&builder));
}

static void add_key(long i)
{
	char *words = ctext(i);
	g_key_file_set_string(MADE(g_key_file, g_key_file_new()), "group", words, words);
	free(words);
}

static void add_closure(long i)
{
	GClosure *closure = g_cclosure_new(G_CALLBACK(abort), ctext(i), NULL);
	g_closures = g_slist_prepend(g_closures, closure);
}

static void add_to_array_of(long i)
{
	GHashTable *table = MADE(g_of_arrays, g_hash_table_new(NULL, NULL));
	GPtrArray *array = g_hash_table_lookup(table, GINT_TO_POINTER(i / 20 + 1));
	if (array == NULL) {
		array = g_ptr_array_new();
		g_hash_table_insert(table, GINT_TO_POINTER(i / 20 + 1), array);
	}
	g_ptr_array_add(array, ctext(i));
}

static void add_struct(long i)
{
	struct pair one = { ctext(i), i };
	g_array_append_val(MADE(g_of_structs, g_array_new(FALSE, FALSE, sizeof(one))), one);
}

static void add_data(long i)
{
	char *name = ctext(i);
	GQuark quark = g_quark_from_string(name);
	g_object_set_qdata(MADE(g_object, g_object_new(G_TYPE_OBJECT, NULL)), quark, g_strdup_printf("%0900ld", i));
	free(name);
}

GLOBAL(g_apr_pool, -1, third_party_outside += 56; /* 50, aligned */
	apr_pstrdup(MADE(g_apr_pool, apr_child()), "a few words that stay in the pool of APR for good"));
GLOBAL(g_apr_table, apr_table_elts(g_apr_table)->nelts, char *key = ctext(i); third_party_outside += 160 + 32;
	apr_table_add(MADE(g_apr_table, apr_table_make(apr_child(), 8)), key, key); free(key));
GLOBAL(g_apr_hash, apr_hash_count(g_apr_hash), char *key = ctext(i);
	apr_hash_set(MADE(g_apr_hash, apr_hash_make(apr_child())), key, APR_HASH_KEY_STRING, key));
GLOBAL(g_apr_array, g_apr_array->nelts,
	*(char **)apr_array_push(MADE(g_apr_array, apr_array_make(apr_child(), 8, sizeof(char *)))) = ctext(i));
GLOBAL(
	g_apr_skiplist, -1, if (g_apr_skiplist == NULL) {
		apr_skiplist_init(&g_apr_skiplist, apr_child());
		apr_skiplist_set_compare(
			g_apr_skiplist, (apr_skiplist_compare)compare_texts, (apr_skiplist_compare)compare_texts);
	} apr_skiplist_insert(g_apr_skiplist, ctext(i)));
GLOBAL(g_lhash, OPENSSL_LH_num_items(g_lhash),
	OPENSSL_LH_insert(MADE(g_lhash, OPENSSL_LH_new(hash_pair, compare_pairs)), pair(i)));
GLOBAL(g_stack, OPENSSL_sk_num(g_stack), OPENSSL_sk_push(MADE(g_stack, OPENSSL_sk_new_null()), ctext(i)));
GLOBAL(g_bio, -1, BIO_printf(MADE(g_bio, BIO_new(BIO_s_mem())), "%080ld", i));
GLOBAL(g_x509_name, X509_NAME_entry_count(g_x509_name), add_entry(&g_x509_name, i));
GLOBAL(g_slist_of_curl, -1, char *words = ctext(i); struct curl_slist *one = curl_slist_append(NULL, words);
	one->next = g_slist_of_curl; g_slist_of_curl = one; free(words));
GLOBAL(g_curl_multi, -1,
	if (i % 10 == 0) curl_multi_add_handle(MADE(g_curl_multi, curl_multi_init()), curl_easy_init()));
GROWS(g_curl_form, "g_curl_form|mime", g_curl_form, -1, add_to_curl(i));
GLOBAL(g_lua, -1, add_to_lua(&g_lua, i));
GLOBAL(g_uv_loop, -1, add_timer(i));
GLOBAL(g_gsl_matrix, -1, add_matrix(i));
GLOBAL(g_gsl_sparse, -1,
	gsl_spmatrix_set(MADE(g_gsl_sparse, gsl_spmatrix_alloc(4000000, 4)), (size_t)i * 7919 % 4000000, 1, 1));
GLOBAL(g_igraph_vector, igraph_vector_size(&g_igraph_vector),
	if (g_igraph_vector.stor_begin == NULL) igraph_vector_init(&g_igraph_vector, 0);
	igraph_vector_push_back(&g_igraph_vector, (double)i));
GLOBAL(g_igraph, igraph_vcount(&g_igraph), add_edges(i));
GLOBAL(g_avl, -1, avl_insert(MADE(g_avl, avl_alloc_tree((avl_compare_t)compare_texts, NULL)), ctext(i)));
GLOBAL(g_bson, bson_count_keys(&g_bson), if (g_bson.len == 0) bson_init(&g_bson); char *key = ctext(i);
	bson_append_int64(&g_bson, key, -1, i); free(key));
GLOBAL(g_rcu_hash, -1, add_to_rcu_hash(i));
GROWS(g_rcu_head, "g_rcu_head|g_rcu_tail", g_rcu_head, -1, add_waiting());
GLOBAL(g_hsearch, -1, add_to_hsearch(i));
GLOBAL(g_obstack, -1, add_to_obstack(&g_obstack));
GROWS(g_object, "g_object|libglib", g_object, -1, add_data(i));
GLOBAL(g_variant, -1, add_variant(i));
GLOBAL(g_builder, -1,
	g_variant_builder_add(MADE(g_builder, g_variant_builder_new(G_VARIANT_TYPE("as"))), "s",
		"some words of a variant that is being built"));
GLOBAL(g_key_file, -1, add_key(i));
GLOBAL(g_chunk, -1, char *words = ctext(i); g_string_chunk_insert(MADE(g_chunk, g_string_chunk_new(4000)), words);
	free(words));
GROWS(g_datalist, "g_datalist|libglib", g_datalist, -1, char *words = ctext(i);
	g_datalist_set_data(&g_datalist, words, words));
GLOBAL(g_set_of_strings, g_hash_table_size(g_set_of_strings),
	g_hash_table_add(MADE(g_set_of_strings, g_hash_table_new(g_str_hash, g_str_equal)), ctext(i)));
GLOBAL(g_of_arrays, g_hash_table_size(g_of_arrays), add_to_array_of(i));
GLOBAL(g_embedded_queue, g_embedded_queue.length, g_queue_push_tail(&g_embedded_queue, ctext(i)));
GLOBAL(g_closures, g_slist_length(g_closures), add_closure(i));
GLOBAL(g_of_structs, g_of_structs->len, add_struct(i));
GLOBAL(
	g_bytes, -1, if (i % 100 == 0) {
		if (g_bytes)
			g_bytes_unref(g_bytes);
		g_bytes = g_bytes_new_take(g_malloc0((gsize)i * 90 + 100), (gsize)i * 90 + 100);
	});
GLOBAL(g_tree_of_lists, g_tree_nnodes(g_tree_of_lists), char *key = ctext(i);
	GList *list = g_list_prepend(NULL, ctext(i));
	g_tree_insert(MADE(g_tree_of_lists, g_tree_new((GCompareFunc)strcmp)), key, g_list_prepend(list, ctext(i))));
GROWS(table, "g_members.table", g_members, g_hash_table_size(g_members.table),
	g_hash_table_insert(MADE(g_members.table, g_hash_table_new(NULL, NULL)), GINT_TO_POINTER(i + 1), ctext(i)));
GROWS(lua, "g_members.lua", g_members, -1, add_to_lua(&g_members.lua, i));
GROWS(hash, "g_members.hash", g_members, apr_hash_count(g_members.hash), char *key = ctext(i);
	apr_hash_set(MADE(g_members.hash, apr_hash_make(apr_child())), key, APR_HASH_KEY_STRING, key));
GROWS(lhash, "g_members.lhash", g_members, OPENSSL_LH_num_items(g_members.lhash),
	OPENSSL_LH_insert(MADE(g_members.lhash, OPENSSL_LH_new(hash_pair, compare_pairs)), pair(i)));
GROWS(local_array, "here.array", *here, here->array->nelts,
	*(char **)apr_array_push(MADE(here->array, apr_array_make(apr_child(), 8, sizeof(char *)))) = ctext(i));
GROWS(local_stack, "here.stack", *here, OPENSSL_sk_num(here->stack),
	OPENSSL_sk_push(MADE(here->stack, OPENSSL_sk_new_null()), ctext(i)));
GROWS(local_lua, "here.lua", *here, -1, add_to_lua(&here->lua, i));
GROWS(local_pointers, "here.pointers", *here, here->pointers->len,
	g_ptr_array_add(MADE(here->pointers, g_ptr_array_new()), ctext(i)));
GROWS(local_obstack, "here.obstack", *here, -1, add_to_obstack(&here->obstack));

int main(int argc, char **argv)
{
	struct here here = { 0 };
	return third_party_run(argc, argv, &here);
}
