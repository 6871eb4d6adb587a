/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What more C libraries keep (cJSON, json-c, libyaml, khash, talloc, utlist, <sys/queue.h>, <search.h>, libxml2, libevent, SQLite,
 * Roaring): see third-party.h. */
#include <cjson/cJSON.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <htslib/khash.h>
#include <htslib/kstring.h>
#include <json-c/json.h>
#include <libxml/tree.h>
#include <libxml/dict.h>
#include <libxml/hash.h>
#include <roaring/roaring.h>
#include <search.h>
#include <sqlite3.h>
#include <sys/queue.h>
#include <talloc.h>
#include <utlist.h>
#include <utstring.h>
#include <yaml.h>

#include "third-party.h"

static char *ctext(long i)
{
	char text[96];
	snprintf(text, sizeof(text), "%080ld", i);
	return strdup(text);
}

struct job {
	char *name;
	struct job *next, *prev;
	TAILQ_ENTRY(job) jobs;
	STAILQ_ENTRY(job) queued;
	LIST_ENTRY(job) listed;
	SLIST_ENTRY(job) singly;
};

TAILQ_HEAD(job_tail, job);
STAILQ_HEAD(job_queue, job);
LIST_HEAD(job_list, job);
SLIST_HEAD(job_singles, job);

KHASH_MAP_INIT_INT(names, char *)
KHASH_MAP_INIT_STR(numbers, long)

struct here {
	int first;
	cJSON *cjson;
	struct job_tail tail;
	khash_t(names) * names;
};

cJSON *g_cjson;
cJSON *g_cjson_array;
json_object *g_json_c;
json_object *g_json_c_array;
yaml_document_t g_yaml;
khash_t(names) * g_khash;
khash_t(numbers) * g_khash_strings;
void *g_tsearch;
struct job *g_utlist_double;
struct job *g_utlist_single;
struct job_tail g_tailq = TAILQ_HEAD_INITIALIZER(g_tailq);
struct job_queue g_stailq = STAILQ_HEAD_INITIALIZER(g_stailq);
struct job_list g_list = LIST_HEAD_INITIALIZER(g_list);
struct job_singles g_slist = SLIST_HEAD_INITIALIZER(g_slist);
void *g_talloc;
roaring_bitmap_t *g_roaring;
xmlHashTable *g_xml_hash;
xmlDict *g_xml_dict;
UT_string *g_utstring;
kstring_t g_kstring;
struct event_base *g_event_base;

static struct {
	int first;
	struct job_tail tail;
	sqlite3 *database;
	cJSON *document;
	khash_t(numbers) * numbers;
} g_members = { .tail = TAILQ_HEAD_INITIALIZER(g_members.tail) };

struct server {
	int port;
	json_object *settings;
	xmlDoc *document;
	struct job *jobs;
};
struct server *g_server;

static __thread struct job *t_jobs;

static struct server *server(void)
{
	if (g_server == NULL)
		g_server = calloc(1, sizeof(*g_server));
	return g_server;
}

static struct job *job(long i)
{
	struct job *job = calloc(1, sizeof(*job));
	job->name = ctext(i);
	return job;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

#define MADE(NAME, MAKE) (NAME != NULL ? NAME : (NAME = MAKE))

static void add_yaml(long i)
{
	static int root;
	char text[96];
	if (root == 0) {
		yaml_document_initialize(&g_yaml, NULL, NULL, NULL, 1, 1);
		root = yaml_document_add_sequence(&g_yaml, NULL, YAML_BLOCK_SEQUENCE_STYLE);
	}
	snprintf(text, sizeof(text), "%080ld", i);
	int item = yaml_document_add_scalar(&g_yaml, NULL, (yaml_char_t *)text, -1, YAML_PLAIN_SCALAR_STYLE);
	yaml_document_append_sequence_item(&g_yaml, root, item);
}

static void add_name(khash_t(names) * *names, long i)
{
	int absent;
	if (*names == NULL)
		*names = kh_init(names);
	khint_t at = kh_put(names, *names, (khint32_t)i, &absent);
	kh_value(*names, at) = ctext(i);
}

static void add_number(khash_t(numbers) * *numbers, long i)
{
	int absent;
	if (*numbers == NULL)
		*numbers = kh_init(numbers);
	khint_t at = kh_put(numbers, *numbers, ctext(i), &absent);
	kh_value(*numbers, at) = i;
}

static void add_record(long i)
{
	if (g_members.database == NULL) {
		sqlite3_open(":memory:", &g_members.database);
		sqlite3_exec(g_members.database,
			"pragma cache_size=-100000; create table t (a text primary key, b text)", NULL, NULL, NULL);
	}
	char text[256];
	snprintf(text, sizeof(text), "insert into t values ('%030ld', '%080ld')", i * 7919 % 1000003, i);
	sqlite3_exec(g_members.database, text, NULL, NULL, NULL);
}

static void add_node(xmlDoc **document, long i)
{
	if (*document == NULL) {
		*document = xmlNewDoc((const xmlChar *)"1.0");
		xmlDocSetRootElement(*document, xmlNewNode(NULL, (const xmlChar *)"root"));
	}
	char text[96];
	snprintf(text, sizeof(text), "%080ld", i);
	xmlNode *node = xmlNewChild(xmlDocGetRootElement(*document), NULL, (const xmlChar *)"item", NULL);
	xmlNewProp(node, (const xmlChar *)"name", (const xmlChar *)text);
}

static void nothing(evutil_socket_t fd, short what, void *data)
{
	(void)fd, (void)what, (void)data;
}

static void add_event(long i)
{
	struct timeval when = { 1000 + i, 0 };
	event_add(event_new(MADE(g_event_base, event_base_new()), -1, 0, nothing, NULL), &when);
}

GLOBAL(g_cjson, cJSON_GetArraySize(g_cjson), char *name = ctext(i);
	cJSON_AddItemToObject(MADE(g_cjson, cJSON_CreateObject()), name, cJSON_CreateString(name)); free(name));
GLOBAL(g_cjson_array, cJSON_GetArraySize(g_cjson_array),
	cJSON_AddItemToArray(MADE(g_cjson_array, cJSON_CreateArray()), cJSON_CreateNumber((double)i)));
GLOBAL(g_json_c, json_object_object_length(g_json_c), char *name = ctext(i);
	json_object_object_add(MADE(g_json_c, json_object_new_object()), name, json_object_new_string(name));
	free(name));
GLOBAL(g_json_c_array, json_object_array_length(g_json_c_array),
	json_object_array_add(MADE(g_json_c_array, json_object_new_array()), json_object_new_int64(i)));
GLOBAL(g_yaml, -1, add_yaml(i));
GLOBAL(g_khash, kh_size(g_khash), add_name(&g_khash, i));
GLOBAL(g_khash_strings, kh_size(g_khash_strings), add_number(&g_khash_strings, i));
GLOBAL(g_tsearch, -1, tsearch(ctext(i * 7919 % 1000003), &g_tsearch, compare));
GLOBAL(g_utlist_double, -1, struct job *one = job(i); DL_APPEND(g_utlist_double, one));
GLOBAL(g_utlist_single, -1, struct job *one = job(i); LL_PREPEND(g_utlist_single, one));
GLOBAL(g_tailq, -1, struct job *one = job(i); TAILQ_INSERT_TAIL(&g_tailq, one, jobs));
GLOBAL(g_stailq, -1, struct job *one = job(i); STAILQ_INSERT_TAIL(&g_stailq, one, queued));
GLOBAL(g_list, -1, struct job *one = job(i); LIST_INSERT_HEAD(&g_list, one, listed));
GLOBAL(g_slist, -1, struct job *one = job(i); SLIST_INSERT_HEAD(&g_slist, one, singly));
GLOBAL(g_talloc, -1, talloc_asprintf(MADE(g_talloc, talloc_new(NULL)), "%080ld", i));
GLOBAL(g_roaring, -1, roaring_bitmap_add(MADE(g_roaring, roaring_bitmap_create()), (uint32_t)i * 8191));
GLOBAL(g_xml_hash, xmlHashSize(g_xml_hash), char *name = ctext(i);
	xmlHashAddEntry(MADE(g_xml_hash, xmlHashCreate(64)), (xmlChar *)name, name));
GLOBAL(g_xml_dict, xmlDictSize(g_xml_dict), char *name = ctext(i);
	xmlDictLookup(MADE(g_xml_dict, xmlDictCreate()), (xmlChar *)name, -1); free(name));
GLOBAL(g_utstring, -1, if (g_utstring == NULL) utstring_new(g_utstring); utstring_printf(g_utstring, "%ld", i));
GLOBAL(g_kstring, g_kstring.l, ksprintf(&g_kstring, "%ld", i));
GLOBAL(g_event_base, -1, add_event(i));
GROWS(tail, "g_members.tail", g_members, -1, struct job *one = job(i); TAILQ_INSERT_TAIL(&g_members.tail, one, jobs));
GROWS(database, "g_members.database", g_members, -1, add_record(i));
GROWS(document, "g_members.document", g_members, -1, char *name = ctext(i);
	cJSON_AddStringToObject(MADE(g_members.document, cJSON_CreateObject()), name, name); free(name));
GROWS(numbers, "g_members.numbers", g_members, kh_size(g_members.numbers), add_number(&g_members.numbers, i));
GROWS(settings, "g_server->settings", g_server, json_object_object_length(g_server->settings), char *name = ctext(i);
	json_object_object_add(MADE(server()->settings, json_object_new_object()), name, json_object_new_int64(i));
	free(name));
GROWS(server_document, "g_server->document", g_server, -1, add_node(&server()->document, i));
GROWS(jobs, "g_server->jobs", g_server, -1, struct job *one = job(i); LL_PREPEND(server()->jobs, one));
GROWS(t_jobs, "t_jobs", t_jobs, -1, struct job *one = job(i); LL_PREPEND(t_jobs, one));
GROWS(local_cjson, "here.cjson", *here, cJSON_GetArraySize(here->cjson), char *name = ctext(i);
	cJSON_AddStringToObject(MADE(here->cjson, cJSON_CreateObject()), name, name); free(name));
GROWS(local_tail, "here.tail", *here, -1, struct job *one = job(i); TAILQ_INSERT_TAIL(&here->tail, one, jobs));
GROWS(local_names, "here.names", *here, kh_size(here->names), add_name(&here->names, i));

int main(int argc, char **argv)
{
	struct here here = { 0 };
	TAILQ_INIT(&here.tail);
	return third_party_run(argc, argv, &here);
}
