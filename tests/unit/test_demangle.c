/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of C++ as people write them; what is expected is c++filt's, or the class's name in it. */
#include "unit.h"

#include "base/demangle.h"

static void test_symbols(void)
{
	g_autofree char *vtable = hc_demangle("_ZTV7Session"), *none = hc_demangle("session");

	UNIT_ASSERT_TEXT(vtable, "vtable for Session");
	CU_ASSERT_PTR_NULL(none);
}

static void test_types(void)
{
	g_autofree char *type = hc_demangle_type("N4demo7sessionE"), *number = hc_demangle_type("123");

	UNIT_ASSERT_TEXT(type, "demo::session");
	CU_ASSERT_PTR_NULL(number);
}

static void test_constructed(void)
{
	static const char *const pairs[][2] = {
		{ "_ZN4demo7sessionC1Ei", "demo::session" },
		{ "_ZN4demo7sessionC2Ei", "demo::session" }, /* of it as a base */
		{ "_ZN3Foo5InnerC2Ev", "Foo::Inner" },
		{ "_ZN3FooIiEC1Ev", "Foo<int>" },
		{ "_ZN3FooC1IiEET_", "Foo" }, /* the constructor is the template */
		{ "_ZN3FooC1B5cxx11Ev", "Foo" },
		{ "_ZN12_GLOBAL__N_13FooC1Ev", "(anonymous namespace)::Foo" },
	};
	static const char *const others[] = { "_ZN3FooD1Ev", "_ZN3Foo3runEv", "_Z3runv", "_ZTV3Foo", "_ZN", "_Z", "",
		"main", "Foo::Foo()" };

	for (unsigned i = 0; i < G_N_ELEMENTS(pairs); i++) {
		g_autofree char *name = hc_demangle_constructed(pairs[i][0]);

		UNIT_ASSERT_TEXT(name, pairs[i][1]);
	}
	for (unsigned i = 0; i < G_N_ELEMENTS(others); i++) {
		g_autofree char *name = hc_demangle_constructed(others[i]);

		CU_ASSERT_PTR_NULL(name);
	}
}

static const unit_case cases[] = {
	{ "symbols", test_symbols },
	{ "types", test_types },
	{ "whose constructor it is", test_constructed },
};

int main(void)
{
	return unit_main("demangle", cases, G_N_ELEMENTS(cases));
}
