/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * heaps KIND COUNT: a heap to measure on. Prints "ready PID" when it stands, then waits for its core to be taken.
 *
 *	list		COUNT nodes of 24 bytes, linked in the order of their addresses
 *	list-shuffled	the same nodes, linked at random
 *	lists		1,000 std::lists of COUNT nodes together, one node of each made in turn: the next of a node lies far away
 *	mix		COUNT entries each of a map, a hash map and a vector, whose strings have up to 1,000 bytes
 *	mixed		COUNT entries each of a map, a hash map and a list, COUNT strings, COUNT nodes of a chain, COUNT/8 vectors of
 *			8; and COUNT/100 nodes that are lost
 *	sharded		four shards of COUNT/4 entries, each filled by a thread of its own (so from an arena of its own): a map, a
 *			list, a hash map, strings; then a fifth of each is freed, so that the holes lie apart
 *	intrusive	COUNT nodes of a doubly linked list whose links lie in the middle of the nodes
 *	long		COUNT nodes of 40 bytes in one chain: as deep as a heap can be
 *	pointers	one block of COUNT pointers to COUNT/64 blocks, at random
 *	objects		COUNT sessions: each an object with a name, a vector, a map of two, and a handler that is known by its base only;
 *			6 or 7 blocks
 */
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <unistd.h>
#include <unordered_map>
#include <vector>

namespace
{

/* Xorshift: the same heap each time. */
class random_numbers
{
      public:
	explicit random_numbers(uint64_t seed) : state(seed)
	{
	}

	uint64_t next()
	{
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		return state;
	}

      private:
	uint64_t state;
};

random_numbers numbers(0x2545f4914f6cdd1d);

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

struct shard {
	std::map<uint64_t, std::string> by_key;
	std::unordered_map<std::string, long> by_name;
	std::list<std::string> recent;
	std::vector<std::string> lines;
};

/* What keeps the heap: in static storage, so that it is found from there. Nobody reads these, but they must be written. */
[[gnu::used]] node *list_head;
[[gnu::used]] long_node *long_head;
[[gnu::used]] link intrusive_head = { &intrusive_head, &intrusive_head };
[[gnu::used]] void **pointers;
std::list<long> lists[1000];
shard shards[4];
std::unordered_map<uint64_t, std::string> texts;
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
		std::swap(nodes[i - 1], nodes[numbers.next() % i]);
	for (size_t i = 0; i < count; i++)
		nodes[i]->next = i + 1 < count ? nodes[i + 1] : nullptr;
	list_head = count ? nodes[0] : nullptr;
}

void make_lists(size_t count)
{
	for (size_t i = 0; i < count; i++)
		lists[i % std::size(lists)].push_back(i);
}

/* Most are short, as they are in programs. */
std::string make_text(random_numbers &from)
{
	return std::string(from.next() % 4 ? from.next() % 100 : from.next() % 1000, 't');
}

void make_mix(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		by_key[numbers.next()] = make_text(numbers);
		texts[numbers.next()] = make_text(numbers);
		lines.push_back(make_text(numbers));
	}
}

/* Nothing but a register knows it. */
void lose_node(long value)
{
	node *lost = new node{ nullptr, { value, 0 } };

	asm volatile("" : : "r"(lost) : "memory");
}

void make_mixed(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		long_head = new long_node{ long_head, { (long)i, 0, 0, 0 } };
		if (i % 100 == 0)
			lose_node(i);
		by_key[numbers.next()] = std::string(numbers.next() % 60, 'x');
		by_name[std::to_string(numbers.next())] = i;
		sequence.push_back(i);
		lines.emplace_back(20 + numbers.next() % 40, 'y');
		if (i % 8 == 0)
			vectors.emplace_back(8, (long)i);
	}
}

void fill_shard(shard &own, random_numbers &from, size_t count)
{
	std::vector<uint64_t> keys;

	for (size_t i = 0; i < count; i++) {
		keys.push_back(from.next());
		own.by_key[keys.back()] = std::string(16 + from.next() % 60, 'x');
		own.by_name[std::to_string(keys.back())] = i;
		own.recent.emplace_back(from.next() % 60, 'r');
		own.lines.emplace_back(20 + from.next() % 40, 'y');
	}
	auto entry = own.recent.begin();

	for (size_t i = 0; i < count; i++) {
		auto at = entry++;

		if (i % 5 == 0)
			own.by_key.erase(keys[i]);
		else if (i % 5 == 1)
			own.by_name.erase(std::to_string(keys[i]));
		else if (i % 5 == 2)
			own.recent.erase(at);
		else if (i % 5 == 3)
			own.lines[i] = std::string();
	}
}

/* The threads stay: their arenas are theirs. */
void make_shards(size_t count)
{
	std::atomic<size_t> filled = 0;

	for (size_t i = 0; i < std::size(shards); i++) {
		std::thread([&filled, i, count] {
			random_numbers from(0x9e3779b97f4a7c15 * (i + 1));

			fill_shard(shards[i], from, count / std::size(shards));
			filled++;
			for (;;)
				pause();
		}).detach();
	}
	while (filled < std::size(shards))
		usleep(10000);
}

void make_objects(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		auto one = std::make_unique<session>();

		one->name.assign(20 + numbers.next() % 40, 'z');
		one->events.assign(4 + numbers.next() % 12, (int)i);
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
		pointers[i] = blocks[numbers.next() % targets];
}

const struct kind {
	const char *name;
	void (*make)(size_t count);
} kinds[] = {
	{ "list", [](size_t count) { make_list(count, false); } },
	{ "list-shuffled", [](size_t count) { make_list(count, true); } },
	{ "lists", make_lists },
	{ "mix", make_mix },
	{ "mixed", make_mixed },
	{ "sharded", make_shards },
	{ "intrusive", make_intrusive },
	{ "long", make_long },
	{ "pointers", make_pointers },
	{ "objects", make_objects },
};

void (*find_maker(const char *name))(size_t)
{
	for (const kind &one : kinds)
		if (!strcmp(name, one.name))
			return one.make;
	return nullptr;
}

int usage()
{
	fprintf(stderr, "usage: heaps KIND COUNT, with one of these kinds:");
	for (const kind &one : kinds)
		fprintf(stderr, " %s", one.name);
	fprintf(stderr, "\n");
	return 64;
}

}

int main(int argc, char **argv)
{
	void (*make)(size_t) = argc == 3 ? find_maker(argv[1]) : nullptr;

	if (!make)
		return usage();
	make(strtoull(argv[2], nullptr, 10));
	printf("ready %d\n", getpid());
	fflush(stdout);
	pause();
}
