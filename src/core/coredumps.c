/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cores that systemd-coredump(8) keeps. All that its journal has of a core that lies in a file, and that tells which one is meant, is on the
 * file too: in its name, and in attributes, unless it was copied without them (systemd, src/coredump/coredump.c: make_filename(),
 * fix_xattr()). So the journal is not read, nor libsystemd needed.
 *
 *	core.COMM.UID.BOOT-ID.PID.MICROSECONDS[.zst]	COMM with what a name cannot have as \xNN
 *	user.coredump.exe				the path of the executable
 */
#include "core/core.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

enum {
	NAME_FIELDS = 4,    /* behind COMM: uid, boot, pid, time */
	COMM_LENGTH = 15,   /* of what the kernel keeps of a name */
	FILES_MAX = 1 << 20 /* that are looked at */
};

static const char *const kept_in = "/var/lib/systemd/coredump", *const attribute = "user.coredump.exe",
			 *const gone = " (deleted)";

typedef struct search_term {
	const char *match;
	uint64_t pid;	/* if it is_number */
	char *absolute; /* of a path; else NULL */
	char *name;	/* the last part of it, or all */
	bool is_number;
} search_term;

/* COMM as it was. */
static char *unescape(const char *text, size_t length)
{
	GString *plain = g_string_new(NULL);

	for (size_t i = 0; i < length; i++) {
		bool escaped = text[i] == '\\' && i + 3 < length && text[i + 1] == 'x' &&
			       g_ascii_isxdigit(text[i + 2]) && g_ascii_isxdigit(text[i + 3]);

		g_string_append_c(plain,
			escaped ? (char)(g_ascii_xdigit_value(text[i + 2]) << 4 | g_ascii_xdigit_value(text[i + 3])) :
				  text[i]);
		i += escaped ? 3 : 0;
	}
	return g_string_free(plain, FALSE);
}

static bool take_number(const char *text, uint64_t *ret_number)
{
	guint64 number;
	bool is = g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, &number, NULL);

	*ret_number = is ? number : 0;
	return is;
}

/* What FOLDER's file NAME is named for. NULL: it is none of systemd's. */
static hc_coredump *read_name(const char *folder, const char *name)
{
	g_auto(GStrv) parts = g_strsplit(name, ".", -1);
	unsigned count = g_strv_length(parts);
	uint64_t pid, time;

	count -= count > 0 && !g_ascii_isdigit(*parts[count - 1]); /* ".zst" */
	if (count < NAME_FIELDS + 2 || strcmp(parts[0], "core") != 0 || !take_number(parts[count - 1], &time) ||
		!take_number(parts[count - 2], &pid))
		return NULL;
	const char *comm = name + strlen("core."), *end = comm;

	for (unsigned i = 1; i < count - NAME_FIELDS; i++)
		end += strlen(parts[i]) + 1;
	hc_coredump *dump = g_new0(hc_coredump, 1);

	dump->path = g_build_filename(folder, name, NULL);
	dump->name = unescape(comm, (size_t)(end - 1 - comm));
	dump->pid = (int64_t)pid;
	dump->time = (int64_t)time;
	return dump;
}

/* The executable, as the file's attribute has it; NULL: there is none. */
static char *read_executable(const char *path)
{
	char value[PATH_MAX + 16];
	ssize_t length = lgetxattr(path, attribute, value, sizeof value);
	g_autofree char *text = length > 0 ? g_strndup(value, (gsize)length) : NULL;

	if (text && g_str_has_suffix(text, gone))
		text[strlen(text) - strlen(gone)] = '\0';
	return g_steal_pointer(&text);
}

static bool is_name(const char *comm, const char *name)
{
	return !strcmp(comm, name) || (strlen(comm) == COMM_LENGTH && !strncmp(comm, name, COMM_LENGTH));
}

static bool is_meant(const hc_coredump *dump, const search_term *wanted)
{
	if (wanted->is_number)
		return (uint64_t)dump->pid == wanted->pid;
	if (wanted->absolute && dump->executable)
		return !strcmp(dump->executable, wanted->match) || !strcmp(dump->executable, wanted->absolute);
	if (is_name(dump->name, wanted->name))
		return true;
	g_autofree char *base = dump->executable ? g_path_get_basename(dump->executable) : NULL;

	return base && !strcmp(base, wanted->name);
}

static bool is_newer(const hc_coredump *dump, const hc_coredump *other)
{
	return !other || dump->time > other->time || (dump->time == other->time && strcmp(dump->path, other->path) > 0);
}

/* The newest one that is meant; NULL: none. *RET_COUNT: how many cores there are. */
static hc_coredump *search(GDir *files, const char *folder, const search_term *wanted, unsigned *ret_count)
{
	hc_coredump *newest = NULL;
	const char *name;

	*ret_count = 0;
	while (*ret_count < FILES_MAX && (name = g_dir_read_name(files))) {
		g_autoptr(hc_coredump) dump = read_name(folder, name);
		struct stat status;

		if (!dump || lstat(dump->path, &status) || !S_ISREG(status.st_mode))
			continue;
		++*ret_count;
		dump->executable = read_executable(dump->path);
		if (!is_meant(dump, wanted) || !is_newer(dump, newest))
			continue;
		hc_coredump_free(newest);
		newest = g_steal_pointer(&dump);
	}
	return newest;
}

hc_coredump *hc_coredump_find(const char *folder, const char *match, GError **error)
{
	const char *place = folder ? folder : kept_in;
	g_autoptr(GError) reason = NULL;
	g_autoptr(GDir) files = g_dir_open(place, 0, &reason);
	g_autofree char *absolute = strchr(match, '/') ? g_canonicalize_filename(match, NULL) : NULL;
	g_autofree char *name = g_path_get_basename(match);
	search_term wanted = { .match = match, .absolute = absolute, .name = name };
	unsigned count;

	if (!files) {
		g_set_error(error, HC_ERROR, HC_ERROR_IO, "%s", reason->message);
		return NULL;
	}
	wanted.is_number = take_number(match, &wanted.pid);
	hc_coredump *dump = search(files, place, &wanted, &count);

	if (!dump)
		g_set_error(error, HC_ERROR, HC_ERROR_IO,
			"none of the %u cores in %s is of %s%s (coredumpctl list tells of which they are, and which were removed)",
			count, place, wanted.is_number ? "process " : "", match);
	return dump;
}

void hc_coredump_free(hc_coredump *dump)
{
	if (!dump)
		return;
	g_free(dump->path);
	g_free(dump->name);
	g_free(dump->executable);
	g_free(dump);
}
