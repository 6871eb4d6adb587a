/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading /proc. */
#include "capture/capture_parts.h"

#include "base/file.h"

#include <elf.h>
#include <string.h>
#include <sys/stat.h>

char *hc_proc_read(pid_t pid, const char *name, size_t *ret_length, GError **error)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/%s", (int)pid, name);

	return hc_file_read(path, HC_PROC_FILE_LIMIT, ret_length, error);
}

bool hc_proc_field(const char *text, const char *key, uint64_t *ret_number)
{
	size_t length = strlen(key);

	while (text && *text) {
		if (!strncmp(text, key, length)) {
			const char *number = text + length + strspn(text + length, " \t");

			if (!g_ascii_isdigit(*number))
				return false;
			*ret_number = g_ascii_strtoull(number, NULL, 10);
			return true;
		}
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return false;
}

bool hc_proc_own_number(const char *status, const char *key, uint64_t *ret_number)
{
	g_autofree char *begin = g_strconcat("\n", key, NULL);
	const char *line = status ? strstr(status, begin) : NULL;
	const char *end = line ? strchrnul(line + 1, '\n') : NULL;

	while (line && end > line && g_ascii_isdigit(end[-1]))
		end--;
	if (!line || !g_ascii_isdigit(*end))
		return false;
	*ret_number = g_ascii_strtoull(end, NULL, 10);
	return true;
}

static bool has_memory(pid_t pid)
{
	g_autofree char *status = hc_proc_read(pid, "status", NULL, NULL);
	uint64_t resident;

	return hc_proc_field(status, "VmRSS:", &resident);
}

pid_t hc_proc_living_thread(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/task", (int)pid);
	g_autoptr(GDir) tasks = has_memory(pid) ? NULL : g_dir_open(path, 0, NULL);
	const char *name;

	if (!tasks)
		return has_memory(pid) ? pid : 0;
	while ((name = g_dir_read_name(tasks))) {
		pid_t thread = (pid_t)g_ascii_strtoll(name, NULL, 10);

		if (thread > 0 && has_memory(thread))
			return thread;
	}
	return 0;
}

bool hc_proc_is_i386(pid_t pid)
{
#ifdef __x86_64__
	g_autofree char *path = g_strdup_printf("/proc/%d/exe", (int)pid);
	Elf32_Ehdr header;

	return hc_file_peek(path, (char *)&header, sizeof header) == sizeof header &&
	       !memcmp(header.e_ident, ELFMAG, SELFMAG) && header.e_ident[EI_CLASS] == ELFCLASS32 &&
	       header.e_machine == EM_386;
#else
	(void)pid;
	return false;
#endif
}

char *hc_proc_foreign_root(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/ns/mnt", (int)pid);
	struct stat own, other;

	if (stat("/proc/self/ns/mnt", &own) || stat(path, &other) ||
		(own.st_dev == other.st_dev && own.st_ino == other.st_ino))
		return NULL;
	return g_strdup_printf("/proc/%d/root", (int)pid);
}
