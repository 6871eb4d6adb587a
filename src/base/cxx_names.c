/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cxx_names.h"

#include "base/partition.h"

#include <string.h>

static bool is_word(char c)
{
	return g_ascii_isalnum(c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static size_t word_length(const char *text)
{
	size_t length = 0;

	while (is_word(text[length]))
		length++;
	return length;
}

static bool word_is(const char *word, size_t length, const char *text)
{
	return strlen(text) == length && !memcmp(word, text, length);
}

static bool all_digits(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!g_ascii_isdigit(text[i]))
			return false;
	return length > 0;
}

bool hc_name_is_inline_namespace(const char *name, size_t length)
{
	/*
	 * libstdc++ (__cxx11, _V2, __8, fundamentals_v1), libc++ (__1, __2, __ndk1), Abseil
	 * (lts_..., Debian's debian...), fmt and others (v9).
	 */
	if (word_is(name, length, "__cxx11") || word_is(name, length, "__ndk1") || word_is(name, length, "_V2"))
		return true;
	if (length > 2 && name[0] == '_' && name[1] == '_')
		return all_digits(name + 2, length - 2);
	if (length > 4 && !memcmp(name, "lts_", 4))
		return all_digits(name + 4, length - 4);
	if (length > 6 && !memcmp(name, "debian", 6))
		return all_digits(name + 6, length - 6);
	if (length > 14 && !memcmp(name, "fundamentals_v", 14))
		return all_digits(name + 14, length - 14);
	return length > 1 && name[0] == 'v' && all_digits(name + 1, length - 1);
}

/* ---- one way of writing ---- */

enum {
	LEVELS_MAX = 64
};

enum {
	SHORT = 1,
	LONG = 2,
	LONG_LONG = 4,
	UNSIGNED = 8,
	SIGNED = 16,
	INT = 32,
	CHAR = 64,
	DOUBLE = 128,
};

struct canonical {
	GString *text;
	const char *at;
	size_t begin;		     /* of the text that this call appends */
	unsigned level;		     /* of brackets */
	uint8_t pending[LEVELS_MAX]; /* "const" (1), "volatile" (2) that stood in front of a type on this level */
	bool at_start;		     /* of a type */
};

static void put_word(struct canonical *c, const char *word, size_t length)
{
	if (c->text->len > c->begin && is_word(c->text->str[c->text->len - 1]))
		g_string_append_c(c->text, ' ');
	g_string_append_len(c->text, word, length);
}

static void flush_qualifiers(struct canonical *c)
{
	if (c->level >= LEVELS_MAX)
		return;
	if (c->pending[c->level] & 1)
		put_word(c, "const", 5);
	if (c->pending[c->level] & 2)
		put_word(c, "volatile", 8);
	c->pending[c->level] = 0;
}

static unsigned integer_word(const char *word, size_t length)
{
	static const struct {
		const char *name;
		unsigned flag;
	} words[] = { { "long", LONG }, { "unsigned", UNSIGNED }, { "int", INT }, { "short", SHORT },
		{ "signed", SIGNED }, { "char", CHAR }, { "double", DOUBLE } };

	if (length < 3 || length > 8 || !strchr("luiscd", word[0]))
		return 0;
	for (unsigned i = 0; i < G_N_ELEMENTS(words); i++)
		if (word_is(word, length, words[i].name))
			return words[i].flag;
	return 0;
}

/* "long unsigned int" and "unsigned long" are one; so are "short int" and "short". */
static void put_integer(struct canonical *c, unsigned flags)
{
	const char *size = flags & LONG_LONG ? "long long" :
			   flags & LONG	     ? "long" :
			   flags & SHORT     ? "short" :
			   flags & CHAR	     ? "char" :
					       "int";

	if (flags & UNSIGNED)
		put_word(c, "unsigned", 8);
	else if (flags & SIGNED && flags & CHAR)
		put_word(c, "signed", 6);
	put_word(c, size, strlen(size));
	if (flags & DOUBLE) {
		if (!(flags & LONG))
			g_string_truncate(c->text, c->text->len - 3);
		put_word(c, "double", 6);
	}
}

static const char *skip_spaces(const char *text)
{
	while (*text == ' ')
		text++;
	return text;
}

static void take_integer(struct canonical *c, unsigned flags)
{
	const char *next = skip_spaces(c->at);
	unsigned more;
	size_t length;

	while ((length = word_length(next)) && (more = integer_word(next, length))) {
		flags |= more & flags & LONG ? LONG_LONG : more;
		c->at = next + length;
		next = skip_spaces(c->at);
	}
	put_integer(c, flags);
	c->at_start = false;
}

static bool is_elaboration(const char *word, size_t length)
{
	return word_is(word, length, "struct") || word_is(word, length, "class") || word_is(word, length, "union") ||
	       word_is(word, length, "enum");
}

static void take_word(struct canonical *c)
{
	const char *word = c->at;
	size_t length = word_length(word);
	unsigned qualifier = word_is(word, length, "const") ? 1 : word_is(word, length, "volatile") ? 2 : 0;
	unsigned integer = integer_word(word, length);

	c->at += length;
	if (qualifier) {
		if (c->at_start && c->level < LEVELS_MAX)
			c->pending[c->level] |= qualifier;
		else
			put_word(c, word, length);
		return;
	}
	if (integer) {
		take_integer(c, integer);
		return;
	}
	if (c->at_start && is_elaboration(word, length) && *c->at == ' ' && is_word(*skip_spaces(c->at)))
		return;
	if (c->at[0] == ':' && c->at[1] == ':' && c->text->len >= c->begin + 2 &&
		c->text->str[c->text->len - 1] == ':' && hc_name_is_inline_namespace(word, length)) {
		c->at += 2;
		return;
	}
	if (g_ascii_isdigit(*word) && !(length > 1 && (word[1] == 'x' || word[1] == 'X')))
		while (length > 1 && strchr("uUlL", word[length - 1]))
			length--;
	put_word(c, word, length);
	c->at_start = false;
}

static void take_sign(struct canonical *c)
{
	char sign = *c->at;

	if (g_str_has_prefix(c->at, "(anonymous namespace)") || g_str_has_prefix(c->at, "{anonymous}")) {
		g_string_append(c->text, "(anonymous namespace)");
		c->at += sign == '(' ? strlen("(anonymous namespace)") : strlen("{anonymous}");
		c->at_start = false;
		return;
	}
	c->at++;
	if (sign == '(' || sign == ')' || sign == '>' || sign == ']' || sign == ',' || sign == '*' || sign == '&')
		flush_qualifiers(c);
	g_string_append_c(c->text, sign);
	if (sign == '<' || sign == '(' || sign == '[') {
		if (++c->level < LEVELS_MAX)
			c->pending[c->level] = 0;
		c->at_start = true;
	} else if ((sign == '>' || sign == ')' || sign == ']') && c->level) {
		c->level--;
		c->at_start = false;
	} else {
		c->at_start = sign == ',';
	}
}

void hc_name_append_canonical(GString *text, const char *name)
{
	struct canonical c = { .text = text, .at = name, .begin = text->len, .at_start = true };
	size_t length = word_length(name);

	if (!name[length] && !integer_word(name, length)) { /* most of C, and namespaces */
		g_string_append_len(text, name, length);
		return;
	}
	while (*c.at) {
		if (*c.at == ' ')
			c.at++;
		else if (is_word(*c.at))
			take_word(&c);
		else
			take_sign(&c);
	}
	while (c.level >= LEVELS_MAX)
		c.level--;
	flush_qualifiers(&c);
}

/* ---- parts ---- */

static bool opens(char c)
{
	return c == '<' || c == '(' || c == '[' || c == '{';
}

static bool closes(char c)
{
	return c == '>' || c == ')' || c == ']' || c == '}';
}

char *hc_name_without_inline_namespaces(const char *name)
{
	GString *text = g_string_sized_new(strlen(name));

	for (const char *at = name; *at;) {
		size_t length = word_length(at);

		if (!length) {
			g_string_append_c(text, *at++);
			continue;
		}
		if (at[length] == ':' && at[length + 1] == ':' && at - name >= 2 && at[-1] == ':' &&
			hc_name_is_inline_namespace(at, length)) {
			at += length + 2;
			continue;
		}
		g_string_append_len(text, at, length);
		at += length;
	}
	return g_string_free(text, FALSE);
}

unsigned hc_name_split(const char *name, hc_name_part parts[HC_NAME_PARTS_MAX])
{
	unsigned count = 0, level = 0;
	const char *start = name;

	for (const char *at = name;; at++) {
		bool ends = !*at || (!level && at[0] == ':' && at[1] == ':');

		if (ends) {
			if (count == HC_NAME_PARTS_MAX)
				return 0;
			parts[count++] = (hc_name_part){ start, at - start };
			if (!*at)
				return count;
			start = ++at + 1;
		} else if (opens(*at)) {
			level++;
		} else if (closes(*at) && level) {
			level--;
		}
	}
}

uint64_t hc_name_hash(const char *canonical, size_t length)
{
	uint64_t hash = HC_NAME_ROOT ^ length;

	for (; length >= 8; canonical += 8, length -= 8) {
		uint64_t word;

		memcpy(&word, canonical, 8);
		hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
		hash ^= hash >> 32;
	}
	for (; length; canonical++, length--)
		hash = (hash ^ (uint8_t)*canonical) * UINT64_C(0xc4ceb9fe1a85ec53);
	return hash ^ hash >> 29;
}

size_t hc_name_base_length(const char *canonical, size_t length)
{
	const char *bracket = length ? memchr(canonical, '<', length) : NULL;

	return bracket && bracket > canonical ? (size_t)(bracket - canonical) : length;
}

/*
 * "main()", "find<int>(char)const", "{lambda()#1}", but not "(anonymous namespace)" or
 * "callback<void(int)>".
 */
static bool is_function(const hc_name_part *part)
{
	unsigned level = 0;

	if (!part->length || part->start[0] == '(')
		return false;
	if (part->start[0] == '{')
		return true;
	for (size_t i = 0; i < part->length; i++) {
		if (part->start[i] == '<')
			level++;
		else if (part->start[i] == '>' && level)
			level--;
		else if (part->start[i] == '(' && !level)
			return true;
	}
	return false;
}

bool hc_name_hashes(const char *name, uint64_t *ret_full, uint64_t *ret_base)
{
	g_autoptr(GString) canonical = g_string_new(NULL);
	hc_name_part parts[HC_NAME_PARTS_MAX];
	uint64_t full = HC_NAME_ROOT, base = HC_NAME_ROOT;
	bool is_local = false;

	hc_name_append_canonical(canonical, name);
	const char *text = g_str_has_prefix(canonical->str, "::") ? canonical->str + 2 : canonical->str;
	unsigned count = *text ? hc_name_split(text, parts) : 0;

	for (unsigned i = 0; i < count; i++) {
		if (i + 1 < count && is_function(&parts[i])) {
			is_local = true;
			base = HC_NAME_ROOT;
			continue;
		}
		full = hc_name_hash_within(full, hc_name_hash(parts[i].start, parts[i].length));
		base = hc_name_hash_within(
			base, hc_name_hash(parts[i].start, hc_name_base_length(parts[i].start, parts[i].length)));
	}
	*ret_full = is_local ? 0 : full;
	*ret_base = base;
	return count > 0;
}

char *hc_name_without_arguments(const char *name)
{
	GString *text = g_string_sized_new(strlen(name));
	unsigned level = 0;

	for (const char *at = name; *at; at++) {
		/* "<lambda()>" is a name, not arguments. */
		bool is_name = *at == '<' && (at == name || at[-1] == ':') && !level;

		if (is_name) {
			g_string_append(text, at);
			break;
		}
		if (*at == '<')
			level++;
		else if (*at == '>' && level)
			level--;
		else if (!level)
			g_string_append_c(text, *at);
	}
	return g_string_free(text, FALSE);
}

/* ---- short names ---- */

enum {
	DEPTH_MAX = 24,
	ARGUMENTS_MAX = 32,
};

/*
 * Templates whose arguments from `kept` on have defaults, by name. Those in namespace pmr
 * ([mem.res.syn] of C++17 and the headers that it names) are the same with
 * pmr::polymorphic_allocator.
 */
static const struct defaults {
	const char *name;
	unsigned kept;
	bool is_in_pmr;
} defaults[] = {
	{ "std::basic_filebuf", 1, false },
	{ "std::basic_fstream", 1, false },
	{ "std::basic_ifstream", 1, false },
	{ "std::basic_ios", 1, false },
	{ "std::basic_iostream", 1, false },
	{ "std::basic_istream", 1, false },
	{ "std::basic_istringstream", 1, false },
	{ "std::basic_ofstream", 1, false },
	{ "std::basic_ostream", 1, false },
	{ "std::basic_ostringstream", 1, false },
	{ "std::basic_regex", 1, false },
	{ "std::basic_streambuf", 1, false },
	{ "std::basic_string", 1, true },
	{ "std::basic_string_view", 1, false },
	{ "std::basic_stringbuf", 1, false },
	{ "std::basic_stringstream", 1, false },
	{ "std::chrono::duration", 1, false },
	{ "std::deque", 1, true },
	{ "std::experimental::basic_string_view", 1, false },
	{ "std::forward_list", 1, true },
	{ "std::list", 1, true },
	{ "std::map", 2, true },
	{ "std::match_results", 1, true },
	{ "std::multimap", 2, true },
	{ "std::multiset", 1, true },
	{ "std::priority_queue", 1, false },
	{ "std::queue", 1, false },
	{ "std::set", 1, true },
	{ "std::stack", 1, false },
	{ "std::unique_ptr", 1, false },
	{ "std::unordered_map", 2, true },
	{ "std::unordered_multimap", 2, true },
	{ "std::unordered_multiset", 1, true },
	{ "std::unordered_set", 1, true },
	{ "std::vector", 1, true },
};

struct arguments {
	char *text[ARGUMENTS_MAX]; /* shortened */
	unsigned count;
};

static bool is_instance(const char *text, const char *template, const char *argument)
{
	size_t length = strlen(template);

	if (strncmp(text, template, length) || text[length] != '<')
		return false;
	if (!argument)
		return true;
	text += length + 1;
	length = strlen(argument);
	return !strncmp(text, argument, length) && (!strcmp(text + length, ">") || !strcmp(text + length, " >"));
}

/* Whether the last argument is what the standard says it is if it is not written. */
static bool is_default(const char *name, const struct arguments *arguments)
{
	static const char *const of_first[] = { "std::char_traits", "std::default_delete", "std::equal_to", "std::hash",
		"std::less", "std::regex_traits", "std::vector", "std::deque" };
	const char *last = arguments->text[arguments->count - 1];

	if (is_instance(last, "std::allocator", NULL))
		return true;
	if (!strcmp(name, "std::chrono::duration"))
		return is_instance(last, "std::ratio", "1l, 1l") || is_instance(last, "std::ratio", "1L, 1L") ||
		       is_instance(last, "std::ratio", "1, 1");
	for (unsigned i = 0; i < G_N_ELEMENTS(of_first); i++)
		if (is_instance(last, of_first[i], arguments->text[0]))
			return true;
	return false;
}

static const struct defaults *find_defaults(const char *name)
{
	unsigned count = G_N_ELEMENTS(defaults);
	unsigned at = HC_PARTITION_POINT(middle, 0, count, strcmp(defaults[middle].name, name) < 0);

	return at < count && !strcmp(defaults[at].name, name) ? &defaults[at] : NULL;
}

/*
 * The namespace whose alias has ALLOCATOR by default: "std::pmr::" or, of the technical
 * specification, "std::experimental::pmr::". NULL: it is no polymorphic_allocator. The result is
 * static.
 */
static const char *namespace_of_allocator(const char *allocator)
{
	if (is_instance(allocator, "std::pmr::polymorphic_allocator", NULL))
		return "std::pmr::";
	if (is_instance(allocator, "std::experimental::pmr::polymorphic_allocator", NULL))
		return "std::experimental::pmr::";
	return NULL;
}

/*
 * TEXT has from TEMPLATE on "basic_string", ... whose one argument is CHARACTER: replaced by the
 * alias that the library has, if it has one.
 */
static bool put_character_alias(GString *text, size_t template, const char *character)
{
	static const char *const characters[][2] = { { "char", "" }, { "wchar_t", "w" }, { "char8_t", "u8" },
		{ "char16_t", "u16" }, { "char32_t", "u32" } };
	const char *kind = text->str + template + strlen("basic_");
	bool is_text = !strcmp(kind, "string") || !strcmp(kind, "string_view");

	for (unsigned i = 0; i < (is_text ? G_N_ELEMENTS(characters) : 2); i++) {
		if (strcmp(character, characters[i][0]))
			continue;
		g_string_erase(text, (gssize) template, (gssize)strlen("basic_"));
		g_string_insert(text, (gssize) template, characters[i][1]);
		return true;
	}
	return false;
}

static void shorten(GString *text, const char *name, size_t length, unsigned depth);

/*
 * The end of the list that begins at START, behind its "<": at its ">", or NULL. Arguments beyond
 * ARGUMENTS_MAX are lost.
 */
static const char *read_arguments(const char *start, const char *end, struct arguments *arguments, unsigned depth)
{
	unsigned level = 0;
	const char *begin = start;

	for (const char *at = start; at < end; at++) {
		bool last = *at == '>' && !level;

		if (last || (*at == ',' && !level)) {
			const char *stop = at;
			GString *text = g_string_new(NULL);

			if (arguments->count == ARGUMENTS_MAX) {
				g_string_free(text, TRUE);
				return NULL;
			}
			while (begin < stop && *begin == ' ')
				begin++;
			while (stop > begin && stop[-1] == ' ')
				stop--;
			shorten(text, begin, stop - begin, depth + 1);
			arguments->text[arguments->count++] = g_string_free(text, FALSE);
			begin = at + 1;
			if (last)
				return at;
		} else if (opens(*at)) {
			level++;
		} else if (closes(*at)) {
			if (!level)
				return NULL;
			level--;
		}
	}
	return NULL;
}

/* TEXT ends in a template's name, which begins at NAME; adds what is left of its arguments. */
static void put_template(GString *text, size_t name, struct arguments *arguments)
{
	const struct defaults *known = find_defaults(text->str + name);
	const char *alias = known && known->is_in_pmr && arguments->count > known->kept ?
				    namespace_of_allocator(arguments->text[arguments->count - 1]) :
				    NULL;

	if (alias) {
		g_free(arguments->text[--arguments->count]);
		g_string_erase(text, (gssize)name, (gssize)strlen("std::"));
		g_string_insert(text, (gssize)name, alias);
	}
	while (known && arguments->count > known->kept && is_default(known->name, arguments))
		g_free(arguments->text[--arguments->count]);

	const char *last = strrchr(text->str + name, ':');
	size_t template = last ? (size_t)(last + 1 - text->str) : name;

	if (known && arguments->count == 1 && g_str_has_prefix(text->str + template, "basic_") &&
		put_character_alias(text, template, arguments->text[0]))
		return;
	g_string_append_c(text, '<');
	for (unsigned i = 0; i < arguments->count; i++)
		g_string_append_printf(text, "%s%s", i ? ", " : "", arguments->text[i]);
	if (text->str[text->len - 1] == '>')
		g_string_append_c(text, ' ');
	g_string_append_c(text, '>');
}

static void shorten(GString *text, const char *name, size_t length, unsigned depth)
{
	const char *end = name + length;
	size_t begin = text->len;

	if (depth > DEPTH_MAX) {
		g_string_append_len(text, name, length);
		return;
	}
	for (const char *at = name; at < end; at++) {
		bool starts = *at == '<' && at > name && is_word(at[-1]);
		struct arguments arguments = { .count = 0 };
		const char *stop = starts ? read_arguments(at + 1, end, &arguments, depth) : NULL;

		if (stop) {
			put_template(text, begin, &arguments);
			at = stop;
		} else {
			g_string_append_c(text, *at);
			if (!is_word(*at) && *at != ':')
				begin = text->len;
		}
		for (unsigned i = 0; i < arguments.count; i++)
			g_free(arguments.text[i]);
	}
}

char *hc_name_shorten(const char *name)
{
	GString *text = g_string_sized_new(strlen(name));

	shorten(text, name, strlen(name), 0);
	return g_string_free(text, FALSE);
}

char *hc_name_template_of_alias(const char *name)
{
	static const char *const namespaces[] = { "std::pmr::", "std::experimental::pmr::", "std::" };
	static const char *const prefixes[] = { "", "w", "u8", "u16", "u32" };
	g_autofree char *plain = hc_name_without_arguments(name);

	for (unsigned i = 0; i < G_N_ELEMENTS(namespaces); i++) {
		if (!g_str_has_prefix(plain, namespaces[i]))
			continue;
		const char *last = plain + strlen(namespaces[i]);
		g_autofree char *template = g_strconcat("std::", last, NULL);

		if (find_defaults(template))
			return strcmp(template, plain) != 0 ? g_steal_pointer(&template) : NULL;
		for (unsigned k = 0; k < G_N_ELEMENTS(prefixes); k++) {
			g_autofree char *basic = g_str_has_prefix(last, prefixes[k]) ?
							 g_strconcat("std::basic_", last + strlen(prefixes[k]), NULL) :
							 NULL;

			if (basic && find_defaults(basic))
				return g_steal_pointer(&basic);
		}
	}
	return NULL;
}
