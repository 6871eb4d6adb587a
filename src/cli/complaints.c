/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is said on standard error. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

/* Messages hold names of files and modules, which are what somebody made them, in a dump too: nothing that moves the cursor. */
static void put_printable(const char *text)
{
	const char *end = text + strlen(text);

	while (text < end) {
		gunichar character = g_utf8_get_char_validated(text, end - text);
		bool valid = character != (gunichar)-1 && character != (gunichar)-2;
		size_t length = valid ? g_utf8_next_char(text) - text : 1;

		if (!valid || g_unichar_iscntrl(character) || g_unichar_type(character) == G_UNICODE_FORMAT)
			fprintf(stderr, character < 0x100 || !valid ? "\\x%02x" : "\\u{%x}",
				valid ? character : (guint8)*text);
		else
			fwrite(text, 1, length, stderr);
		text += length;
	}
}

void cli_complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	g_autofree char *text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	fputs("heapcore: ", stderr);
	put_printable(text);
	fputc('\n', stderr);
	fflush(stderr);
}

cli_status cli_complain_usage(const cli_command *command, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	g_autofree char *text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	fprintf(stderr, "heapcore %s: ", command->name);
	put_printable(text);
	fprintf(stderr, "\nUsage: heapcore %s [OPTION...] %s\nTry: heapcore %s --help\n", command->name,
		command->arguments, command->name);
	fflush(stderr);
	return CLI_USAGE;
}
