// SPDX-License-Identifier: LGPL-2.1-or-later
// Abseil's containers: see third-party.h.
#include <absl/container/btree_map.h>
#include <absl/container/btree_set.h>
#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/container/inlined_vector.h>
#include <absl/container/node_hash_map.h>
#include <absl/container/node_hash_set.h>
#include <absl/strings/cord.h>

#include "third-party.h"

struct here {
	int first;
	absl::flat_hash_map<int, std::string> flat_hash_map;
	absl::btree_map<int, std::string> btree_map;
};

absl::flat_hash_map<std::string, std::string> g_flat_hash_map;
absl::flat_hash_set<long> g_flat_hash_set;
absl::node_hash_map<int, std::string> g_node_hash_map;
absl::btree_map<int, std::string> g_btree_map;
absl::btree_set<std::string> g_btree_set;
absl::Cord g_cord;

struct members {
	int first;
	absl::InlinedVector<std::string, 4> inlined_vector;
	absl::flat_hash_map<long, long> flat_hash_map;
	absl::btree_multimap<std::string, int> btree_multimap;
};
members g_members;
members *g_behind = new members();

static absl::node_hash_set<std::string> &node_hash_set()
{
	static absl::node_hash_set<std::string> s_node_hash_set;
	return s_node_hash_set;
}

GLOBAL(g_flat_hash_map, g_flat_hash_map.size(), g_flat_hash_map[text(i)] = text(i));
GLOBAL(g_flat_hash_set, g_flat_hash_set.size(), g_flat_hash_set.insert(i));
GLOBAL(g_node_hash_map, g_node_hash_map.size(), g_node_hash_map[(int)i] = text(i));
GLOBAL(g_btree_map, g_btree_map.size(), g_btree_map[(int)i] = text(i));
GLOBAL(g_btree_set, g_btree_set.size(), g_btree_set.insert(text(i)));
GLOBAL(g_cord, g_cord.size(), g_cord.Append(std::string(2000, 'c')));
GROWS(inlined_vector, "g_members.inlined_vector", g_members, g_members.inlined_vector.size(),
      g_members.inlined_vector.push_back(text(i)));
GROWS(flat_hash_map, "g_members.flat_hash_map", g_members, g_members.flat_hash_map.size(), g_members.flat_hash_map[i] = i);
GROWS(btree_multimap, "g_behind->btree_multimap", g_behind, g_behind->btree_multimap.size(),
      g_behind->btree_multimap.emplace(text(i), (int)i));
GROWS(behind_flat_hash_map, "g_behind->flat_hash_map", g_behind, g_behind->flat_hash_map.size(),
      g_behind->flat_hash_map[i] = i);
GROWS(s_node_hash_set, "s_node_hash_set", node_hash_set(), node_hash_set().size(), node_hash_set().insert(text(i)));
GROWS(local_flat_hash_map, "here.flat_hash_map", *here, here->flat_hash_map.size(), here->flat_hash_map[(int)i] = text(i));
GROWS(local_btree_map, "here.btree_map", *here, here->btree_map.size(), here->btree_map[(int)i] = text(i));

int main(int argc, char **argv)
{
	here here;
	return third_party_run(argc, argv, &here);
}
