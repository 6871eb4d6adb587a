/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <string.h>

bool cli_parse_size(const char *text, uint64_t *ret_size)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;
	uint64_t value;
	unsigned shift;

	if (!g_ascii_isdigit(*text))
		return false;
	errno = 0;
	value = g_ascii_strtoull(text, &end, 10);
	if (errno)
		return false;
	if (!*end) {
		*ret_size = value;
		return true;
	}
	unit = strchr(units, g_ascii_toupper(*end));
	if (!unit || (end[1] && g_ascii_strcasecmp(end + 1, "iB")))
		return false;
	shift = 10 * (unit - units + 1);
	if (value > UINT64_MAX >> shift)
		return false;
	*ret_size = value << shift;
	return true;
}

bool cli_parse_pid(const char *text, int64_t *ret_pid)
{
	char *end;

	if (!g_ascii_isdigit(*text))
		return false;
	*ret_pid = g_ascii_strtoll(text, &end, 10);
	return !*end && *ret_pid > 0;
}

bool cli_parse_address(const char *text, hc_address *ret_address)
{
	const char *digits = g_str_has_prefix(text, "0x") || g_str_has_prefix(text, "0X") ? text + 2 : text;
	size_t length = strlen(digits);

	if (!length || length > 16 || strspn(digits, "0123456789abcdefABCDEF") != length)
		return false;
	*ret_address = g_ascii_strtoull(digits, NULL, 16);
	return true;
}
