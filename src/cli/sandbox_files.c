/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Landlock (Documentation/userspace-api/landlock.rst): whatever it is asked to handle is forbidden, but below the folders that are named to it.
 * Reading is not handled: a core names the files that its process had mapped, anywhere, and their debug info is found as the analysis goes
 * on. What is handled: to write, make, rename and remove, to run a file, to ask a device for anything, TCP, and sockets and signals of processes
 * that are not below this one.
 *
 * The constants and structures are the kernel's own, which are written here because a system's headers may be older than its kernel.
 */
#include "sandbox.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	CALL_CREATE = 444, /* of all machines alike */
	CALL_ADD = 445,
	CALL_RESTRICT = 446,
	CREATE_VERSION = 1 << 0,
	RULE_PATH_BENEATH = 1,
};

#define ACCESS_EXECUTE	   (UINT64_C(1) << 0)
#define ACCESS_WRITE_FILE  (UINT64_C(1) << 1)
#define ACCESS_REMOVE_DIR  (UINT64_C(1) << 4)
#define ACCESS_REMOVE_FILE (UINT64_C(1) << 5)
#define ACCESS_MAKE_ALL	   (UINT64_C(0x7f) << 6) /* character devices to links */
#define ACCESS_MAKE_DIR	   (UINT64_C(1) << 7)
#define ACCESS_MAKE_REG	   (UINT64_C(1) << 8)
#define ACCESS_REFER	   (UINT64_C(1) << 13) /* version 2 */
#define ACCESS_TRUNCATE	   (UINT64_C(1) << 14) /* 3 */
#define ACCESS_IOCTL	   (UINT64_C(1) << 15) /* 5 */
#define ACCESS_TCP	   UINT64_C(3)	       /* 4: bind, connect */
#define SCOPE_ALL	   UINT64_C(3)	       /* 6: abstract sockets, signals */

/* struct landlock_ruleset_attr, as of version 6. */
struct ruleset {
	uint64_t files, network, scoped;
};

/* struct landlock_path_beneath_attr */
struct path_rule {
	uint64_t allowed;
	int32_t folder;
} __attribute__((packed));

unsigned cli_sandbox_landlock_version(void)
{
	long version = syscall(CALL_CREATE, NULL, (size_t)0, CREATE_VERSION);

	return version > 0 ? (unsigned)version : 0;
}

static struct ruleset ruleset_of(unsigned version, const sandbox_needs *needs)
{
	struct ruleset rules = {
		.files = ACCESS_EXECUTE | ACCESS_WRITE_FILE | ACCESS_REMOVE_DIR | ACCESS_REMOVE_FILE | ACCESS_MAKE_ALL,
	};

	if (version >= 2)
		rules.files |= ACCESS_REFER;
	if (version >= 3)
		rules.files |= ACCESS_TRUNCATE;
	if (version >= 4 && !needs->network)
		rules.network = ACCESS_TCP;
	if (version >= 5)
		rules.files |= ACCESS_IOCTL;
	if (version >= 6 && !needs->network)
		rules.scoped = SCOPE_ALL;
	return rules;
}

static uint64_t accesses_of(unsigned may)
{
	static const struct {
		unsigned bit;
		uint64_t accesses;
	} meanings[] = {
		{ SANDBOX_WRITE, ACCESS_WRITE_FILE | ACCESS_TRUNCATE },
		{ SANDBOX_MAKE, ACCESS_MAKE_REG },
		{ SANDBOX_REMOVE, ACCESS_REMOVE_FILE },
		{ SANDBOX_MAKE_FOLDERS, ACCESS_MAKE_DIR | ACCESS_REFER },
		{ SANDBOX_REMOVE_FOLDERS, ACCESS_REMOVE_DIR },
	};
	uint64_t accesses = 0;

	for (unsigned i = 0; i < G_N_ELEMENTS(meanings); i++)
		accesses |= may & meanings[i].bit ? meanings[i].accesses : 0;
	return accesses;
}

static void allow(int ruleset, const struct ruleset *rules, const sandbox_folder *folder)
{
	struct path_rule rule = {
		.allowed = rules->files & accesses_of(folder->may),
		.folder = open(folder->path, O_PATH | O_DIRECTORY | O_CLOEXEC),
	};

	if (rule.folder < 0)
		return; /* then nothing is written there in any case */
	syscall(CALL_ADD, ruleset, RULE_PATH_BENEATH, &rule, 0);
	close(rule.folder);
}

bool cli_sandbox_protect_files(const sandbox_needs *needs)
{
	unsigned version = cli_sandbox_landlock_version();
	struct ruleset rules = ruleset_of(version, needs);
	/* Older kernels know a shorter structure, and take a longer one only if the rest is zero: it is. */
	int ruleset = version ? (int)syscall(CALL_CREATE, &rules, sizeof rules, 0) : -1;
	bool restricted;

	if (ruleset < 0)
		return false;
	for (unsigned i = 0; i < needs->folders->len; i++)
		allow(ruleset, &rules, &g_array_index(needs->folders, sandbox_folder, i));
	restricted = !syscall(CALL_RESTRICT, ruleset, 0);
	close(ruleset);
	return restricted;
}

bool cli_sandbox_has_nameless_files(const char *folder)
{
	int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (file >= 0)
		close(file);
	return file >= 0;
}
