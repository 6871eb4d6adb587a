/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Key files -> descriptions. docs/containers.md is the reference of the format. */
#include "containers/description.h"
#include "containers/functions.h"

#include "base/file.h"
#include "base/text.h"

#include <stddef.h>
#include <string.h>

enum {
	FILE_BYTES = 1 << 20,
	DESCRIPTIONS_MAX = 4096
};

static const struct known_key {
	const char *name;
	bool is_node;
} known_keys[] = {
	[HC_KEY_ALTERNATIVE] = { "alternative", false },
	[HC_KEY_AT_MOST] = { "at_most", false },
	[HC_KEY_BACK] = { "back", true },
	[HC_KEY_BLOCK] = { "block", false },
	[HC_KEY_BLOCKS] = { "blocks", false },
	[HC_KEY_BUCKETS] = { "buckets", false },
	[HC_KEY_CAPACITY] = { "capacity", false },
	[HC_KEY_CLASS_OF] = { "class_of", false },
	[HC_KEY_COUNT] = { "count", false },
	[HC_KEY_DATA] = { "data", false },
	[HC_KEY_ELEM] = { "elem", false },
	[HC_KEY_ELEM_BITS] = { "elem_bits", false },
	[HC_KEY_ELEM_SIZE] = { "elem_size", false },
	[HC_KEY_FIRST] = { "first", false },
	[HC_KEY_FRONTS] = { "fronts", false },
	[HC_KEY_FUNCTION] = { "function", false },
	[HC_KEY_HEAD] = { "head", false },
	[HC_KEY_HEADER] = { "header", false },
	[HC_KEY_INLINE] = { "inline", false },
	[HC_KEY_IS_INLINE] = { "is_inline", false },
	[HC_KEY_LEFT] = { "left", true },
	[HC_KEY_MAP] = { "map", false },
	[HC_KEY_MAPPED] = { "mapped", false },
	[HC_KEY_MAPPED_ELEM] = { "mapped_elem", false },
	[HC_KEY_NEXT] = { "next", true },
	[HC_KEY_NODE] = { "node", false },
	[HC_KEY_NODE_SIZE] = { "node_size", false },
	[HC_KEY_OBJECT] = { "object", false },
	[HC_KEY_OWNED] = { "owned", false },
	[HC_KEY_PARENT] = { "parent", true },
	[HC_KEY_PREV] = { "prev", true },
	[HC_KEY_RIGHT] = { "right", true },
	[HC_KEY_ROOM] = { "room", false },
	[HC_KEY_ROOT] = { "root", false },
	[HC_KEY_SHARED] = { "shared", false },
	[HC_KEY_SKIP] = { "skip", false },
	[HC_KEY_SLOTS] = { "slots", false },
	[HC_KEY_START] = { "start", false },
	[HC_KEY_STOP] = { "stop", false },
	[HC_KEY_STRIDE] = { "stride", false },
	[HC_KEY_TABLE] = { "table", false },
	[HC_KEY_TAIL] = { "tail", false },
	[HC_KEY_TAIL_SLOT] = { "tail_slot", false },
	[HC_KEY_TOP] = { "top", false },
	[HC_KEY_USED] = { "used", false },
	[HC_KEY_VALUE] = { "value", false },
	[HC_KEY_WHEN] = { "when", false },
	[HC_KEY_WRAP] = { "wrap", false },
};

/* What a kind cannot do without. */
static const hc_key needed[HC_WALK_KIND_COUNT][4] = {
	[HC_WALK_CONTIGUOUS] = { HC_KEY_DATA, HC_KEY_COUNT, HC_KEY_COUNT_OF },
	[HC_WALK_SEGMENTED] = { HC_KEY_MAP, HC_KEY_BLOCK, HC_KEY_COUNT, HC_KEY_COUNT_OF },
	[HC_WALK_LINKED] = { HC_KEY_HEAD, HC_KEY_NEXT, HC_KEY_COUNT_OF },
	[HC_WALK_TREE] = { HC_KEY_ROOT, HC_KEY_LEFT, HC_KEY_RIGHT, HC_KEY_COUNT_OF },
	[HC_WALK_BUCKETS] = { HC_KEY_TABLE, HC_KEY_BUCKETS, HC_KEY_NEXT, HC_KEY_COUNT_OF },
	[HC_WALK_SLOTS] = { HC_KEY_TABLE, HC_KEY_SLOTS, HC_KEY_USED, HC_KEY_COUNT_OF },
	[HC_WALK_SINGLE] = { HC_KEY_DATA, HC_KEY_COUNT_OF },
	[HC_WALK_VARIANT] = { HC_KEY_ALTERNATIVE, HC_KEY_COUNT_OF },
	[HC_WALK_MEMBER] = { HC_KEY_DATA, HC_KEY_COUNT_OF },
	[HC_WALK_ERASED] = { HC_KEY_FUNCTION, HC_KEY_OBJECT, HC_KEY_INLINE, HC_KEY_COUNT_OF },
};

static const struct flag {
	const char *name;
	size_t offset;
} flags[] = {
	{ "pointer", offsetof(hc_description, is_pointer) },
	{ "array", offsetof(hc_description, is_array) },
	{ "guess", offsetof(hc_description, is_guess) },
	{ "text", offsetof(hc_description, is_text) },
	{ "terminated", offsetof(hc_description, is_terminated) },
	{ "balanced", offsetof(hc_description, is_balanced) },
	{ "by_pointer", offsetof(hc_description, by_pointer) },
	{ "variables_only", offsetof(hc_description, variables_only) },
	{ "deduce", offsetof(hc_description, deduces) },
	{ "view", offsetof(hc_description, is_view) },
};

typedef struct loader {
	hc_descriptions *descriptions;
	GKeyFile *file;
	const char *path, *group;
	GError **error;
} loader;

G_GNUC_PRINTF(3, 4) static bool fail(const loader *l, const char *key, const char *format, ...)
{
	g_autofree char *message = NULL;
	va_list arguments;

	va_start(arguments, format);
	message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error(l->error, HC_ERROR, HC_ERROR_BAD_DATA, "%s: [%s]%s%s: %s", l->path, l->group, key ? " " : "",
		key ? key : "", message);
	return false;
}

const char *hc_walk_kind_name(hc_walk_kind kind)
{
	static const char *const names[] = { "contiguous", "segmented", "linked", "tree", "buckets", "slots", "single",
		"variant", "erased", "member" };

	return kind < HC_WALK_KIND_COUNT ? names[kind] : "?";
}

static void free_description(void *data)
{
	hc_description *description = data;

	if (!description)
		return;
	g_clear_pointer(&description->match, g_ptr_array_unref);
	g_clear_pointer(&description->patterns, g_ptr_array_unref);
	g_clear_pointer(&description->shape, g_ptr_array_unref);
	g_ptr_array_unref(description->memory);
	g_free(description->keys);
	g_free(description);
}

static const char *keep(hc_description *description, char *text)
{
	g_ptr_array_add(description->memory, text);
	return text;
}

/* ---- keys that are no expressions ---- */

static void free_strings(void *strings)
{
	g_strfreev(strings);
}

/* "a; b;" -> a, b; nothing empty. */
static char **split(const char *text, const char *separator)
{
	char **parts = g_strsplit(text, separator, -1), **out = parts;

	for (char **part = parts; *part; part++) {
		g_strstrip(*part);
		if (**part)
			*out++ = *part;
		else
			g_free(*part);
	}
	*out = NULL;
	return parts;
}

static void set_match(hc_description *description, const char *value)
{
	g_auto(GStrv) names = split(value, ";");

	g_clear_pointer(&description->match, g_ptr_array_unref); /* the key may be there twice */
	g_clear_pointer(&description->patterns, g_ptr_array_unref);
	description->match = g_ptr_array_new_with_free_func(g_free);
	description->patterns = g_ptr_array_new_with_free_func(g_free);
	for (char **name = names; *name; name++)
		g_ptr_array_add(strpbrk(*name, "*?") ? description->patterns : description->match, g_strdup(*name));
}

static void set_shape(hc_description *description, const char *value)
{
	g_auto(GStrv) groups = split(value, ";");

	g_clear_pointer(&description->shape, g_ptr_array_unref);
	description->shape = g_ptr_array_new_with_free_func(free_strings);
	for (char **group = groups; *group; group++)
		g_ptr_array_add(description->shape, split(*group, "|"));
}

static bool set_flag(const loader *l, hc_description *description, const char *key, const char *value, bool *ret_found)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(flags); i++) {
		if (strcmp(key, flags[i].name))
			continue;
		*ret_found = true;
		if (strcmp(value, "true") && strcmp(value, "false"))
			return fail(l, key, "should be true or false");
		*(bool *)((char *)description + flags[i].offset) = !strcmp(value, "true");
	}
	return true;
}

static bool set_kind(const loader *l, hc_description *description, const char *value)
{
	for (unsigned kind = 0; kind < HC_WALK_KIND_COUNT; kind++)
		if (!strcmp(value, hc_walk_kind_name(kind))) {
			description->kind = kind;
			return true;
		}
	return fail(l, "kind",
		"there is no kind \"%s\": it should be contiguous, segmented, linked, tree, buckets, slots, single, "
		"variant, erased or member",
		value);
}

/* *RET_FOUND: it was such a key. */
static bool set_plain(const loader *l, hc_description *description, const char *key, const char *value, bool *ret_found)
{
	*ret_found = true;
	if (!strcmp(key, "kind"))
		return set_kind(l, description, value);
	if (!strcmp(key, "match"))
		set_match(description, value);
	else if (!strcmp(key, "shape"))
		set_shape(description, value);
	else if (!strcmp(key, "link"))
		description->link = keep(description, g_strdup(value));
	else if (!strcmp(key, "argument"))
		description->argument = keep(description, g_strdup(value));
	else
		*ret_found = false;
	return *ret_found || set_flag(l, description, key, value, ret_found);
}

/* ---- expressions ---- */

static bool is_numbered(const char *key, const char *prefix, const char *suffix)
{
	size_t length = strlen(prefix);

	if (strncmp(key, prefix, length))
		return false;
	for (key += length; g_ascii_isdigit(*key);)
		key++;
	return !strcmp(key, suffix);
}

static bool add_expression(const loader *l, hc_description *description, const char *key, const char *value)
{
	hc_description_key *added = &description->keys[description->key_count];
	g_autofree char *message = NULL;
	const hc_expression *unknown;
	unsigned column;

	if (description->key_count == HC_KEYS_MAX)
		return fail(l, key, "more than %d keys", HC_KEYS_MAX);
	*added = (hc_description_key){ .size_key = HC_NO_KEY, .is_node = true };
	added->name = keep(description, g_strdup(key));
	added->text = keep(description, g_strdup(value));
	added->expression = hc_expression_parse(added->text, description->memory, &message, &column);
	if (!added->expression)
		return fail(l, key, "column %u: %s: %s", column, message, value);
	unknown = hc_expression_unknown_call(added->expression);
	if (unknown)
		return fail(l, key, "column %u: there is no function %s() with so many operands", unknown->column,
			unknown->text);
	added->is_check = is_numbered(key, "check", "");
	added->is_memory = is_numbered(key, "buffer", "") || is_numbered(key, "index", "");
	added->role = *key == 'b' ? HC_MEMORY_BUFFER : HC_MEMORY_INDEX;
	if (added->is_check)
		added->reason = keep(description, g_strdup_printf("not so: %s", value));
	if (added->is_check || added->is_memory || is_numbered(key, "buffer", "_size") ||
		is_numbered(key, "index", "_size"))
		added->is_node = false;
	for (unsigned i = 0; i < HC_KEY_COUNT_OF; i++)
		if (!strcmp(key, known_keys[i].name)) {
			description->known[i] = description->key_count;
			added->is_node = known_keys[i].is_node;
		}
	if (added->is_check)
		description->checks[description->check_count++] = description->key_count;
	if (added->is_memory)
		description->memories[description->memory_count++] = description->key_count;
	description->key_count++;
	return true;
}

static int find_key(const hc_description *description, const char *name)
{
	for (unsigned i = 0; i < description->key_count; i++)
		if (!strcmp(description->keys[i].name, name))
			return i;
	return -1;
}

static void pair_sizes(hc_description *description)
{
	for (unsigned i = 0; i < description->key_count; i++) {
		hc_description_key *key = &description->keys[i];
		g_autofree char *name = g_strconcat(key->name, "_size", NULL);
		int size = key->is_memory ? find_key(description, name) : -1;

		if (size >= 0)
			key->size_key = size;
	}
}

static bool uses(const hc_expression *expression, const char *name, unsigned depth)
{
	if (depth > HC_EXPRESSION_DEPTH * HC_EXPRESSION_DEPTH)
		return true;
	for (; expression; expression = expression->next)
		if ((expression->kind == HC_EXPRESSION_NAME && !strcmp(expression->text, name)) ||
			uses(expression->child, name, depth + 1))
			return true;
	return false;
}

/* A name that nothing uses is a slip of the pen. */
static bool check_names(const loader *l, const hc_description *description)
{
	for (unsigned i = 0; i < description->key_count; i++) {
		const hc_description_key *key = &description->keys[i];
		bool is_known = key->is_check || key->is_memory;

		for (unsigned known = 0; known < HC_KEY_COUNT_OF; known++)
			is_known = is_known || description->known[known] == i;
		for (unsigned user = 0; user < description->key_count; user++)
			is_known = is_known || description->keys[user].size_key == i ||
				   (user != i && uses(description->keys[user].expression, key->name, 0));
		if (!is_known)
			return fail(l, key->name, "is not known here, and no other key of the group uses it");
	}
	return true;
}

static bool check_complete(const loader *l, const hc_description *description)
{
	for (unsigned i = 0; i < 4 && needed[description->kind][i] != HC_KEY_COUNT_OF; i++)
		if (description->known[needed[description->kind][i]] == HC_NO_KEY)
			return fail(l, NULL, "kind %s needs the key %s", hc_walk_kind_name(description->kind),
				known_keys[needed[description->kind][i]].name);
	if (description->kind == HC_WALK_ERASED && !description->argument)
		return fail(l, NULL, "kind erased needs the key argument");
	if (!description->match && !description->shape && !description->is_array)
		return fail(l, NULL, "says neither match nor shape nor array: which types does it describe?");
	return check_names(l, description);
}

static bool read_description(const loader *l, hc_description *description, char **keys)
{
	bool has_kind = false;

	for (char **key = keys; *key; key++) {
		g_autofree char *raw = g_key_file_get_value(l->file, l->group, *key, NULL);
		const char *value = raw ? g_strstrip(raw) : "";
		bool found;

		if (!set_plain(l, description, *key, value, &found))
			return false;
		if (!found && !add_expression(l, description, *key, value))
			return false;
		has_kind = has_kind || !strcmp(*key, "kind");
	}
	if (!has_kind)
		return fail(l, NULL, "has no key kind");
	pair_sizes(description);
	return check_complete(l, description);
}

static void file_description(hc_descriptions *descriptions, hc_description *description)
{
	description->order = descriptions->list->len;
	g_ptr_array_add(descriptions->list, description);
	for (unsigned i = 0; description->match && i < description->match->len; i++) {
		const char *name = description->match->pdata[i];
		GPtrArray *list = g_hash_table_lookup(descriptions->by_name, name);

		if (!list) {
			list = g_ptr_array_new();
			g_hash_table_insert(descriptions->by_name, g_strdup(name), list);
		}
		g_ptr_array_add(list, description);
	}
	if (!description->match || description->patterns->len)
		g_ptr_array_add(descriptions->by_shape, description);
}

static bool load_description(const loader *l, char **keys)
{
	hc_description *description = g_new0(hc_description, 1);

	if (l->descriptions->list->len == DESCRIPTIONS_MAX) {
		g_free(description);
		return fail(l, NULL, "more than %d descriptions", DESCRIPTIONS_MAX);
	}
	description->memory = g_ptr_array_new_with_free_func(g_free);
	description->name = keep(description, g_strdup(l->group));
	description->file = keep(description, g_strdup(l->path));
	description->keys = g_new0(hc_description_key, HC_KEYS_MAX + 1);
	memset(description->known, HC_NO_KEY, sizeof description->known);
	if (!read_description(l, description, keys)) {
		free_description(description);
		return false;
	}
	file_description(l->descriptions, description);
	return true;
}

/* ---- annotations ---- */

static void free_annotation(void *data)
{
	hc_annotation *annotation = data;

	g_free(annotation->name);
	g_free(annotation->elem);
	g_free(annotation->value);
	g_free(annotation->link);
	g_free(annotation->as);
	g_free(annotation);
}

static bool set_word(const loader *l, hc_annotation *annotation, char *word)
{
	char *value = strchr(word, '=');
	char **place;

	if (!value)
		return fail(l, annotation->name,
			"\"%s\": should be elem=TYPE, key=TYPE, value=TYPE, link=MEMBER or as=GROUP", word);
	*value++ = '\0';
	g_strstrip(word);
	g_strstrip(value);
	place = !strcmp(word, "elem") || !strcmp(word, "key") ? &annotation->elem :
		!strcmp(word, "value")			      ? &annotation->value :
		!strcmp(word, "link")			      ? &annotation->link :
		!strcmp(word, "as")			      ? &annotation->as :
								NULL;
	if (!place)
		return fail(l, annotation->name, "%s= is not known: it should be elem, key, value, link or as", word);
	g_free(*place);
	*place = g_strdup(value);
	return true;
}

static bool load_annotations(const loader *l, char **keys)
{
	for (char **key = keys; *key; key++) {
		g_autofree char *raw = g_key_file_get_value(l->file, l->group, *key, NULL);
		g_auto(GStrv) words = split(raw ? raw : "", ";");
		hc_annotation *annotation = g_new0(hc_annotation, 1);

		annotation->name = g_strdup(*key);
		for (char **word = words; *word; word++)
			if (!set_word(l, annotation, *word)) {
				free_annotation(annotation);
				return false;
			}
		g_hash_table_replace(l->descriptions->annotations, annotation->name, annotation);
	}
	return true;
}

/* ---- all of them ---- */

static void free_list(void *list)
{
	g_ptr_array_unref(list);
}

void hc_descriptions_init(hc_descriptions *descriptions)
{
	descriptions->list = g_ptr_array_new_with_free_func(free_description);
	descriptions->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_list);
	descriptions->by_shape = g_ptr_array_new();
	descriptions->annotations = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_annotation);
}

void hc_descriptions_clear(hc_descriptions *descriptions)
{
	g_hash_table_unref(descriptions->annotations);
	g_ptr_array_unref(descriptions->by_shape);
	g_hash_table_unref(descriptions->by_name);
	g_ptr_array_unref(descriptions->list);
}

const hc_description *hc_descriptions_find(const hc_descriptions *descriptions, const char *name)
{
	for (unsigned i = 0; i < descriptions->list->len; i++) {
		const hc_description *description = descriptions->list->pdata[i];

		if (!strcmp(description->name, name))
			return description;
	}
	return NULL;
}

bool hc_descriptions_load(hc_descriptions *descriptions, const char *path, GError **error)
{
	g_autoptr(GKeyFile) file = hc_file_read_keys(path, FILE_BYTES, error);
	g_auto(GStrv) groups = NULL;

	G_STATIC_ASSERT(G_N_ELEMENTS(known_keys) == HC_KEY_COUNT_OF);
	if (!file)
		return false;
	groups = g_key_file_get_groups(file, NULL);
	for (char **group = groups; *group; group++) {
		const loader l = { descriptions, file, path, *group, error };
		g_auto(GStrv) keys = g_key_file_get_keys(file, *group, NULL, NULL);
		bool is_annotation = !strcmp(*group, "annotate") || g_str_has_prefix(*group, "annotate ");

		if (!(is_annotation ? load_annotations(&l, keys) : load_description(&l, keys)))
			return false;
	}
	return true;
}
