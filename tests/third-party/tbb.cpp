// SPDX-License-Identifier: LGPL-2.1-or-later
// The containers of Threading Building Blocks: see third-party.h.
#include <tbb/concurrent_hash_map.h>
#include <tbb/concurrent_map.h>
#include <tbb/concurrent_priority_queue.h>
#include <tbb/concurrent_queue.h>
#include <tbb/concurrent_set.h>
#include <tbb/concurrent_unordered_map.h>
#include <tbb/concurrent_vector.h>

#include "third-party.h"

struct here {
	int first;
	tbb::concurrent_unordered_map<int, std::string> unordered_map;
};

template<class T> using plain = std::allocator<T>;
using plain_hash_map = tbb::concurrent_hash_map<int, std::string, tbb::tbb_hash_compare<int>,
						plain<std::pair<const int, std::string>>>;

tbb::concurrent_hash_map<int, std::string> g_hash_map;
plain_hash_map g_plain_hash_map;
tbb::concurrent_vector<std::string> g_vector;
tbb::concurrent_vector<long, plain<long>> g_plain_vector;
tbb::concurrent_queue<std::string> g_queue;
tbb::concurrent_unordered_map<int, std::string> g_unordered_map;
tbb::concurrent_map<int, std::string, std::less<int>, plain<std::pair<const int, std::string>>> g_map;
tbb::concurrent_priority_queue<long> g_priority_queue;

struct members {
	int first;
	tbb::concurrent_bounded_queue<std::string> bounded_queue;
	tbb::concurrent_set<std::string> set;
};
members g_members;
members *g_behind = new members();

GLOBAL(g_hash_map, g_hash_map.size(), g_hash_map.insert({(int)i, text(i)}));
GLOBAL(g_plain_hash_map, g_plain_hash_map.size(), g_plain_hash_map.insert({(int)i, text(i)}));
GLOBAL(g_vector, g_vector.size(), g_vector.push_back(text(i)));
GLOBAL(g_plain_vector, g_plain_vector.size(), g_plain_vector.push_back(i));
GLOBAL(g_queue, g_queue.unsafe_size(), g_queue.push(text(i)));
GLOBAL(g_unordered_map, g_unordered_map.size(), g_unordered_map.insert({(int)i, text(i)}));
GLOBAL(g_map, g_map.size(), g_map.insert({(int)i, text(i)}));
GLOBAL(g_priority_queue, g_priority_queue.size(), g_priority_queue.push(i));
GROWS(bounded_queue, "g_members.bounded_queue", g_members, g_members.bounded_queue.size(),
      g_members.bounded_queue.push(text(i)));
GROWS(set, "g_behind->set", g_behind, g_behind->set.size(), g_behind->set.insert(text(i)));
GROWS(local_unordered_map, "here.unordered_map", *here, here->unordered_map.size(),
      here->unordered_map.insert({(int)i, text(i)}));

int main(int argc, char **argv)
{
	here here;
	return third_party_run(argc, argv, &here);
}
