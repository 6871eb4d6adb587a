/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * heaps KIND COUNT: a heap to measure on. Prints "ready PID" when it stands, then waits for its core to be taken.
 *
 *	list		COUNT nodes of 24 bytes, linked in the order of their addresses
 *	list-shuffled	the same nodes, linked at random
 *	mixed		COUNT entries each of a map, a hash map and a list, COUNT strings and COUNT/8 vectors of 8
 *	intrusive	COUNT nodes of a doubly linked list whose links lie in the middle of the nodes
 *	long		COUNT nodes of 40 bytes in one chain: as deep as a heap can be
 *	pointers	one block of COUNT pointers to COUNT/64 blocks, at random
 *	objects		COUNT sessions: each an object with a name, a vector, a map of two, and a handler that is known by its base only;
 *			6 or 7 blocks
 */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unistd.h>
#include <unordered_map>
#include <vector>

namespace
{

uint64_t random_state = 0x2545f4914f6cdd1d;

uint64_t next_random()
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

struct node {
	node *next;
	long value[2];
};

struct long_node {
	long_node *next;
	long value[4];
};

struct link {
	link *next, *previous;
};

struct item {
	long key[2];
	link links;
	long value;
};

struct handler {
	virtual ~handler() = default;
	long calls = 0;
};

struct reader : handler {
	node *last = nullptr;
};

struct writer : handler {
	char text[24] = "";
};

struct session {
	std::string name;
	std::vector<int> events;
	std::map<int, long> attributes;
	handler *handles = nullptr;
};

/* What keeps the heap: in static storage, so that it is found from there. Nobody reads these, but they must be written. */
[[gnu::used]] node *list_head;
[[gnu::used]] long_node *long_head;
[[gnu::used]] link intrusive_head = { &intrusive_head, &intrusive_head };
[[gnu::used]] void **pointers;
std::map<uint64_t, std::string> by_key;
std::unordered_map<std::string, long> by_name;
std::list<long> sequence;
std::vector<std::string> lines;
std::vector<std::vector<long>> vectors;
std::vector<std::unique_ptr<session>> sessions;

void make_list(size_t count, bool shuffled)
{
	std::vector<node *> nodes(count);

	for (size_t i = 0; i < count; i++)
		nodes[i] = new node{ nullptr, { (long)i, 0 } };
	for (size_t i = count; shuffled && i > 1; i--)
		std::swap(nodes[i - 1], nodes[next_random() % i]);
	for (size_t i = 0; i < count; i++)
		nodes[i]->next = i + 1 < count ? nodes[i + 1] : nullptr;
	list_head = count ? nodes[0] : nullptr;
}

void make_mixed(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		by_key[next_random()] = std::string(next_random() % 60, 'x');
		by_name[std::to_string(next_random())] = i;
		sequence.push_back(i);
		lines.emplace_back(20 + next_random() % 40, 'y');
		if (i % 8 == 0)
			vectors.emplace_back(8, (long)i);
	}
}

void make_objects(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		auto one = std::make_unique<session>();

		one->name.assign(20 + next_random() % 40, 'z');
		one->events.assign(4 + next_random() % 12, (int)i);
		one->attributes = { { 1, (long)i }, { 2, 0 } };
		if (i % 2) {
			reader *reads = new reader;

			reads->last = new node{ nullptr, { (long)i, 0 } };
			one->handles = reads;
		} else {
			one->handles = new writer;
		}
		sessions.push_back(std::move(one));
	}
}

void make_intrusive(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		item *one = new item{ { (long)i, 0 }, { &intrusive_head, intrusive_head.previous }, 0 };

		intrusive_head.previous->next = &one->links;
		intrusive_head.previous = &one->links;
	}
}

void make_long(size_t count)
{
	for (size_t i = 0; i < count; i++)
		long_head = new long_node{ long_head, { (long)i, 0, 0, 0 } };
}

void make_pointers(size_t count)
{
	size_t targets = count / 64 + 1;
	std::vector<void *> blocks(targets);

	for (size_t i = 0; i < targets; i++)
		blocks[i] = calloc(1, 40);
	pointers = (void **)malloc(count * sizeof *pointers);
	for (size_t i = 0; i < count; i++)
		pointers[i] = blocks[next_random() % targets];
}

bool make(const char *kind, size_t count)
{
	if (!strcmp(kind, "list"))
		make_list(count, false);
	else if (!strcmp(kind, "list-shuffled"))
		make_list(count, true);
	else if (!strcmp(kind, "mixed"))
		make_mixed(count);
	else if (!strcmp(kind, "objects"))
		make_objects(count);
	else if (!strcmp(kind, "intrusive"))
		make_intrusive(count);
	else if (!strcmp(kind, "long"))
		make_long(count);
	else if (!strcmp(kind, "pointers"))
		make_pointers(count);
	else
		return false;
	return true;
}

}

int main(int argc, char **argv)
{
	if (argc != 3 || !make(argv[1], strtoull(argv[2], nullptr, 10))) {
		fprintf(stderr, "usage: heaps list|list-shuffled|mixed|objects|intrusive|long|pointers COUNT\n");
		return 64;
	}
	printf("ready %d\n", getpid());
	fflush(stdout);
	pause();
}
