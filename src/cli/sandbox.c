/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sandbox. Reading a core takes no rights but to read files, yet all that is in it was made by somebody else: so once the command line is
 * read, before a byte of a core is, the program gives up what it does not need, for good. Then a mistake in a parser, here or in libdw,
 * cannot run programs, talk to the network, change a file of the user's, or reach other processes.
 *
 *	no_new_privs	nothing that is run could get more rights
 *	capabilities	root's, but those to read other users' files, and to keep an output file's owner
 *	seccomp		system calls that reading takes are let through, by a list; all others fail (EPERM), but nothing is killed: libraries try
 *			this and that, and go on without. A file is opened for writing only if it has no name (O_TMPFILE), or is new
 *	Landlock	files are made in the folder of the output, and in that of temporary files, and nowhere else
 *
 * Each is there without the others where a kernel, or a container, lacks them; what is lacking is told. Limits (setrlimit(2)) are no
 * substitute: none of them keeps anything from being run, sent or overwritten that is not needed here too.
 *
 * Files that are named by way of another process (/proc/PID/root/...) can be read by its debugger only, which Landlock forbids to be: then there
 * is none, and root keeps that capability.
 *
 * A live process is captured with the rights of a debugger, and those are then given up in the same way. `watch` captures again and again, in
 * a process each that gives up all of them before it reads; what `watch` itself gives up is what capturing does not take.
 */
#include "sandbox.h"

#include <linux/capability.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* PATH is taken. */
static void add_folder(sandbox_needs *needs, char *path, unsigned may)
{
	const sandbox_folder folder = { path, may };

	g_array_append_val(needs->folders, folder);
}

static void clear_folder(void *data)
{
	g_free(((sandbox_folder *)data)->path);
}

/* debuginfod_find_debuginfo(3): where it keeps what it got. It is made here, as making it takes rights in the folder above. */
static char *debuginfod_cache(void)
{
	const char *named = g_getenv("DEBUGINFOD_CACHE_PATH");
	g_autofree char *former = g_build_filename(g_get_home_dir(), ".debuginfod_client_cache", NULL);
	char *cache = named && *named ? g_strdup(named) :
		      g_file_test(former, G_FILE_TEST_EXISTS) ?
					g_steal_pointer(&former) :
					g_build_filename(g_get_user_cache_dir(), "debuginfod_client", NULL);

	g_mkdir_with_parents(cache, 0700);
	return cache;
}

/* Where OUTPUT will stand: its folder, and that of the file behind a link. */
static void add_output(sandbox_needs *needs, const char *output)
{
	const unsigned may = SANDBOX_WRITE | SANDBOX_MAKE | SANDBOX_REMOVE;
	char *target = realpath(output, NULL);

	add_folder(needs, g_path_get_dirname(output), may);
	if (target)
		add_folder(needs, g_path_get_dirname(target), may);
	free(target);
	needs->names = true;
}

/* The folder of a capture that is removed at the end, with what is in it. */
static void add_held(sandbox_needs *needs, const char *held)
{
	add_folder(needs, g_strdup(held), SANDBOX_REMOVE);
	add_folder(needs, g_path_get_dirname(held), SANDBOX_REMOVE_FOLDERS);
	needs->names = true;
}

/* Temporary files: they have no name, unless the file system knows no such. */
static void add_scratch(sandbox_needs *needs)
{
	const char *named = g_getenv("TMPDIR"), *folder = named && *named ? named : "/var/tmp";
	bool nameless = cli_sandbox_has_nameless_files(folder);

	add_folder(needs, g_strdup(folder), nameless ? SANDBOX_WRITE : SANDBOX_WRITE | SANDBOX_MAKE | SANDBOX_REMOVE);
	needs->names |= !nameless;
}

static void add_cache(sandbox_needs *needs)
{
	add_folder(needs, debuginfod_cache(),
		SANDBOX_WRITE | SANDBOX_MAKE | SANDBOX_REMOVE | SANDBOX_MAKE_FOLDERS | SANDBOX_REMOVE_FOLDERS);
	needs->names = true;
}

bool cli_sandbox_is_of_process(const char *path)
{
	g_autofree char *absolute = path ? g_canonicalize_filename(path, NULL) : NULL;

	return absolute && g_str_has_prefix(absolute, "/proc/") && g_ascii_isdigit(absolute[strlen("/proc/")]);
}

/* Capabilities stand in two words of 32 bits: <linux/capability.h>. Those of this thread, and of all that it starts. */
static bool drop_capabilities(const sandbox_uses *uses)
{
	static const unsigned kept[] = { CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_CHOWN, CAP_FOWNER };
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	uint32_t mask = 0;

	if (syscall(SYS_capget, &header, sets))
		return false;
	for (unsigned i = 0; i < G_N_ELEMENTS(kept); i++)
		mask |= CAP_TO_MASK(kept[i]);
	mask |= uses->processes ? CAP_TO_MASK(CAP_SYS_PTRACE) : 0;
	for (unsigned i = 0; i < G_N_ELEMENTS(sets); i++) {
		sets[i].permitted &= i ? 0 : mask;
		sets[i].effective &= i ? 0 : mask;
		sets[i].inheritable = 0;
	}
	return !syscall(SYS_capset, &header, sets);
}

static void note(GString *lacking, const char *what)
{
	g_string_append_printf(lacking, "%s%s", lacking->len ? "; " : "", what);
}

static void give_up_all_but_reading(sandbox_needs *needs, const sandbox_uses *uses, GString *lacking)
{
	add_scratch(needs);
	if (uses->output)
		add_output(needs, uses->output);
	if (uses->held)
		add_held(needs, uses->held);
	if (needs->network)
		add_cache(needs);
	if (uses->processes)
		note(lacking,
			"where files may be made is not limited, as one that is read is named by way of a process (/proc/PID)");
	else if (!cli_sandbox_protect_files(needs))
		note(lacking, "where files may be made is not limited (no Landlock here)");
	if (!drop_capabilities(uses))
		note(lacking, "capabilities are kept");
}

char *cli_sandbox_enter(cli_rights rights, const sandbox_uses *uses)
{
	const char *servers = g_getenv("DEBUGINFOD_URLS"), *reason;
	g_autoptr(GString) lacking = g_string_new(NULL);
	g_autoptr(GArray) folders = g_array_new(FALSE, FALSE, sizeof(sandbox_folder));
	sandbox_needs needs = { .rights = rights, .network = servers && *servers, .folders = folders };

	g_array_set_clear_func(folders, clear_folder);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		note(lacking, "what it would run could get more rights (no_new_privs failed)");
	if (rights == CLI_RIGHTS_TO_READ)
		give_up_all_but_reading(&needs, uses, lacking);
	if (!cli_sandbox_filter_calls(&needs, &reason))
		note(lacking, reason);
	return lacking->len ? g_strdup(lacking->str) : NULL;
}

char *cli_sandbox_describe(void)
{
	unsigned version = cli_sandbox_landlock_version();
	g_autofree char *landlock =
		version ? g_strdup_printf("Landlock (version %u) limits where files are made", version) :
			  g_strdup("no Landlock: where files are made is not limited");

	return g_strdup_printf("Sandbox: %s; %s",
		cli_sandbox_has_filters() ? "seccomp filters system calls" :
					    "no seccomp: system calls are not filtered",
		landlock);
}
