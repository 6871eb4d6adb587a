/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* base/ and program_types/: names of types as text, and the questions that a type answers about itself. */
#include "base/cxx_names.h"
#include "program_types/type.h"
#include "unit.h"

#include <string.h>

/* ---- names ---- */

static void assert_same(const char *one, const char *other)
{
	g_autoptr(GString) a = g_string_new(NULL), b = g_string_new(NULL);

	hc_name_append_canonical(a, one);
	hc_name_append_canonical(b, other);
	UNIT_ASSERT_TEXT(a->str, b->str);
}

static void assert_different(const char *one, const char *other)
{
	g_autoptr(GString) a = g_string_new(NULL), b = g_string_new(NULL);

	hc_name_append_canonical(a, one);
	hc_name_append_canonical(b, other);
	CU_ASSERT_STRING_NOT_EQUAL(a->str, b->str);
}

static void test_canonical(void)
{
	assert_same("long unsigned int", "unsigned long");
	assert_same("short int", "short");
	assert_same("long long unsigned int", "unsigned long long");
	assert_same("long double", "long  double");
	assert_same("vector<int, std::allocator<int> >", "vector<int,std::allocator<int>>");
	assert_same("pair<const char*, long int>", "pair<char const *, long>");
	assert_same("map<const std::string, int>", "map<std::__cxx11::string const, int>");
	assert_same("box<const std::vector<const int>&>", "box<std::vector<int const> const&>");
	assert_same("array<char, 16ul>", "array<char, 16>");
	assert_same("struct session", "session");
	assert_same("{anonymous}::node", "(anonymous namespace)::node");
	assert_same("absl::lts_20220623::Cord", "absl::Cord");
	assert_same("std::experimental::fundamentals_v1::any", "std::experimental::any");
	assert_different("unsigned char", "signed char");
	assert_different("char", "signed char");
	assert_different("box<int>", "box<int const>");
	assert_different("a b", "ab");
	assert_different("std::__detail::node", "std::node");
	assert_different("double", "long double");
}

static void assert_short(const char *name, const char *expected)
{
	g_autofree char *text = hc_name_shorten(name);

	UNIT_ASSERT_TEXT(text, expected);
}

static void test_short(void)
{
	assert_short("std::basic_string<char, std::char_traits<char>, std::allocator<char> >", "std::string");
	assert_short("std::basic_string<wchar_t, std::char_traits<wchar_t>, std::allocator<wchar_t> >", "std::wstring");
	assert_short("std::basic_string<char, std::char_traits<char>, pool<char> >",
		"std::basic_string<char, std::char_traits<char>, pool<char> >");
	assert_short("std::vector<int, std::allocator<int> >", "std::vector<int>");
	assert_short("std::vector<int, pool<int> >", "std::vector<int, pool<int> >");
	assert_short("std::map<int, std::vector<char, std::allocator<char> >, std::less<int>, "
		     "std::allocator<std::pair<int const, std::vector<char, std::allocator<char> > > > >",
		"std::map<int, std::vector<char> >");
	assert_short("std::map<int, char, std::greater<int>, std::allocator<std::pair<int const, char> > >",
		"std::map<int, char, std::greater<int> >");
	assert_short("std::unordered_map<int, char, std::hash<int>, std::equal_to<int>, std::allocator<char> > *",
		"std::unordered_map<int, char> *");
	assert_short("std::unique_ptr<session, std::default_delete<session> > [4]", "std::unique_ptr<session> [4]");
	assert_short("std::pair<int, std::allocator<int> >", "std::pair<int, std::allocator<int> >");
	assert_short("std::queue<int, std::deque<int, std::allocator<int> > >", "std::queue<int>");
	assert_short("std::function<void (std::vector<int, std::allocator<int> >)>",
		"std::function<void (std::vector<int>)>");
	assert_short(
		"std::basic_string<char16_t, std::char_traits<char16_t>, std::allocator<char16_t> >", "std::u16string");
	assert_short("std::basic_string_view<char8_t, std::char_traits<char8_t> >", "std::u8string_view");
	assert_short("std::basic_ostream<char16_t, std::char_traits<char16_t> >", "std::basic_ostream<char16_t>");
	assert_short("session", "session");
	assert_short("broken<int, <", "broken<int, <");
	assert_short("main::<lambda(int)>", "main::<lambda(int)>");
}

#define PMR_STRING "std::basic_string<char, std::char_traits<char>, std::pmr::polymorphic_allocator<char> >"

static void test_short_pmr(void)
{
	assert_short(PMR_STRING, "std::pmr::string");
	assert_short(PMR_STRING " const&", "std::pmr::string const&");
	assert_short("std::basic_string<wchar_t, std::char_traits<wchar_t>, std::pmr::polymorphic_allocator<wchar_t>>",
		"std::pmr::wstring");
	assert_short("std::basic_string<char, own_traits, std::pmr::polymorphic_allocator<char> >",
		"std::pmr::basic_string<char, own_traits>");
	assert_short("std::vector<" PMR_STRING ", std::pmr::polymorphic_allocator<" PMR_STRING " > >",
		"std::pmr::vector<std::pmr::string>");
	assert_short("std::map<int, " PMR_STRING
		     ", std::less<int>, std::pmr::polymorphic_allocator<std::pair<int const, " PMR_STRING " > > >",
		"std::pmr::map<int, std::pmr::string>");
	assert_short(
		"std::map<int, int, std::greater<int>, std::pmr::polymorphic_allocator<std::pair<int const, int> > >",
		"std::pmr::map<int, int, std::greater<int> >");
	assert_short("std::unordered_set<" PMR_STRING ", std::hash<" PMR_STRING " >, std::equal_to<" PMR_STRING
		     " >, std::pmr::polymorphic_allocator<" PMR_STRING " > >",
		"std::pmr::unordered_set<std::pmr::string>");
	assert_short("std::queue<int, std::deque<int, std::pmr::polymorphic_allocator<int> > >",
		"std::queue<int, std::pmr::deque<int> >");
	assert_short("std::list<int, std::experimental::pmr::polymorphic_allocator<int> >",
		"std::experimental::pmr::list<int>");
	/* There is no std::pmr::ostringstream, and no such vector of somebody else. */
	assert_short("std::basic_ostringstream<char, std::char_traits<char>, std::pmr::polymorphic_allocator<char> >",
		"std::basic_ostringstream<char, std::char_traits<char>, std::pmr::polymorphic_allocator<char> >");
	assert_short("own::vector<int, std::pmr::polymorphic_allocator<int> >",
		"own::vector<int, std::pmr::polymorphic_allocator<int> >");
	assert_short("std::vector<std::pmr::polymorphic_allocator<int> >",
		"std::vector<std::pmr::polymorphic_allocator<int> >");
}

static void assert_template(const char *alias, const char *expected)
{
	g_autofree char *text = hc_name_template_of_alias(alias);

	if (expected)
		UNIT_ASSERT_TEXT(text, expected);
	else
		CU_ASSERT_PTR_NULL(text);
}

static void test_templates_of_aliases(void)
{
	assert_template("std::string", "std::basic_string");
	assert_template("std::pmr::u16string", "std::basic_string");
	assert_template("std::wstring_view", "std::basic_string_view");
	assert_template("std::wostringstream", "std::basic_ostringstream");
	assert_template("std::pmr::map<int, std::pmr::string>", "std::map");
	assert_template("std::experimental::pmr::list<int>", "std::list");
	assert_template("std::vector<int>", NULL);
	assert_template("own::string", NULL);
	assert_template("std::pmr::", NULL);
}

static void test_other_texts(void)
{
	g_autofree char *plain = hc_name_without_arguments("app::outer<int>::inner<char, std::pair<int, int> >"),
			*lambda = hc_name_without_arguments("main::<lambda(int)>"),
			*stripped = hc_name_without_inline_namespaces("std::__cxx11::list<std::__cxx11::string>");
	hc_name_part parts[HC_NAME_PARTS_MAX];

	UNIT_ASSERT_TEXT(plain, "app::outer::inner");
	UNIT_ASSERT_TEXT(lambda, "main::<lambda(int)>");
	UNIT_ASSERT_TEXT(stripped, "std::list<std::string>");
	CU_ASSERT_EQUAL(hc_name_split("a::b<c::d>::(anonymous namespace)::e", parts), 4);
	CU_ASSERT_EQUAL(parts[1].length, strlen("b<c::d>"));
}

static void test_hashes(void)
{
	uint64_t full, base, other_full, other_base;

	CU_ASSERT_TRUE(hc_name_hashes("std::vector<int>", &full, &base));
	CU_ASSERT_TRUE(hc_name_hashes("std::__cxx11::vector< int >", &other_full, &other_base));
	CU_ASSERT_EQUAL(full, other_full);
	CU_ASSERT_TRUE(hc_name_hashes("std::vector<char>", &other_full, &other_base));
	CU_ASSERT_NOT_EQUAL(full, other_full);
	CU_ASSERT_EQUAL(base, other_base);
	CU_ASSERT_TRUE(hc_name_hashes("run(int, char)::local", &full, &base));
	CU_ASSERT_TRUE(hc_name_hashes("local", &other_full, &other_base));
	CU_ASSERT_EQUAL(full, 0);
	CU_ASSERT_EQUAL(base, other_base);
	CU_ASSERT_FALSE(hc_name_hashes("", &full, &base));
}

/* Text that means nothing must end, and stay within its bounds (the sanitizers look). */
static void test_hostile_names(void)
{
	static const char signs[] = "<>(),:*& ab1{}[]";
	GRand *random = g_rand_new_with_seed(7);

	for (unsigned i = 0; i < 20000; i++) {
		char name[200];
		unsigned length = (unsigned)g_rand_int_range(random, 0, sizeof name);
		g_autoptr(GString) canonical = g_string_new(NULL);
		uint64_t full, base;

		for (unsigned k = 0; k < length; k++)
			name[k] = signs[g_rand_int_range(random, 0, sizeof signs - 1)];
		name[length] = 0;
		g_autofree char *text = hc_name_shorten(name);

		hc_name_append_canonical(canonical, name);
		hc_name_hashes(name, &full, &base);
		CU_ASSERT_TRUE(strlen(text) <= 4 * sizeof name);
	}
	g_rand_free(random);
}

/* ---- types ---- */

static const hc_type type_char = { .kind = HC_TYPE_CHAR, .name = "char", .size = 1 };
static const hc_type type_int = { .kind = HC_TYPE_SIGNED, .name = "int", .size = 4 };
static const hc_type type_long = { .kind = HC_TYPE_SIGNED, .name = "long", .size = 8 };

static void test_members(void)
{
	hc_field inner_fields[] = { { .name = "deep", .type = &type_int, .offset = 4 } };
	hc_type inner = { .kind = HC_TYPE_UNION, .name = "u", .size = 8, .fields = inner_fields, .field_count = 1 };
	hc_field base_fields[] = { { .name = "_vptr.base", .type = &type_long },
		{ .name = "deep", .type = &type_char, .offset = 8 },
		{ .name = "only", .type = &type_char, .offset = 9 } };
	hc_type base = { .kind = HC_TYPE_STRUCT,
		.name = "base",
		.size = 16,
		.fields = base_fields,
		.field_count = 3,
		.is_polymorphic = true };
	hc_field fields[] = { { .type = &base, .is_base = true }, { .type = &inner, .offset = 16 },
		{ .name = "own", .type = &type_char, .offset = 24 } };
	hc_type type = { .kind = HC_TYPE_STRUCT, .name = "derived", .size = 32, .fields = fields, .field_count = 3 };
	uint64_t offset = 0;

	CU_ASSERT_PTR_EQUAL(hc_type_find_field(&type, "own", &offset), &fields[2]);
	CU_ASSERT_EQUAL(offset, 24);
	CU_ASSERT_PTR_EQUAL(hc_type_find_field(&type, "deep", &offset), &base_fields[1]);
	CU_ASSERT_EQUAL(offset, 8);
	CU_ASSERT_PTR_EQUAL(hc_type_find_field(&type, "only", &offset), &base_fields[2]);
	CU_ASSERT_PTR_NULL(hc_type_find_field(&type, "none", &offset));
	CU_ASSERT_TRUE(hc_type_is_polymorphic(&type));
	CU_ASSERT_FALSE(hc_type_is_polymorphic(&inner));
	CU_ASSERT_EQUAL(hc_type_alignment(&type), 8);
	CU_ASSERT_PTR_NULL(hc_type_field(&type, 3));
	UNIT_ASSERT_TEXT(hc_type_short_name(&type), "derived");
}

static void test_packed(void)
{
	hc_field fields[] = { { .name = "tag", .type = &type_char },
		{ .name = "number", .type = &type_long, .offset = 1 } };
	hc_type type = { .kind = HC_TYPE_STRUCT, .name = "packed", .size = 9, .fields = fields, .field_count = 2 };

	CU_ASSERT_EQUAL(hc_type_alignment(&type), 1);
}

/* Damaged debug info: a class that is its own base and member. */
static void test_circle(void)
{
	hc_field fields[] = { { .is_base = true }, { .offset = 0 } };
	hc_type type = { .kind = HC_TYPE_STRUCT, .name = "circle", .size = 8, .fields = fields, .field_count = 2 };
	uint64_t offset;

	fields[0].type = fields[1].type = &type;
	CU_ASSERT_PTR_NULL(hc_type_find_field(&type, "none", &offset));
	CU_ASSERT_FALSE(hc_type_is_polymorphic(&type));
	CU_ASSERT_TRUE(hc_type_alignment(&type) >= 1);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "canonical names", test_canonical },
		{ "short names", test_short },
		{ "short names of std::pmr", test_short_pmr },
		{ "templates of aliases", test_templates_of_aliases },
		{ "parts of names", test_other_texts },
		{ "hashes of names", test_hashes },
		{ "hostile names", test_hostile_names },
		{ "members", test_members },
		{ "packed", test_packed },
		{ "circles", test_circle },
	};

	return unit_main("debuginfo", cases, G_N_ELEMENTS(cases));
}
