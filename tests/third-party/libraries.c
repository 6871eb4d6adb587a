/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What C libraries keep (Judy, uthash, libevent, libxml2, SQLite, jansson): see third-party.h. */
#include <Judy.h>
#include <event2/buffer.h>
#include <jansson.h>
#include <libxml/tree.h>
#include <sqlite3.h>
#include <utarray.h>
#include <uthash.h>

#include "third-party.h"

static char *ctext(long i)
{
	char text[96];
	snprintf(text, sizeof(text), "%080ld", i);
	return strdup(text);
}

struct user {
	int id;
	char *name;
	UT_hash_handle hh;
};

struct here {
	int first;
	struct user *users;
};

void *g_judyl;
void *g_judysl;
void *g_judy1;
struct user *g_uthash;
UT_array *g_utarray;
struct evbuffer *g_evbuffer;
xmlDoc *g_xml;
sqlite3 *g_sqlite;
json_t *g_jansson;

static struct {
	int first;
	struct user *users;
} g_members;

static void add_user(struct user **users, long i)
{
	struct user *user = calloc(1, sizeof(*user));
	user->id = (int)i;
	user->name = ctext(i);
	HASH_ADD_INT(*users, id, user);
}

static void add_word(long i)
{
	char text[96];
	snprintf(text, sizeof(text), "%ld-%060ld", i * 7919 % 1000003, i);
	PPvoid_t value = JudySLIns(&g_judysl, (const uint8_t *)text, PJE0);
	*value = (void *)i;
}

static void add_node(long i)
{
	if (g_xml == NULL) {
		g_xml = xmlNewDoc((const xmlChar *)"1.0");
		xmlDocSetRootElement(g_xml, xmlNewNode(NULL, (const xmlChar *)"root"));
	}
	char text[96];
	snprintf(text, sizeof(text), "%080ld", i);
	xmlNewTextChild(xmlDocGetRootElement(g_xml), NULL, (const xmlChar *)"item", (const xmlChar *)text);
}

static void add_record(long i)
{
	if (g_sqlite == NULL) {
		sqlite3_open(":memory:", &g_sqlite);
		sqlite3_exec(g_sqlite, "pragma cache_size=-100000; create table t (a integer primary key, b text)", NULL, NULL, NULL);
	}
	char text[160];
	snprintf(text, sizeof(text), "insert into t values (%ld, '%080ld')", i, i);
	sqlite3_exec(g_sqlite, text, NULL, NULL, NULL);
}

static void add_array(long i)
{
	static const UT_icd icd = {sizeof(char *), NULL, NULL, NULL};
	if (g_utarray == NULL)
		utarray_new(g_utarray, &icd);
	char *text = ctext(i);
	utarray_push_back(g_utarray, &text);
}

static void add_buffered(long i)
{
	if (g_evbuffer == NULL)
		g_evbuffer = evbuffer_new();
	evbuffer_add_printf(g_evbuffer, "%080ld", i);
}

static void add_jansson(long i)
{
	if (g_jansson == NULL)
		g_jansson = json_object();
	char key[32];
	snprintf(key, sizeof(key), "key-%ld", i);
	json_object_set_new(g_jansson, key, json_integer(i));
}

GLOBAL(g_judyl, JudyLCount(g_judyl, 0, -1, PJE0),
       *(char **)JudyLIns(&g_judyl, (Word_t)i * 7919, PJE0) = ctext(i));
GLOBAL(g_judysl, -1, add_word(i));
GLOBAL(g_judy1, Judy1Count(g_judy1, 0, -1, PJE0), Judy1Set(&g_judy1, (Word_t)i * 104729, PJE0));
GLOBAL(g_uthash, HASH_COUNT(g_uthash), add_user(&g_uthash, i));
GLOBAL(g_utarray, utarray_len(g_utarray), add_array(i));
GLOBAL(g_evbuffer, evbuffer_get_length(g_evbuffer), add_buffered(i));
GLOBAL(g_xml, xmlChildElementCount(xmlDocGetRootElement(g_xml)), add_node(i));
GLOBAL(g_sqlite, -1, add_record(i));
GLOBAL(g_jansson, json_object_size(g_jansson), add_jansson(i));
GROWS(users, "g_members.users", g_members, HASH_COUNT(g_members.users), add_user(&g_members.users, i));
GROWS(local_uthash, "here.users", *here, HASH_COUNT(here->users), add_user(&here->users, i));

int main(int argc, char **argv)
{
	struct here here = { 0 };
	return third_party_run(argc, argv, &here);
}
